"""DreamerV3's convolutional codec (Hafner 2025): each level halves the image, down to 4 pixels.

It reads and returns patches, like agent.networks.patch_codec, so the two are interchangeable.

Shapes: B any leading axes; N all of them flattened; H, W, C image; D deter; S flat stoch;
V vector; E tokens; F = D + S feature.
"""

import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent.networks.layers import BlockLinear, NormedLinear, linear, make_norm, truncated_normal_
from agent.networks.patch_codec import (
    DecodedObservation,
    Decoder,
    Encoder,
    VectorNormalizer,
    depth_to_space,
    space_to_depth,
)
from configs.errors import BadInput
from configs.learning import ModelConfig
from interfaces.core.spaces import Spaces

_SMALLEST = 4  # pixels of the shorter side after the last level
_FACTORS = (2, 3, 4, 4)  # channels of each level / depth; further levels use the last factor
_KERNEL = 5


class ConvEncoder(nn.Module):
    """Image by convolutions; vector and sound as in Encoder.

    A level is a 5 x 5 convolution, 2 x 2 max pooling, a norm over the channels, and SiLU. `unseen`
    encodes all inputs that are not images. Raises BadInput for an image that cannot be halved.
    """

    def __init__(self, spaces: Spaces, config: ModelConfig) -> None:
        super().__init__()
        self.unseen = Encoder(_without_image(spaces), config)
        self.size = self.unseen.size
        self._has_image = spaces.has_image
        if self._has_image:
            rows, columns, depths = _levels(spaces, config)
            inputs = (spaces.image_shape[-1], *depths[:-1])
            self.convolutions = nn.ModuleList(map(_conv, inputs, depths))
            self.norms = nn.ModuleList(make_norm(config.norm, depth) for depth in depths)
            self.size += rows * columns * depths[-1]

    @property
    def felt(self) -> VectorNormalizer:
        """The normaliser of the vector."""
        return self.unseen.felt

    def forward(self, patches: Tensor, vector: Tensor, sound: Tensor | None = None) -> Tensor:
        """Patches (B, H/4, W/4, 48), vector (B, V), sound -> tokens (B, E), the image's last."""
        tokens = self.unseen(patches, vector, sound)
        if not self._has_image:
            return tokens
        x = depth_to_space(patches.flatten(0, -4)).permute(0, 3, 1, 2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = _norm_and_silu(F.max_pool2d(convolution(x), 2), norm)
        encoded = x.permute(0, 2, 3, 1).flatten(1)
        return torch.cat([tokens, encoded.reshape(*tokens.shape[:-1], -1)], -1)


class ConvDecoder(nn.Module):
    """The mirror of ConvEncoder; vector and sound as in Decoder, from [stoch, deter].

    The smallest image comes from deter by blocks and from stoch by two layers. Each level is
    nearest-neighbour upsampling, a convolution, a norm and SiLU. The last level ends in a sigmoid.
    Raises BadInput for an image that cannot be halved.
    """

    def __init__(self, spaces: Spaces, config: ModelConfig, feature_size: int) -> None:
        super().__init__()
        self.unseen = Decoder(_without_image(spaces), config, feature_size)
        self._deter = config.deter
        self._has_image = spaces.has_image
        if self._has_image:
            rows, columns, depths = _levels(spaces, config)
            shape = (rows, columns, depths[-1])
            self.start = _SmallestImage(config, feature_size - config.deter, shape)
            outputs = (*depths[-2::-1], spaces.image_shape[-1])
            self.convolutions = nn.ModuleList(map(_conv, depths[::-1], outputs))
            self.norms = nn.ModuleList(make_norm(config.norm, depth) for depth in outputs[:-1])

    def forward(self, feature: Tensor) -> DecodedObservation:
        """[deter, stoch] (B, F) -> the decoded observation."""
        deter, stoch = feature[..., : self._deter], feature[..., self._deter :]
        unseen = self.unseen(self._stoch_first(feature))
        if not self._has_image:
            return unseen
        x = self.start(deter.flatten(0, -2), stoch.flatten(0, -2))
        for i, convolution in enumerate(self.convolutions):
            x = convolution(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            if i < len(self.norms):
                x = _norm_and_silu(x, self.norms[i])
        patches = space_to_depth(torch.sigmoid(x).sub(0.5).permute(0, 2, 3, 1))
        return unseen._replace(patches=patches.reshape(*feature.shape[:-1], *patches.shape[1:]))

    def decode_vector(self, feature: Tensor) -> Tensor:
        """(..., F) -> the vector part only (..., V)."""
        return self.unseen.decode_vector(self._stoch_first(feature))

    def _stoch_first(self, feature: Tensor) -> Tensor:
        return torch.cat([feature[..., self._deter :], feature[..., : self._deter]], -1)


class _SmallestImage(nn.Module):
    """(N, D), (N, S) -> (N, C, rows, columns). Each block of deter makes its own channels."""

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
    """Rows and columns of the smallest image, and the channels of each level, largest first."""
    height, width, _ = spaces.image_shape
    shorter = min(height, width)
    number = max(0, (shorter // _SMALLEST).bit_length() - 1)
    halved = 2**number
    if not number or shorter != _SMALLEST * halved or height % halved or width % halved:
        raise BadInput(
            f"world.camera.height {height} and width {width} do not fit model.codec conv: it "
            f"halves the image until the shorter side has {_SMALLEST} pixels; use 64 x 64 or "
            "64 x 96, for example"
        )
    factors = (_FACTORS[min(level, len(_FACTORS) - 1)] for level in range(number))
    return height // halved, width // halved, tuple(config.depth * factor for factor in factors)


def _without_image(spaces: Spaces) -> Spaces:
    return dataclasses.replace(spaces, image_shape=(0, 0, spaces.image_shape[-1]))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, _KERNEL, padding="same")
    truncated_normal_(convolution.weight, inputs * _KERNEL**2)
    nn.init.zeros_(convolution.bias)  # pyright: ignore
    return convolution.to(memory_format=torch.channels_last)  # pyright: ignore


def _norm_and_silu(x: Tensor, norm: nn.Module) -> Tensor:
    """Norm over the channels of (N, C, H, W), which are last in memory, then SiLU."""
    return F.silu(norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
