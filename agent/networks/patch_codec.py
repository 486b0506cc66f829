"""Pictures, vectors and sound into tokens, and features back into them.

Shapes: B any leading axes; H, W, C image; S sound, log-mel bands flat; E tokens; F feature.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from agent.networks.layers import NormedLinear, linear, mlp, symlog
from configs.learning import ModelConfig
from interfaces.core.spaces import Spaces

_PATCH = 4  # pixels folded into channels: most of the cost of small networks is at full resolution
_REDUCTION = 16  # 64 x 64 becomes 4 x 4
_RATE = 1e-3  # of the moments of what is felt: at first a plain mean of all batches
_LEAST_DEVIATION, _FAR = 0.01, 10.0  # what hardly moves is no news; what is far out stays there


def to_patches(image: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) -> float (..., H/4, W/4, 48) of -0.5..0.5: 4 x 4 pixels a patch.

    Both ends of the codec work on patches; pixels are put together only to be looked at.
    """
    return fold(image).to(torch.float32).mul_(1.0 / 255.0).sub_(0.5)


def to_image(patches: Tensor) -> Tensor:
    """The inverse of to_patches, clipped: float (..., H/4, W/4, 48) -> uint8 (..., H, W, 3)."""
    return unfold(((patches.clamp(-0.5, 0.5) + 0.5) * 255.0).round().to(torch.uint8))


def fold(image: Tensor) -> Tensor:
    """(..., H, W, C) -> (..., H/4, W/4, 16 C)."""
    *lead, height, width, channels = image.shape
    grid = image.reshape(*lead, height // _PATCH, _PATCH, width // _PATCH, _PATCH, channels)
    return grid.transpose(-4, -3).reshape(
        *lead, height // _PATCH, width // _PATCH, channels * _PATCH**2
    )


def unfold(patches: Tensor) -> Tensor:
    """The inverse of fold."""
    *lead, rows, columns, size = patches.shape
    channels = size // _PATCH**2
    grid = patches.reshape(*lead, rows, columns, _PATCH, _PATCH, channels).transpose(-4, -3)
    return grid.reshape(*lead, rows * _PATCH, columns * _PATCH, channels)


def _channels_last(*layers: nn.Module) -> nn.Sequential:
    """Weights in the memory order that a CPU's convolutions are fastest with."""
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)  # pyright: ignore


class Decoded(NamedTuple):
    """patches (B, H/4, W/4, 48), mean of a unit-variance normal of -0.5..0.5, or (B, 0) without a
    picture; vector (B, D) as Felt has it; sound (B, S), or (B, 0) without ears."""

    patches: Tensor
    vector: Tensor
    sound: Tensor


class Felt(nn.Module):
    """symlog of a vector (..., D) and, where it is normalised, over the running mean and deviation
    of each number: an angle of a hundredth then is as much as a position of metres.

    The moments are parameters without a gradient, so that they cross to the body with the others;
    `weight` corrects the bias of their beginning.
    """

    def __init__(self, size: int, normalize: bool) -> None:
        super().__init__()
        self._normalize = normalize
        if normalize:
            self.mean, self.square, self.weight = (
                nn.Parameter(torch.zeros(each), requires_grad=False) for each in (size, size, 1)
            )

    def forward(self, vector: Tensor) -> Tensor:
        x = symlog(vector)
        if not self._normalize:
            return x
        weight = self.weight.clamp(min=1e-8)
        mean = self.mean / weight
        deviation = (self.square / weight - mean.square()).clamp(min=_LEAST_DEVIATION**2).sqrt()
        known = ((x - mean) / deviation).clamp(-_FAR, _FAR)
        return torch.where(self.weight > 0, known, x)

    @torch.no_grad()
    def measure(self, vector: Tensor, learned: Tensor | None = None) -> None:
        """Take a batch (B, T, D) into the moments, without Steps that are only remembered, where
        `learned` (B, T) is false, or that have a number that is none. No device is waited for."""
        if not self._normalize:
            return
        x = symlog(vector).flatten(0, -2)
        known = x.isfinite().all(-1)
        if learned is not None:
            known = known & learned.flatten()
        x = x.where(known[:, None], 0.0)
        count = known.sum()
        rate = _RATE * (count > 0)
        for moment, values in (
            (self.mean, x),
            (self.square, x.square()),
            (self.weight, known[:, None].to(x.dtype)),
        ):
            moment.lerp_(values.sum(0) / count.clamp(min=1), rate.to(x.dtype))


