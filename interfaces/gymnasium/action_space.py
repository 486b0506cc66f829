"""Maps a Gymnasium action space to axes, buttons and groups of buttons, and actions back."""

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.errors import BadInput

Floats = NDArray[np.float32]


class LeafSpace(Protocol):
    """One simple space within a nested space. `size`: how many policy actions it takes."""

    size: int

    def actions(self, name: str) -> list[ActionConfig]:
        """The policy actions of this space, with names that start with `name`."""
        ...

    def convert(self, requested: Floats) -> tuple[NDArray[np.floating[Any]], Floats]:
        """Convert policy actions, float32 (size,) in policy units.

        Returns the flat environment action, as spaces.flatten orders it, and the action as sent,
        float32 (size,) in policy units.
        """
        ...


def leaf_spaces(space: spaces.Space[Any]) -> tuple[LeafSpace, ...]:
    """The simple spaces, in the order of spaces.flatten. Raises BadInput for an unsupported one."""
    if isinstance(space, spaces.Dict):
        return tuple(leaf for each in space.spaces.values() for leaf in leaf_spaces(each))
    if isinstance(space, spaces.Tuple):
        return tuple(leaf for each in space.spaces for leaf in leaf_spaces(each))
    if isinstance(space, spaces.Box):
        return (_Axes(space),)
    if isinstance(space, spaces.Discrete):
        return (_Groups((int(space.n),)),)
    if isinstance(space, spaces.MultiDiscrete):
        return (_Groups(tuple(int(n) for n in space.nvec.flatten())),)
    if isinstance(space, spaces.MultiBinary):
        return (_Buttons(int(np.prod(space.shape or ()))),)
    raise BadInput(
        f"world.id: no policy can choose actions of {type(space).__name__} ({str(space)[:80]}). "
        "What works: Box, Discrete, MultiDiscrete, MultiBinary, and Dict or Tuple of these"
    )


class _Axes:
    """A Box: one axis per number, scaled from -1..1 to the bounds."""

    def __init__(self, box: spaces.Box) -> None:
        low, high = (np.asarray(edge, np.float32).flatten() for edge in (box.low, box.high))
        with np.errstate(over="ignore"):
            if not np.isfinite(high - low).all():
                raise BadInput(f"world.id: actions of {box} have no bounds to scale an axis to")
        self.size, self._low, self._high = len(low), low, high
        # The bounds in float64: the nearest float32 may lie outside them.
        self._edges = tuple(np.asarray(e, np.float64).flatten() for e in (box.low, box.high))
        self._integer = np.issubdtype(box.dtype, np.integer)

    def actions(self, name: str) -> list[ActionConfig]:
        names = [name] if self.size == 1 else [f"{name}_{i}" for i in range(self.size)]
        return [ActionConfig(name=each) for each in names]

    def convert(self, requested: Floats) -> tuple[NDArray[np.floating[Any]], Floats]:
        sent = np.clip(requested, -1.0, 1.0).astype(np.float32)
        scaled = self._low + (sent + 1.0) * (self._high - self._low) / 2.0
        scaled = np.clip(scaled.astype(np.float64), *self._edges)
        return np.rint(scaled) if self._integer else scaled, sent


class _Groups:
    """Discrete choices: in each group only the button with the largest value is down."""

    def __init__(self, counts: tuple[int, ...]) -> None:
        self._counts, self.size = counts, sum(counts)

    def actions(self, name: str) -> list[ActionConfig]:
        actions: list[ActionConfig] = []
        for i, count in enumerate(self._counts):
            group = name if len(self._counts) == 1 else f"{name}_{i}"
            actions += [
                ActionConfig(name=f"{group}_{choice}", kind="hold", group=group)
                for choice in range(count)
            ]
        return actions

    def convert(self, requested: Floats) -> tuple[Floats, Floats]:
        sent, at = np.zeros(self.size, np.float32), 0
        for count in self._counts:
            sent[at + int(np.argmax(requested[at : at + count]))] = 1.0
            at += count
        return sent, sent


class _Buttons:
    """A MultiBinary: one independent button per bit."""

    def __init__(self, count: int) -> None:
        self.size = count

    def actions(self, name: str) -> list[ActionConfig]:
        return [ActionConfig(name=f"{name}_{i}", kind="hold") for i in range(self.size)]

    def convert(self, requested: Floats) -> tuple[Floats, Floats]:
        sent = (requested > 0.5).astype(np.float32)
        return sent, sent
