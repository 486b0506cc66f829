"""DreamerV3's convolutional codec (Hafner 2025): a level halves the picture, down to 4 x 4.

Takes and gives patches like the other one, so that all else need not know which it is.
Shapes: B any leading axes; N all of them flat; H, W, C image; D deter; S flat stoch; E tokens.
"""

import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent.networks.layers import BlockLinear, NormedLinear, linear, make_norm, truncated_normal_
from agent.networks.patch_codec import Decoded, Decoder, Encoder, Felt, fold, unfold
from configs.errors import BadInput
from configs.learning import ModelConfig
from interfaces.core.spaces import Spaces

_SMALLEST = 4  # pixels of the shorter side after the last level
_FACTORS = (2, 3, 4, 4)  # channels of each level over depth; the last one's for all further levels
_KERNEL = 5


class ConvEncoder(nn.Module):
    """A level: 5 x 5 convolution, 2 x 2 max pooling, norm over channels, SiLU. Vector and sound as
    in Encoder."""

    def __init__(self, spaces: Spaces, config: ModelConfig) -> None:
        super().__init__()
        self.unseen = Encoder(_blind(spaces), config)
        self.size = self.unseen.size
        self._has_image = spaces.has_image
        if self._has_image:
            rows, columns, depths = _levels(spaces, config)
            inputs = (spaces.image_shape[-1], *depths[:-1])
            self.convolutions = nn.ModuleList(map(_conv, inputs, depths))
            self.norms = nn.ModuleList(make_norm(config.norm, depth) for depth in depths)
            self.size += rows * columns * depths[-1]

    @property
    def felt(self) -> Felt:
        return self.unseen.felt

    def forward(self, patches: Tensor, vector: Tensor, sound: Tensor | None = None) -> Tensor:
        """Patches (B, H/4, W/4, 48), vector, sound -> tokens (B, E), the picture's last."""
        tokens = self.unseen(patches, vector, sound)
        if not self._has_image:
            return tokens
        x = unfold(patches.flatten(0, -4)).permute(0, 3, 1, 2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = _normed(F.max_pool2d(convolution(x), 2), norm)
        seen = x.permute(0, 2, 3, 1).flatten(1)
        return torch.cat([tokens, seen.reshape(*tokens.shape[:-1], -1)], -1)


class ConvDecoder(nn.Module):
    """The smallest picture from deter by blocks and from stoch by two layers, then levels of
    nearest-neighbour upsampling, convolution, norm, SiLU; a sigmoid at the end. Vector and sound as
    in Decoder, from [stoch, deter]."""

    def __init__(self, spaces: Spaces, config: ModelConfig, feature_size: int) -> None:
        super().__init__()
        self.unseen = Decoder(_blind(spaces), config, feature_size)
        self._deter = config.deter
        self._has_image = spaces.has_image
        if self._has_image:
            rows, columns, depths = _levels(spaces, config)
            shape = (rows, columns, depths[-1])
            self.start = _Start(config, feature_size - config.deter, shape)
            outputs = (*depths[-2::-1], spaces.image_shape[-1])
            self.convolutions = nn.ModuleList(map(_conv, depths[::-1], outputs))
            self.norms = nn.ModuleList(make_norm(config.norm, depth) for depth in outputs[:-1])

    def forward(self, feature: Tensor) -> Decoded:
        """[deter, stoch] (B, F) -> what it was made of."""
        deter, stoch = feature[..., : self._deter], feature[..., self._deter :]
        unseen = self.unseen(self._stoch_first(feature))
        if not self._has_image:
            return unseen
        x = self.start(deter.flatten(0, -2), stoch.flatten(0, -2))
        for i, convolution in enumerate(self.convolutions):
            x = convolution(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            if i < len(self.norms):
                x = _normed(x, self.norms[i])
        patches = fold(torch.sigmoid(x).sub(0.5).permute(0, 2, 3, 1))
        return unseen._replace(patches=patches.reshape(*feature.shape[:-1], *patches.shape[1:]))

    def feel(self, feature: Tensor) -> Tensor:
        """(..., F) -> the vector alone, (..., D)."""
        return self.unseen.feel(self._stoch_first(feature))

    def _stoch_first(self, feature: Tensor) -> Tensor:
        return torch.cat([feature[..., self._deter :], feature[..., : self._deter]], -1)


class _Start(nn.Module):
    """(N, D), (N, S) -> (N, C, rows, columns). A block of deter makes its own channels."""

    def __init__(self, config: ModelConfig, stoch_size: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        size, channels = math.prod(shape), shape[-1]
        self._shape = shape
        self._blocks = math.gcd(config.blocks, channels, config.deter)
        self.from_deter = BlockLinear(config.deter, size, self._blocks)
        self.from_stoch = nn.Sequential(
            NormedLinear(stoch_size, 2 * config.units, config.norm),
            linear(2 * config.units, size, config.norm),
        )
        self.norm = make_norm(config.norm, channels)

    def forward(self, deter: Tensor, stoch: Tensor) -> Tensor:
        rows, columns, channels = self._shape
        blocks = self.from_deter(deter.unflatten(-1, (self._blocks, -1)))
        blocks = blocks.reshape(-1, self._blocks, rows, columns, channels // self._blocks)
        of_deter = blocks.permute(0, 2, 3, 1, 4).reshape(-1, *self._shape)
        x = of_deter + self.from_stoch(stoch).reshape(-1, *self._shape)
        return F.silu(self.norm(x)).permute(0, 3, 1, 2)


def _levels(spaces: Spaces, config: ModelConfig) -> tuple[int, int, tuple[int, ...]]:
    """Rows and columns of the smallest picture, and the channels of each level, largest first."""
    height, width, _ = spaces.image_shape
    shorter = min(height, width)
    number = max(0, (shorter // _SMALLEST).bit_length() - 1)
    halved = 2**number
    if not number or shorter != _SMALLEST * halved or height % halved or width % halved:
        raise BadInput(
            f"world.camera.height {height} and width {width}: model.codec conv halves the picture "
            f"until its shorter side has {_SMALLEST} pixels; 64 and 64, or 64 and 96, can be halved"
        )
    factors = (_FACTORS[min(level, len(_FACTORS) - 1)] for level in range(number))
    return height // halved, width // halved, tuple(config.depth * factor for factor in factors)


def _blind(spaces: Spaces) -> Spaces:
    return dataclasses.replace(spaces, image_shape=(0, 0, spaces.image_shape[-1]))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    made = nn.Conv2d(inputs, outputs, _KERNEL, padding="same")
    truncated_normal_(made.weight, inputs * _KERNEL**2)
    nn.init.zeros_(made.bias)  # pyright: ignore
    return made.to(memory_format=torch.channels_last)  # pyright: ignore


def _normed(x: Tensor, norm: nn.Module) -> Tensor:
    """Norm over the channels of (N, C, H, W), which are last in memory, then SiLU."""
    return F.silu(norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
