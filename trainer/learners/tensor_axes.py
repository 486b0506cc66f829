"""What the rows and columns of the networks' tensors stand for: features, actions and tokens.

Names are those of `Networks.state_dict()`. A key is equal in two networks where both mean the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from configs.actions import ActionConfig
from configs.schema import Config
from interfaces.core.spaces import Spaces

Key = tuple[object, ...]

# (pattern of the name, axis, what is along it)
_AXES = (
    (r"encoder\.(unseen\.)?vector\.0\.linear\.weight", 1, "vector"),
    (r"encoder\.(unseen\.)?felt\.(mean|square)", 0, "vector"),
    (r"decoder\.(net\.|unseen\.)?vector\.\d+\.(weight|bias)", 0, "vector"),
    (r"(quick_)?policy\.net\.\d+\.(weight|bias)", 0, "policy"),
    (r"dynamics\.core\.from_action\.(linear\.)?weight", 1, "actions"),
    (r"dynamics\.from_input\.weight", 1, "latent and actions"),
    (r"dynamics\.posterior(_from_tokens)?\.weight", 1, "tokens"),
)
_OF_MEMORYLESS = (  # without a core, the heads read the tokens
    (r"((quick_)?policy|(slow_)?value)\.net\.0\.(linear\.)?weight", 1, "tokens"),
)
_IMAGE = re.compile(r"(encoder|decoder)\.(net\.)?(convolutions|norms|project|start)\.")
_SOUND = re.compile(r"(encoder|decoder)\.(net\.|unseen\.)?sound\.")


@dataclass(frozen=True)
class TensorAxes:
    """Names the rows and columns of the networks of one configuration."""

    spaces: Spaces
    config: Config

    def keys(self, name: str, shape: Sequence[int]) -> dict[int, list[Key]]:
        """By axis, one key for each row or column of the tensor `name` of this shape.

        Axes without names, such as hidden units, are absent.
        """
        rules = _AXES + (_OF_MEMORYLESS if self.config.model.core == "none" else ())
        return {
            axis: self._keys_along(along, shape[axis])
            for pattern, axis, along in rules
            if axis < len(shape) and re.fullmatch(pattern, name)
        }

    def belongs_to(self, name: str) -> Key:
        """The picture or the sound that the tensor `name` belongs to, with its shape; else ()."""
        if _IMAGE.match(name):
            return ("picture", self.spaces.image_shape)
        if _SOUND.match(name):
            return ("sound", self.spaces.sound_shape)
        return ()

    def _keys_along(self, along: str, length: int) -> list[Key]:
        actions = [action_key(action) for action in self.spaces.actions]
        if along == "vector":
            sent = [("sent", *key) for key in actions]
            return [*(("feature", name) for name in self.spaces.features), *sent]
        if along == "policy":
            return [(output, *key) for output in ("mean", "std") for key in actions]
        if along == "tokens":
            return self._token_keys(length)
        latent = length - len(actions) if along == "latent and actions" else 0
        return [*(("latent", i) for i in range(latent)), *actions]

    def _token_keys(self, length: int) -> list[Key]:
        """In the order of Encoder and ConvEncoder: vector, sound, picture."""
        model, spaces = self.config.model, self.spaces
        keys: list[Key] = [("vector", model.units, i) for i in range(model.units)]
        if spaces.has_sound:
            keys += [("sound", spaces.sound_shape, i) for i in range(model.units)]
        picture = ("picture", spaces.image_shape, model.codec, model.depth)
        return [*keys, *((*picture, i) for i in range(length - len(keys)))]


def action_key(action: ActionConfig) -> Key:
    """Equal for two actions that a policy can treat as the same."""
    return ("action", action.name, action.kind, action.group)
