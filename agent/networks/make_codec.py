"""Builds the encoder and the decoder that `model.codec` selects."""

from agent.networks.conv_codec import ConvDecoder, ConvEncoder
from agent.networks.patch_codec import Decoder, Encoder
from configs.learning import ModelConfig
from interfaces.core.spaces import Spaces


def make_encoder(spaces: Spaces, config: ModelConfig) -> Encoder | ConvEncoder:
    """The encoder. Raises BadInput for an image size that the convolutions cannot halve."""
    kind = ConvEncoder if config.codec == "conv" else Encoder
    return kind(spaces, config)


def make_decoder(spaces: Spaces, config: ModelConfig, feature_size: int) -> Decoder | ConvDecoder:
    """The decoder. Raises BadInput for an image size that the convolutions cannot halve."""
    kind = ConvDecoder if config.codec == "conv" else Decoder
    return kind(spaces, config, feature_size)
