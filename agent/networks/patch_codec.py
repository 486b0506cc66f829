"""Encodes images, vectors and sound into tokens, and decodes features into them.

Shapes: B any leading axes; H, W, C image; D vector; S sound, log-mel bands flat; E tokens;
F feature.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from agent.networks.layers import NormedLinear, linear, mlp, symexp, symlog
from configs.learning import ModelConfig
from interfaces.core.spaces import Spaces

# Pixels per side that are folded into channels. In small networks full resolution costs most.
_PATCH = 4
_REDUCTION = 16  # of rows and columns: 64 x 64 becomes 4 x 4

# Update rate of the running moments. With the bias correction it begins as a plain mean.
_RATE = 1e-3
_MIN_DEVIATION = 0.01  # so that a nearly constant number is not amplified
_MAX_NORMALIZED = 10.0  # normalised numbers are clipped to -10..10


def to_patches(image: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) -> float (..., H/4, W/4, 48) in -0.5..0.5: 4 x 4 pixels per patch.

    Encoder, decoder and image loss work on patches. `to_image` restores pixels for display.
    """
    return space_to_depth(image).to(torch.float32).mul_(1.0 / 255.0).sub_(0.5)


def to_image(patches: Tensor) -> Tensor:
    """The inverse of to_patches, clipped: float (..., H/4, W/4, 48) -> uint8 (..., H, W, 3)."""
    return depth_to_space(((patches.clamp(-0.5, 0.5) + 0.5) * 255.0).round().to(torch.uint8))


def space_to_depth(image: Tensor) -> Tensor:
    """(..., H, W, C) -> (..., H/4, W/4, 16 C)."""
    *lead, height, width, channels = image.shape
    grid = image.reshape(*lead, height // _PATCH, _PATCH, width // _PATCH, _PATCH, channels)
    return grid.transpose(-4, -3).reshape(
        *lead, height // _PATCH, width // _PATCH, channels * _PATCH**2
    )


def depth_to_space(patches: Tensor) -> Tensor:
    """The inverse of space_to_depth: (..., H/4, W/4, 16 C) -> (..., H, W, C)."""
    *lead, rows, columns, size = patches.shape
    channels = size // _PATCH**2
    grid = patches.reshape(*lead, rows, columns, _PATCH, _PATCH, channels).transpose(-4, -3)
    return grid.reshape(*lead, rows * _PATCH, columns * _PATCH, channels)


def _channels_last(*layers: nn.Module) -> nn.Sequential:
    """The layers in sequence, with weights in the memory order that is fastest on a CPU."""
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)  # pyright: ignore


class DecodedObservation(NamedTuple):
    """The means of unit-variance normals over an observation.

    Patches (B, H/4, W/4, 48) have the scale of to_patches; without a camera they are (B, 0). The
    vector (B, D) has the scale of VectorNormalizer. Sound is (B, S), or (B, 0) without audio input.
    """

    patches: Tensor
    vector: Tensor
    sound: Tensor


class VectorNormalizer(nn.Module):
    """symlog of a vector (..., D), optionally normalised by running moments of each number.

    Normalisation gives an angle of 0.01 the same weight as a position of several metres. The
    moments are parameters without a gradient, so they are published with the acting weights.
    `weight` corrects their bias towards the initial zeros.
    """

    def __init__(self, size: int, normalize: bool) -> None:
        super().__init__()
        self._normalize = normalize
        if normalize:
            self.mean, self.square, self.weight = (
                nn.Parameter(torch.zeros(each), requires_grad=False) for each in (size, size, 1)
            )

    def forward(self, vector: Tensor) -> Tensor:
        """(..., D) -> (..., D). Before the first update the result is symlog alone."""
        x = symlog(vector)
        if not self._normalize:
            return x
        mean, deviation = self._moments()
        normalized = ((x - mean) / deviation).clamp(-_MAX_NORMALIZED, _MAX_NORMALIZED)
        return torch.where(self.weight > 0, normalized, x)

    def inverse(self, normalized: Tensor) -> Tensor:
        """(..., D) -> (..., D): the vector that forward() turns into this one, for display."""
        if not self._normalize:
            return symexp(normalized)
        mean, deviation = self._moments()
        return symexp(torch.where(self.weight > 0, normalized * deviation + mean, normalized))

    def _moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (D,) of the symlog of each number."""
        weight = self.weight.clamp(min=1e-8)
        mean = self.mean / weight
        deviation = (self.square / weight - mean.square()).clamp(min=_MIN_DEVIATION**2).sqrt()
        return mean, deviation

    @torch.no_grad()
    def update_moments(self, vector: Tensor, learned: Tensor | None = None) -> None:
        """Include a batch (B, T, D) in the running moments.

        Steps with a number that is not finite are skipped, and Steps where `learned` (B, T) is
        false. There is no CPU-GPU sync point.
        """
        if not self._normalize:
            return
        x = symlog(vector).flatten(0, -2)
        usable = x.isfinite().all(-1)
        if learned is not None:
            usable = usable & learned.flatten()
        x = x.where(usable[:, None], 0.0)
        count = usable.sum()
        rate = _RATE * (count > 0)
        for moment, values in (
            (self.mean, x),
            (self.square, x.square()),
            (self.weight, usable[:, None].to(x.dtype)),
        ):
            moment.lerp_(values.sum(0) / count.clamp(min=1), rate.to(x.dtype))


class Encoder(nn.Module):
    """Image by patches and strided convolutions, normalised vector by an mlp, sound by an mlp.

    The results are concatenated; `size` is their length E.
    """

    def __init__(self, spaces: Spaces, config: ModelConfig) -> None:
        super().__init__()
        self._has_image = spaces.has_image
        self.felt = VectorNormalizer(spaces.vector_size, config.normalize)
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
        # Channels are already last in memory: this view is the fastest layout on a CPU.
        encoded = self.convolutions(patches.flatten(0, -4).permute(0, 3, 1, 2))
        return torch.cat([tokens, encoded.flatten(1).reshape(*lead, -1)], -1)


class Decoder(nn.Module):
    """Decodes a feature (B, F) into patches, the normalised vector and sound."""

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

    def forward(self, feature: Tensor) -> DecodedObservation:
        """(B, F) -> the decoded observation."""
        vector = self.decode_vector(feature)
        sound = self.sound(feature) if self._has_sound else feature[..., :0]
        if not self._has_image:
            return DecodedObservation(feature[..., :0], vector, sound)
        start = self.project(feature).reshape(-1, *self._start)
        patches = self.convolutions(start.contiguous(memory_format=torch.channels_last))
        patches = patches.permute(0, 2, 3, 1)
        patches = patches.reshape(*feature.shape[:-1], *patches.shape[1:])
        return DecodedObservation(patches, vector, sound)

    def decode_vector(self, feature: Tensor) -> Tensor:
        """(..., F) -> the vector part only (..., D)."""
        return self.vector(feature)
