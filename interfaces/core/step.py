"""The Step: one row of the journal, as a NumPy record whose fields are found by name.

The format only grows. A record of an older version lacks fields: `as_layout` fills them with their
defaults. Fields that this version does not know are ignored.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces


class Sender(IntEnum):
    """The source of the action of a Step."""

    POLICY = 0
    HUMAN = 1
    SAFETY = 2


@dataclass(frozen=True)
class Scalar:
    """One number that every Step has.

    `type`: its NumPy type. `default`: its value in a record that lacks the field. None: every
    record has had it, so a record without it is damaged.
    """

    name: str
    type: str
    default: float | None = None


# The scalars of a Step. To record one more, add it here with a default, and set it where its value
# is known, for example in Body._record. Journal, session and exports need no change.
SCALARS: tuple[Scalar, ...] = (
    Scalar("index", "<u8"),
    Scalar("tick", "<u8"),  # key of the acting noise; unlike the index it counts dropped Steps
    Scalar("monotonic_ns", "<i8"),  # at the start of observing
    Scalar("wall_ns", "<i8"),  # at the start of observing
    Scalar("frame_number", "<i8"),
    Scalar("weights_version", "<i8"),
    Scalar("skipped", "<u4"),
    Scalar("situation", "<u4"),
    Scalar("lateness_s", "<f4"),
    Scalar("frame_age_s", "<f4"),
    Scalar("decide_s", "<f4"),
    Scalar("log_prob", "<f4"),
    Scalar("is_first", "?"),
    Scalar("is_last", "?"),
    Scalar("is_terminal", "?"),
    Scalar("sender", "u1"),
    Scalar("world_reward", "<f4"),  # the reward of the world itself, unweighted
)
# The reward terms of records of version 0.1.0: stored with their weights, in the field `reward`.
OLD_REWARD_TERMS = ("parameters", "action_cost", "world")


@dataclass(frozen=True)
class StepLayout:
    """The fields of the Steps of one run.

    `reward_terms` are the names of the reward terms. Each has two fields: its value without a
    weight, and the weight at the time of recording. A term that a record lacks has value and
    weight 0. For a record of version 0.1.0 the value is the weighted one, and the weight 1.
    """

    spaces: Spaces
    reward_terms: tuple[str, ...] = ()

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        """The record of one Step.

        `action` is what was really sent, `chosen` what the policy chose, both in policy units.
        `sound` and `sound_raw` (16 bits a sample) exist only for a world with audio input.
        """
        return np.dtype(
            [
                *((scalar.name, scalar.type) for scalar in SCALARS),
                *((value_field(term), "<f4") for term in self.reward_terms),
                *((weight_field(term), "<f4") for term in self.reward_terms),
                *_array_fields(self.spaces),
            ]
        )

    def with_terms_of(self, other: "StepLayout") -> "StepLayout":
        """This layout with the reward terms of both, its own first."""
        terms = tuple(dict.fromkeys((*self.reward_terms, *other.reward_terms)))
        return self if terms == self.reward_terms else StepLayout(self.spaces, terms)


def value_field(term: str) -> str:
    """Name of the field that holds the unweighted value of a reward term."""
    return f"reward.{term}"


def weight_field(term: str) -> str:
    """Name of the field that holds the weight of a reward term at the time of recording."""
    return f"weight.{term}"


def reward_terms_of(dtype: np.dtype[np.void]) -> tuple[str, ...]:
    """The names of the reward terms of a record, in the order of its fields."""
    names = dtype.names or ()
    if "reward" in names:
        return OLD_REWARD_TERMS
    prefix = value_field("")
    return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def weighted_terms(steps: NDArray[np.void]) -> dict[str, NDArray[np.float32]]:
    """Each reward term times its weight at the time of recording, (...) for Steps (...)."""
    weighted: dict[str, NDArray[np.float32]] = {}
    for term in reward_terms_of(steps.dtype):
        value, weight = steps[value_field(term)], steps[weight_field(term)]
        # A term without a weight may be NaN or infinite: it must not change the reward.
        weighted[term] = np.where(weight != 0, value, np.float32(0)) * weight
    return weighted


def recorded_reward(steps: NDArray[np.void]) -> NDArray[np.float32]:
    """The reward at the time of recording, (...) for Steps (...): the sum of `weighted_terms`."""
    total = np.zeros(steps.shape, np.float32)
    for term in weighted_terms(steps).values():
        total = total + term
    return total


def make_first(step: NDArray[np.void]) -> None:
    """Turn a Step, a 0-d record, into the first one of an episode: every reward term becomes 0."""
    step["is_first"] = True
    for term in reward_terms_of(step.dtype):
        step[value_field(term)] = 0.0


def as_layout(steps: NDArray[np.void], layout: StepLayout) -> NDArray[np.void]:
    """The same Steps (...) as records of `layout`.

    Missing fields get their defaults, unknown fields are left out. Raises ValueError for a field of
    another shape, and KeyError for a missing field that every record has had.
    """
    if steps.dtype == layout.dtype:
        return steps
    converted = np.zeros(steps.shape, layout.dtype)
    for name in layout.dtype.names or ():
        converted[name] = column(steps, name, layout)
    return converted


def column(steps: NDArray[np.void], name: str, layout: StepLayout) -> NDArray[np.generic]:
    """One field of `layout` from records (...) of any version, or its default.

    The result is (..., *field shape), or one default value. Raises as `as_layout`.
    """
    names = steps.dtype.names or ()
    if name in names:
        values = steps[name]
        if values.shape[steps.ndim :] != layout.dtype[name].shape:
            raise ValueError(f"{name} has another shape in the record")
        return values
    if "reward" in names:
        for i, term in enumerate(OLD_REWARD_TERMS):
            if name == value_field(term):
                return steps["reward"][..., i]
            if name == weight_field(term):
                return np.ones((), np.float32)
    if name in _term_fields(layout):
        return np.zeros((), np.float32)
    default = next((scalar.default for scalar in SCALARS if scalar.name == name), None)
    if default is None:
        raise KeyError(name)
    return np.asarray(default)


def _term_fields(layout: StepLayout) -> set[str]:
    terms = layout.reward_terms
    return {value_field(term) for term in terms} | {weight_field(term) for term in terms}


def _array_fields(spaces: Spaces) -> list[tuple[str, str, tuple[int, ...]]]:
    sound = [("sound", "<f4", spaces.sound_shape)] if spaces.sound_shape else []
    raw = [("sound_raw", "<i2", spaces.raw_shape)] if spaces.raw_shape else []
    return [
        ("vector", "<f4", (spaces.vector_size,)),
        ("action", "<f4", (spaces.num_actions,)),
        ("chosen", "<f4", (spaces.num_actions,)),
        ("image", "u1", spaces.image_shape),
        *sound,
        *raw,
    ]
