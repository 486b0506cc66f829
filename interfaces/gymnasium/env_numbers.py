"""Turns the observations, rewards and flags of an environment into numbers, and checks them."""

from collections.abc import Callable, Iterator
from typing import Any, SupportsFloat

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.errors import BadInput

_MAX_NAMED = 5
_WORKS = "Box, Discrete, MultiDiscrete, MultiBinary, and Dict or Tuple of these"


class NumberLeaf:
    """A simple space at `path` within an observation; `size` numbers from `start` on."""

    def __init__(self, path: tuple[str | int, ...], space: Any, start: int) -> None:
        self.path, self.space, self.start = path, space, start
        if isinstance(space, spaces.Discrete):
            self._counts, self._low = np.array([space.n]), np.array([space.start])
            self.size = int(space.n)
        elif isinstance(space, spaces.MultiDiscrete):
            self._counts, self._low = space.nvec.reshape(-1), space.start.reshape(-1)
            self.size = int(self._counts.sum())
        else:
            self._counts = self._low = None
            self.size = int(np.prod(space.shape))
        self.bounds: tuple[NDArray[Any], NDArray[Any]] | None = None
        if isinstance(space, spaces.Box):
            low, high = (np.asarray(e, np.float32).reshape(-1) for e in (space.low, space.high))
            if np.isfinite(low).any() or np.isfinite(high).any():
                self.bounds = low, high

    def numbers(self, value: Any) -> NDArray[np.float32]:
        """The numbers of this leaf, float32 (size,), as gymnasium's flatten orders them.

        Raises ValueError, which says what is wrong with the value.
        """
        given = np.asarray(value)
        if given.dtype.kind not in "buif":
            raise ValueError(f"{value!r:.60}, which is no number")
        if self._counts is None:
            if given.size != self.size:
                raise ValueError(f"{given.shape} {given.dtype}, {self.space.shape} was declared")
            with np.errstate(over="ignore"):  # it becomes infinite, and is named as such
                return given.astype(np.float32).reshape(-1)
        chosen = given.reshape(-1) - self._low
        if chosen.shape != self._counts.shape:
            raise ValueError(f"{given.shape} {given.dtype}, {self.space} was declared")
        if not ((chosen >= 0) & (chosen < self._counts) & (chosen == np.rint(chosen))).all():
            raise ValueError(f"{given.tolist()}, {self.space} was declared")
        flat = np.zeros(self.size, np.float32)
        flat[np.cumsum(self._counts) - self._counts + chosen.astype(np.int64)] = 1.0
        return flat


class EnvNumbers:
    """Converts the observations of one environment to float32 (size,), and checks every number.

    `warn` gets one line when a number is outside the declared range for the first time. Raises
    BadInput for a space without numbers, which says what works instead.
    """

    def __init__(self, name: str, space: Any, warn: Callable[[str], None]) -> None:
        self._name, self._warn, self._warned = name, warn, False
        self._leaves = list[NumberLeaf]()
        self.size = 0
        for path, leaf in _leaf_spaces(name, space, ()):
            self._leaves.append(NumberLeaf(path, leaf, self.size))
            self.size += self._leaves[-1].size

    def convert(self, observed: Any) -> NDArray[np.float32]:
        """The numbers of an observation. Raises BadInput, which names the entry."""
        parts = [self._part(leaf, observed) for leaf in self._leaves]
        numbers = parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.float32), *parts])
        finite = np.isfinite(numbers)
        if not finite.all():
            wrong = [self._describe(int(i), numbers) for i in np.flatnonzero(~finite)]
            more = f" and {len(wrong) - _MAX_NAMED} more" if len(wrong) > _MAX_NAMED else ""
            raise BadInput(f"{self._name}: {', '.join(wrong[:_MAX_NAMED])}{more}")
        return numbers

    def _part(self, leaf: NumberLeaf, observed: Any) -> NDArray[np.float32]:
        value, at = observed, "its observation"
        for step in leaf.path:
            try:
                value, at = value[step], f"{at}[{step!r}]"
            except (LookupError, TypeError):
                raise BadInput(f"{self._name}: {at} has no entry {step!r}, as declared") from None
        try:
            numbers = leaf.numbers(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise BadInput(f"{self._name}: {at} is {error}") from None
        if leaf.bounds is not None and not self._warned:
            outside = np.flatnonzero((numbers < leaf.bounds[0]) | (numbers > leaf.bounds[1]))
            if len(outside):
                self._warned, i = True, int(outside[0])
                low, high = leaf.bounds[0][i], leaf.bounds[1][i]
                self._warn(
                    f"{self._name}: observation{leaf.start + i} is {numbers[i]:g}; {low:g} to "
                    f"{high:g} was declared: it is used as it is"
                )
        return numbers

    def _describe(self, index: int, numbers: NDArray[np.float32]) -> str:
        """What is wrong with a number, and which entry of an observation of several it is from."""
        leaf = next(leaf for leaf in self._leaves if index < leaf.start + leaf.size)
        entry = f" ({'.'.join(map(str, leaf.path))})" if leaf.path else ""
        return f"observation{index}{entry} is {'NaN' if np.isnan(numbers[index]) else 'infinite'}"


def _leaf_spaces(
    name: str, space: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """(path, simple space), in the order of gymnasium's flatten."""
    if isinstance(space, spaces.Dict):
        for key, each in space.spaces.items():
            yield from _leaf_spaces(name, each, (*path, key))
    elif isinstance(space, spaces.Tuple):
        for index, each in enumerate(space.spaces):
            yield from _leaf_spaces(name, each, (*path, index))
    elif isinstance(
        space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary
    ):
        yield path, space
    else:
        where = f"the entry {'.'.join(map(str, path))} of its observation" if path else "it"
        raise BadInput(
            f"{name}: {where} is {type(space).__name__} ({str(space)[:80]}), which has no fixed "
            f"numbers. What works: {_WORKS}. Leave it out by gymnasium.wrappers.FilterObservation, "
            "convert it by TransformObservation, or observe the picture: "
            "world.gymnasium.pixels=true"
        )


def reward_number(name: str, reward: Any) -> float:
    """A reward: one finite number, also as an array of one. Raises BadInput."""
    given = np.asarray(reward)
    if given.dtype == object and isinstance(reward, SupportsFloat):
        given = np.asarray(float(reward))
    if given.dtype.kind not in "buif" or given.size != 1:
        raise BadInput(f"{name}: its reward is {reward!r:.60}; allowed is one number")
    number = float(given.reshape(-1)[0])
    if not np.isfinite(number):
        raise BadInput(f"{name}: its reward is {number}; allowed is a finite number")
    return number


def flag(name: str, which: str, value: Any) -> bool:
    """`terminated` or `truncated`, also as an array of one. Raises BadInput."""
    given = np.asarray(value)
    if given.dtype.kind not in "buif" or given.size != 1 or np.isnan(given).any():
        raise BadInput(f"{name}: {which} is {value!r:.60}; allowed is true or false")
    return bool(given.reshape(-1)[0])


def unpacked(name: str, function: str, result: Any, parts: str) -> tuple[Any, ...]:
    """The parts of what reset or step returned. Raises BadInput for another number of parts.

    `parts` names them, as in "observation, info".
    """
    wanted = parts.count(",") + 1
    if isinstance(result, tuple) and len(result) == wanted:
        return result
    given = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
    raise BadInput(
        f"{name}: {function} returned {given}, and Gymnasium has {wanted}: {parts}. An environment "
        "of the old package gym needs the package shimmy"
    )
