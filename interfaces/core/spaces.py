"""What a world shows and what it can be told: shapes and names, one source for all of Yume.

The alignment rule, everywhere: row t holds observation_t, then action_t; reward_t and the flags of
row t answer action_{t-1}. The first vector entries are the world's own, the last `num_actions` are
the action really sent at t-1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig


@dataclass(frozen=True)
class Spaces:
    """Shapes and names of observation and action.

    image_shape: (height, width, 3), or (0, 0, 3) for a world without a picture.
    features: names of the world's own vector entries; actions: what the policy controls.
    sound_shape: (channels, frames, mels), what is heard, or () for a world without ears;
    raw_shape: (channels, samples) of the same, kept for people, or ().
    """

    image_shape: tuple[int, int, int]
    features: tuple[str, ...]
    actions: tuple[ActionConfig, ...]
    sound_shape: tuple[int, ...] = ()
    raw_shape: tuple[int, ...] = ()

    @property
    def num_actions(self) -> int:
        return len(self.actions)

    @property
    def num_axes(self) -> int:
        return sum(action.kind == "axis" for action in self.actions)

    @property
    def vector_size(self) -> int:
        """The world's own features, then the action last sent."""
        return len(self.features) + self.num_actions

    @property
    def has_image(self) -> bool:
        return self.image_shape[0] > 0

    @property
    def has_sound(self) -> bool:
        return bool(self.sound_shape)

    @property
    def axis_mask(self) -> tuple[bool, ...]:
        """True where the action is a continuous axis, False where it is a button."""
        return tuple(action.kind == "axis" for action in self.actions)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Of actions that exclude each other: where they are, group by group."""
        names = [action.group for action in self.actions]
        found = dict.fromkeys(name for name in names if name is not None)
        return tuple(tuple(i for i, n in enumerate(names) if n == name) for name in found)

    def sample_actions(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Uniform over the actions, (count, num_actions): axes from -1..1, buttons up or down, one
        of each group down."""
        drawn = random.uniform(-1, 1, (count, self.num_actions)).astype(np.float32)
        action = np.where(self.axis_mask, drawn, drawn > 0).astype(np.float32)
        for group in self.groups:
            members = list(group)
            down = drawn[:, members].argmax(1)
            action[:, members] = np.eye(len(members), dtype=np.float32)[down]
        return action

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Spaces":
        """What to_json wrote. Raises KeyError, ValueError and TypeError for anything else."""
        height, width, channels = told["image_shape"]
        return cls(
            (height, width, channels),
            tuple(told["features"]),
            tuple(ActionConfig(**action) for action in told["actions"]),
            tuple(told.get("sound_shape", ())),
            tuple(told.get("raw_shape", ())),
        )

    def to_json(self) -> dict[str, object]:
        told: dict[str, Any] = {
            "image_shape": list(self.image_shape),
            "features": list(self.features),
            "actions": [action.model_dump() for action in self.actions],
        }
        for action in told["actions"]:  # a journal without groups is what it was before them
            if action["group"] is None:
                del action["group"]
        if self.sound_shape:  # a journal without is what it was before there were ears
            told |= {"sound_shape": list(self.sound_shape), "raw_shape": list(self.raw_shape)}
        return told
