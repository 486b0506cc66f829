"""The parts of an action: which numbers are chosen together, and what values they can have.

One class for each set of values. KIND_VALUES finds it by the kind of an action. 0 is the neutral
value of every kind: nothing happens.

Shapes: N rows, A actions, K numbers of one part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


class StickyDraw(NamedTuple):
    """Random numbers of one tick for a part of a sticky action, (K,) each.

    value: float32, uniform in -1..1. change: whether to take a new value. press: whether a button
    is pressed now; rarer than `change`.
    """

    value: Floats
    change: Flags
    press: Flags


class ActionPart(Protocol):
    """Numbers of an action that are chosen together, in policy units."""

    low: ClassVar[float]
    high: ClassVar[float]

    def __init__(self, indices: tuple[int, ...]) -> None: ...

    @property
    def indices(self) -> tuple[int, ...]:
        """(K,): places of the numbers in the action."""
        ...

    def from_uniform(self, drawn: Floats) -> Floats:
        """Uniformly random values, (N, K), from uniform numbers in -1..1, (N, K)."""
        ...

    def start(self, rng: np.random.Generator) -> Floats:
        """The value (K,) before the first tick of a sticky action."""
        ...

    def stick(self, before: Floats, draw: StickyDraw, rng: np.random.Generator) -> Floats:
        """The next value (K,) of a sticky action, from the value `before` (K,)."""
        ...


@dataclass(frozen=True)
class Interval:
    """Axes: each number is anywhere in -1..1."""

    indices: tuple[int, ...]
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def from_uniform(self, drawn: Floats) -> Floats:
        return drawn

    def start(self, rng: np.random.Generator) -> Floats:
        return np.zeros(len(self.indices), np.float32)

    def stick(self, before: Floats, draw: StickyDraw, rng: np.random.Generator) -> Floats:
        return np.where(draw.change, draw.value, before)


@dataclass(frozen=True)
class Binary:
    """Buttons: each number is 0 (up) or 1 (down)."""

    indices: tuple[int, ...]
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def from_uniform(self, drawn: Floats) -> Floats:
        return (drawn > 0).astype(np.float32)

    def start(self, rng: np.random.Generator) -> Floats:
        return np.zeros(len(self.indices), np.float32)

    def stick(self, before: Floats, draw: StickyDraw, rng: np.random.Generator) -> Floats:
        return draw.press.astype(np.float32)


@dataclass(frozen=True)
class OneHot:
    """A group of buttons: exactly one number is 1, the others are 0."""

    indices: tuple[int, ...]
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def from_uniform(self, drawn: Floats) -> Floats:
        return np.eye(len(self.indices), dtype=np.float32)[drawn.argmax(1)]

    def start(self, rng: np.random.Generator) -> Floats:
        return np.equal(self.indices, rng.choice(self.indices)).astype(np.float32)

    def stick(self, before: Floats, draw: StickyDraw, rng: np.random.Generator) -> Floats:
        return self.start(rng) if draw.change[0] else before


# The values of each kind in configs.actions.KINDS, for an action that is in no group.
KIND_VALUES: dict[str, type[ActionPart]] = {"axis": Interval, "press": Binary, "hold": Binary}


def action_parts(actions: Sequence[ActionConfig]) -> tuple[ActionPart, ...]:
    """The parts of an action: one for each set of values, as KIND_VALUES orders them, then groups.

    The order is fixed: sums of log-probabilities and draws of random numbers depend on it.
    """
    single: dict[type[ActionPart], list[int]] = {values: [] for values in KIND_VALUES.values()}
    groups: dict[str, list[int]] = {}
    for i, action in enumerate(actions):
        if action.group is None:
            single[KIND_VALUES[action.kind]].append(i)
        else:
            groups.setdefault(action.group, []).append(i)
    return (
        *(values(tuple(indices)) for values, indices in single.items() if indices),
        *(OneHot(tuple(indices)) for indices in groups.values()),
    )
