"""A Gymnasium action space as axes, buttons and groups of the policy, and back."""

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.errors import BadInput

Floats = NDArray[np.float32]


class Leaf(Protocol):
    """One simple space within the whole: `size` numbers of the policy."""

    size: int

    def actions(self, name: str) -> list[ActionConfig]: ...

    def take(self, wanted: Floats) -> tuple[NDArray[np.floating[Any]], Floats]:
        """The policy's numbers (size,) -> what the world is told, as spaces.flatten has it, and
        what was really sent, in the policy's units."""
        ...


def leaves(space: spaces.Space[Any]) -> tuple[Leaf, ...]:
    """In the order of spaces.flatten. Raises BadInput for a space that no policy here acts in."""
    if isinstance(space, spaces.Dict):
        return tuple(leaf for each in space.spaces.values() for leaf in leaves(each))
    if isinstance(space, spaces.Tuple):
        return tuple(leaf for each in space.spaces for leaf in leaves(each))
    if isinstance(space, spaces.Box):
        return (_Axes(space),)
    if isinstance(space, spaces.Discrete):
        return (_OneOf((int(space.n),)),)
    if isinstance(space, spaces.MultiDiscrete):
        return (_OneOf(tuple(int(n) for n in space.nvec.flatten())),)
    if isinstance(space, spaces.MultiBinary):
        return (_Buttons(int(np.prod(space.shape or ()))),)
    raise BadInput(f"world.id: actions of {space} cannot be chosen by a policy here")


class _Axes:
    def __init__(self, box: spaces.Box) -> None:
        low, high = (np.asarray(edge, np.float32).flatten() for edge in (box.low, box.high))
        with np.errstate(over="ignore"):
            if not np.isfinite(high - low).all():
                raise BadInput(f"world.id: actions of {box} have no bounds to scale an axis to")
        self.size, self._low, self._high = len(low), low, high
        # A float64's bound may lie within that of the float32 next to it.
        self._edges = tuple(np.asarray(e, np.float64).flatten() for e in (box.low, box.high))
        self._whole = np.issubdtype(box.dtype, np.integer)

    def actions(self, name: str) -> list[ActionConfig]:
        names = [name] if self.size == 1 else [f"{name}_{i}" for i in range(self.size)]
        return [ActionConfig(name=each) for each in names]

    def take(self, wanted: Floats) -> tuple[NDArray[np.floating[Any]], Floats]:
        sent = np.clip(wanted, -1.0, 1.0).astype(np.float32)
        told = self._low + (sent + 1.0) * (self._high - self._low) / 2.0
        told = np.clip(told.astype(np.float64), *self._edges)
        return np.rint(told) if self._whole else told, sent


class _OneOf:
    """Groups of which exactly one is down each: the one wanted most."""

    def __init__(self, counts: tuple[int, ...]) -> None:
        self._counts, self.size = counts, sum(counts)

    def actions(self, name: str) -> list[ActionConfig]:
        found: list[ActionConfig] = []
        for i, count in enumerate(self._counts):
            group = name if len(self._counts) == 1 else f"{name}_{i}"
            found += [
                ActionConfig(name=f"{group}_{choice}", kind="hold", group=group)
                for choice in range(count)
            ]
        return found

    def take(self, wanted: Floats) -> tuple[Floats, Floats]:
        sent, at = np.zeros(self.size, np.float32), 0
        for count in self._counts:
            sent[at + int(np.argmax(wanted[at : at + count]))] = 1.0
            at += count
        return sent, sent


class _Buttons:
    def __init__(self, count: int) -> None:
        self.size = count

    def actions(self, name: str) -> list[ActionConfig]:
        return [ActionConfig(name=f"{name}_{i}", kind="hold") for i in range(self.size)]

    def take(self, wanted: Floats) -> tuple[Floats, Floats]:
        sent = (wanted > 0.5).astype(np.float32)
        return sent, sent