class Encoder(nn.Module):
    """Picture by patches and strided convolutions, vector by an mlp on what Felt makes of it, sound
    by an mlp; concatenated."""

    def __init__(self, spaces: Spaces, config: ModelConfig) -> None:
        super().__init__()
        self._has_image = spaces.has_image
        self.felt = Felt(spaces.vector_size, config.normalize)
        self.vector = mlp(spaces.vector_size, config.units, config.encoder_layers, config.norm)
        self.size = config.units
        if self._has_image:
            height, width, channels = spaces.image_shape
            low, middle, high = (config.depth * factor for factor in (2, 4, 8))
            self.convolutions = _channels_last(
                nn.Conv2d(channels * _PATCH**2, low, 1),
                nn.SiLU(),
                nn.Conv2d(low, middle, 4, 2, 1),
                nn.SiLU(),
                nn.Conv2d(middle, high, 4, 2, 1),
                nn.SiLU(),
            )
            self.size += high * (height // _REDUCTION) * (width // _REDUCTION)
        if spaces.has_sound:
            self.sound = mlp(math.prod(spaces.sound_shape), config.units, 1, config.norm)
            self.size += config.units

    def forward(self, patches: Tensor, vector: Tensor, sound: Tensor | None = None) -> Tensor:
        """Patches (B, H/4, W/4, 48), vector (B, D), sound (B, S) -> tokens (B, E)."""
        tokens = self.vector(self.felt(vector))
        if sound is not None:
            tokens = torch.cat([tokens, self.sound(sound)], -1)
        if not self._has_image:
            return tokens
        lead = patches.shape[:-3]
        # Channels are last in memory already: this view is what convolutions on a CPU like best.
        seen = self.convolutions(patches.flatten(0, -4).permute(0, 3, 1, 2))
        return torch.cat([tokens, seen.flatten(1).reshape(*lead, -1)], -1)


class Decoder(nn.Module):
    """Feature to patches, the vector as Felt has it, and sound."""

    def __init__(self, spaces: Spaces, config: ModelConfig, feature_size: int) -> None:
        super().__init__()
        self._has_image = spaces.has_image
        self.vector = nn.Sequential(
            *mlp(feature_size, config.units, config.layers, config.norm),
            linear(config.units, spaces.vector_size, config.norm),
        )
        if self._has_image:
            height, width, channels = spaces.image_shape
            low, middle, high = (config.depth * factor for factor in (2, 4, 8))
            self._start = (high, height // _REDUCTION, width // _REDUCTION)
            self.project = NormedLinear(feature_size, math.prod(self._start))
            self.convolutions = _channels_last(
                nn.ConvTranspose2d(high, middle, 4, 2, 1),
                nn.SiLU(),
                nn.ConvTranspose2d(middle, low, 4, 2, 1),
                nn.SiLU(),
                nn.Conv2d(low, channels * _PATCH**2, 3, 1, 1),
            )

        self._has_sound = spaces.has_sound
        if self._has_sound:
            self.sound = nn.Sequential(
                *mlp(feature_size, config.units, config.layers, config.norm),
                linear(config.units, math.prod(spaces.sound_shape), config.norm),
            )

    def forward(self, feature: Tensor) -> Decoded:
        """(B, F) -> what it was made of."""
        vector = self.feel(feature)
        sound = self.sound(feature) if self._has_sound else feature[..., :0]
        if not self._has_image:
            return Decoded(feature[..., :0], vector, sound)
        start = self.project(feature).reshape(-1, *self._start)
        patches = self.convolutions(start.contiguous(memory_format=torch.channels_last))
        patches = patches.permute(0, 2, 3, 1)
        return Decoded(patches.reshape(*feature.shape[:-1], *patches.shape[1:]), vector, sound)

    def feel(self, feature: Tensor) -> Tensor:
        """(..., F) -> the vector alone, (..., D)."""
        return self.vector(feature)
