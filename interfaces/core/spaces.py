"""Shapes and names of a world's observations and actions: the one source for all of Yume.

The alignment rule, everywhere: row t holds observation_t, then action_t. reward_t and the flags of
row t answer action_{t-1}. The vector begins with the features of the world. Its last `num_actions`
entries are the action that was really sent at t-1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig


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
    def num_axes(self) -> int:
        """How many actions are continuous axes."""
        return sum(action.kind == "axis" for action in self.actions)

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

    @property
    def axis_mask(self) -> tuple[bool, ...]:
        """(num_actions,): True for a continuous axis, False for a button."""
        return tuple(action.kind == "axis" for action in self.actions)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The action indices of each group. Only one button of a group can be down."""
        names = [action.group for action in self.actions]
        groups = dict.fromkeys(name for name in names if name is not None)
        return tuple(tuple(i for i, n in enumerate(names) if n == group) for group in groups)

    def sample_actions(self, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Uniformly random actions, float32 (count, num_actions).

        Axes are in -1..1, buttons are 0 or 1, and exactly one button of each group is 1.
        """
        drawn = rng.uniform(-1, 1, (count, self.num_actions)).astype(np.float32)
        action = np.where(self.axis_mask, drawn, drawn > 0).astype(np.float32)
        for group in self.groups:
            members = list(group)
            down = drawn[:, members].argmax(1)
            action[:, members] = np.eye(len(members), dtype=np.float32)[down]
        return action

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Spaces":
        """Read what to_json returns. Other content raises KeyError, ValueError or TypeError."""
        height, width, channels = content["image_shape"]
        return cls(
            (height, width, channels),
            tuple(content["features"]),
            tuple(ActionConfig(**action) for action in content["actions"]),
            tuple(content.get("sound_shape", ())),
            tuple(content.get("raw_shape", ())),
        )

    def to_json(self) -> dict[str, object]:
        """JSON-compatible content. Fields added to the format later are left out when unused."""
        content: dict[str, Any] = {
            "image_shape": list(self.image_shape),
            "features": list(self.features),
            "actions": [action.model_dump() for action in self.actions],
        }
        for action in content["actions"]:  # a journal without groups equals one of an old version
            if action["group"] is None:
                del action["group"]
        if self.sound_shape:  # a journal without sound equals one of an old version
            content |= {"sound_shape": list(self.sound_shape), "raw_shape": list(self.raw_shape)}
        return content
