"""Pictures and vectors into tokens, and features back into pictures and vectors.

Shapes: B any leading axes; H, W, C image; E tokens; F feature.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent.layers import NormedLinear, mlp, symlog
from configs.schema import ModelConfig
from interfaces.spaces import Spaces

_LEVELS = 4  # 64 x 64 becomes 4 x 4


def to_picture(image: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) -> float (..., 3, H, W), -0.5..0.5."""
    return image.movedim(-1, -3).to(torch.float32) / 255.0 - 0.5


class Encoder(nn.Module):
    """Picture by strided convolutions, vector by an mlp on its symlog; concatenated."""

    def __init__(self, spaces: Spaces, config: ModelConfig) -> None:
        super().__init__()
        self._has_image = spaces.has_image
        self.vector = mlp(spaces.vector_size, config.units, 1)
        self.size = config.units
        if self._has_image:
            height, width, channels = spaces.image_shape
            widths = [channels] + [config.depth * 2**level for level in range(_LEVELS)]
            self.convolutions = nn.Sequential(
                *(
                    nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), nn.SiLU())
                    for inputs, outputs in zip(widths, widths[1:], strict=False)
                )
            )
            self.size += widths[-1] * (height >> _LEVELS) * (width >> _LEVELS)

    def forward(self, image: Tensor, vector: Tensor) -> Tensor:
        """uint8 (B, H, W, 3), float (B, D) -> tokens (B, E)."""
        tokens = self.vector(symlog(vector))
        if not self._has_image:
            return tokens
        lead = image.shape[:-3]
        pixels = to_picture(image.reshape(-1, *image.shape[-3:]))
        seen = self.convolutions(pixels).flatten(1).reshape(*lead, -1)
        return torch.cat([tokens, seen], -1)


class Decoder(nn.Module):
    """Feature to picture (mean of a unit-variance normal, -0.5..0.5) and to symlog vector."""

    def __init__(self, spaces: Spaces, config: ModelConfig, feature_size: int) -> None:
        super().__init__()
        self._has_image = spaces.has_image
        self.vector = nn.Sequential(
            *mlp(feature_size, config.units, config.layers),
            nn.Linear(config.units, spaces.vector_size),
        )
        if self._has_image:
            height, width, channels = spaces.image_shape
            self._widths = [config.depth * 2**level for level in reversed(range(_LEVELS))]
            self._start = (self._widths[0], height >> _LEVELS, width >> _LEVELS)
            self.project = NormedLinear(feature_size, math.prod(self._start))
            widths = [*self._widths, channels]
            self.convolutions = nn.ModuleList(
                nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)
                for inputs, outputs in zip(widths, widths[1:], strict=False)
            )

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F) -> picture (B, 3, H, W) or (B, 0), symlog vector (B, D)."""
        vector = self.vector(feature)
        if not self._has_image:
            return feature[..., :0], vector
        lead = feature.shape[:-1]
        x = self.project(feature).reshape(-1, *self._start)
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if i + 1 < len(self.convolutions):
                x = F.silu(x)
        return x.reshape(*lead, *x.shape[1:]), vector
