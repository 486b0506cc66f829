"""Shapes and names of a world's observations and actions: the one source for all of Yume.

The alignment rule, everywhere: row t holds observation_t, then action_t. reward_t and the flags of
row t answer action_{t-1}. The vector begins with the features of the world. Its last `num_actions`
entries are the action that was really sent at t-1.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError, field_validator

from configs.actions import ActionConfig
from interfaces.core.action_parts import ActionPart, action_parts

# Settings of an action that every journal stores. Others came later.
_FIRST_SETTINGS = frozenset(
    (
        *("name", "kind", "target", "dead_zone", "rest", "down", "wire", "levels"),
        *("slew_per_s", "smooth_s", "per_minute", "text", "sound"),
    )
)


@dataclass(frozen=True)
class Spaces:
    """Shapes and names of observation and action.

    `image_shape`: (height, width, 3), or (0, 0, 3) for a world without images.
    `features`: names of the vector entries that come from the world.
    `actions`: the inputs that the policy controls.
    `sound_shape`: (channels, frames, mels), or () for a world without audio input.
    `raw_shape`: (channels, samples) of the recorded waveform, or () when it is not recorded.
    """

    image_shape: tuple[int, int, int]
    features: tuple[str, ...]
    actions: tuple[ActionConfig, ...]
    sound_shape: tuple[int, ...] = ()
    raw_shape: tuple[int, ...] = ()

    @property
    def num_actions(self) -> int:
        """How many numbers the policy controls."""
        return len(self.actions)

    @property
    def vector_size(self) -> int:
        """Length of the vector: the features, then the action last sent."""
        return len(self.features) + self.num_actions

    @property
    def has_image(self) -> bool:
        """Whether the world has a picture."""
        return self.image_shape[0] > 0

    @property
    def has_sound(self) -> bool:
        """Whether the world has sound."""
        return bool(self.sound_shape)

    @cached_property
    def parts(self) -> tuple[ActionPart, ...]:
        """The parts of the action; each index is in one of them."""
        return action_parts(self.actions)

    @property
    def action_ranges(self) -> tuple[tuple[float, float], ...]:
        """(num_actions, 2): the lowest and the highest value of each action, in policy units."""
        ranges = {i: (part.low, part.high) for part in self.parts for i in part.indices}
        return tuple(ranges[i] for i in range(self.num_actions))

    def sample_actions(self, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Uniformly random actions, float32 (count, num_actions).

        Axes are in -1..1, buttons are 0 or 1, and exactly one button of each group is 1.
        """
        action = rng.uniform(-1, 1, (count, self.num_actions)).astype(np.float32)
        for part in self.parts:
            columns = list(part.indices)
            action[:, columns] = part.from_uniform(action[:, columns])
        return action

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Spaces":
        """Read what to_json returns. Raises ValueError for other content and for huge shapes."""
        try:
            fields = _SpacesContent.model_validate(content)
            actions = tuple(ActionConfig(**action) for action in fields.actions)
        except ValidationError as error:
            raise ValueError(f"no spaces of a world: {_first_problem(error)}") from None
        return cls(
            fields.image_shape,
            tuple(fields.features),
            actions,
            fields.sound_shape,
            fields.raw_shape,
        )

    def to_json(self) -> dict[str, object]:
        """JSON-compatible content. Fields added to the format later are left out when unused."""
        content: dict[str, Any] = {
            "image_shape": list(self.image_shape),
            "features": list(self.features),
            "actions": [_to_json(action) for action in self.actions],
        }
        if self.sound_shape:  # a journal without sound equals one of an old version
            content |= {"sound_shape": list(self.sound_shape), "raw_shape": list(self.raw_shape)}
        return content


_Side = Annotated[int, Field(ge=0, le=2**24, strict=True)]
_MAX_VALUES = 2**30  # of one array of an observation


class _SpacesContent(BaseModel):
    """What Spaces.to_json returns."""

    image_shape: tuple[_Side, _Side, _Side]
    features: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=100_000)]
    actions: Annotated[list[dict[str, Any]], Field(max_length=10_000)]
    sound_shape: Annotated[tuple[_Side, ...], Field(max_length=3)] = ()
    raw_shape: Annotated[tuple[_Side, ...], Field(max_length=3)] = ()

    @field_validator("image_shape", "sound_shape", "raw_shape")
    @classmethod
    def _not_huge(cls, shape: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(shape) > _MAX_VALUES:
            raise ValueError(f"a shape of more than {_MAX_VALUES} values")
        return shape


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(ascii(step) if isinstance(step, str) else str(step) for step in first["loc"])
    return f"{where[:200]}: {first['msg']}"


def _to_json(action: ActionConfig) -> dict[str, Any]:
    """The settings of an action. A later setting at its default equals one of an old version."""
    fields = ActionConfig.model_fields
    return {
        name: value
        for name, value in action.model_dump().items()
        if name in _FIRST_SETTINGS or value != fields[name].default
    }
