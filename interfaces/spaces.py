"""What a world shows and what it can be told: shapes and names, one source for all of Yume.

The alignment rule, everywhere: row t holds observation_t, then action_t; reward_t and the flags of
row t answer action_{t-1}. The first vector entries are the world's own, the last `num_actions` are
the action really sent at t-1.
"""

from dataclasses import dataclass

from configs.vrchat import ActionConfig


@dataclass(frozen=True)
class Spaces:
    """Shapes and names of observation and action.

    image_shape: (height, width, 3), or (0, 0, 3) for a world without a picture.
    features: names of the world's own vector entries; actions: what the policy controls.
    """

    image_shape: tuple[int, int, int]
    features: tuple[str, ...]
    actions: tuple[ActionConfig, ...]

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
    def axis_mask(self) -> tuple[bool, ...]:
        """True where the action is a continuous axis, False where it is a button."""
        return tuple(action.kind == "axis" for action in self.actions)

    def to_json(self) -> dict[str, object]:
        return {
            "image_shape": list(self.image_shape),
            "features": list(self.features),
            "actions": [action.model_dump() for action in self.actions],
        }
