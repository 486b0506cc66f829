"""The convolutional codec, its vector parts, and the reconstruction losses."""

import pytest
import torch
from torch import nn

from agent.networks.conv_codec import ConvDecoder, ConvEncoder
from agent.networks.patch_codec import to_image, to_patches
from interfaces.core.spaces import Spaces
from tests.golden.data import (
    MODEL,
    close,
    golden,
    gradients,
    leaf,
    load_layer,
    load_layers,
    load_linear,
    load_norm,
)
from trainer.objectives.model_terms import image_loss, vector_loss

G = golden("codec")
CONFIG = MODEL.model_copy(
    update={"deter": 32, "units": 16, "stoch": 6, "classes": 4, "depth": 4, "blocks": 4}
)
SPACES = Spaces((16, 16, 3), tuple("abcdefg"), ())
IMAGE = G["in/image"].to(torch.uint8)


def load_conv(convolution: nn.Conv2d, name: str) -> None:
    """Copies NAME/kernel (rows, columns, inputs, outputs) and NAME/bias into a convolution."""
    with torch.no_grad():
        convolution.weight.copy_(G[f"{name}/kernel"].permute(3, 2, 0, 1))
        convolution.bias.copy_(G[f"{name}/bias"])


@pytest.fixture
def encoder():
    encoder, path = ConvEncoder(SPACES, CONFIG), "param/enc"
    load_layers(encoder.unseen.vector, G, lambda i: (f"{path}/mlp{i}", f"{path}/mlp{i}norm"))
    for i, (convolution, norm) in enumerate(zip(encoder.convolutions, encoder.norms, strict=True)):
        load_conv(convolution, f"{path}/cnn{i}")
        load_norm(norm, G, f"{path}/cnn{i}norm")
    return encoder


@pytest.fixture
def decoder():
    decoder, path = ConvDecoder(SPACES, CONFIG, 32 + 24), "param/dec"
    load_layers(
        decoder.unseen.vector, G, lambda i: (f"{path}/mlp/linear{i}", f"{path}/mlp/norm{i}")
    )
    load_linear(decoder.unseen.vector[-1], G, f"{path}/vec/state/pred")
    load_linear(decoder.start.from_deter, G, f"{path}/sp0")
    load_layer(decoder.start.from_stoch[0], G, f"{path}/sp1", f"{path}/sp1norm")
    load_linear(decoder.start.from_stoch[1], G, f"{path}/sp2")
    load_norm(decoder.start.norm, G, f"{path}/spnorm")
    load_conv(decoder.convolutions[0], f"{path}/conv0")
    load_norm(decoder.norms[0], G, f"{path}/conv0norm")
    load_conv(decoder.convolutions[1], f"{path}/imgout")
    return decoder


def num_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_encoder_output_equals_the_reference(encoder):
    assert num_parameters(encoder) == sum(
        v.numel() for k, v in G.items() if k.startswith("param/enc")
    )
    assert encoder.size == 208
    close(encoder(to_patches(IMAGE), G["in/state"]), G["tokens"])


def test_decoder_output_and_losses_equal_the_reference(decoder):
    assert num_parameters(decoder) == sum(
        v.numel() for k, v in G.items() if k.startswith("param/dec")
    )
    decoded = decoder(torch.cat([G["in/deter"], G["in/stoch"].flatten(-2)], -1))
    close(decoded.vector, G["dec/state_pred"])
    theirs = G["dec/image_pred"]
    close(decoded.patches, to_patches(torch.zeros_like(IMAGE)) + patches_of(theirs))
    assert (to_image(decoded.patches) - (255 * theirs).round()).abs().max() <= 1
    close(vector_loss(decoded.vector, G["in/state"]), G["dec/state_loss"])
    for b in range(2):
        for t in range(3):
            loss = image_loss(decoded.patches[b, t], to_patches(IMAGE[b, t]))
            close(loss, G["dec/image_loss"][b, t])
    close(image_loss(decoded.patches, to_patches(IMAGE)), G["dec/image_loss"].mean())


def patches_of(image):
    """Images (..., H, W, C) to patches (..., H/4, W/4, 16 C), pixel by pixel."""
    *lead, height, width, channels = image.shape
    patches = torch.empty(*lead, height // 4, width // 4, 16 * channels)
    for y in range(height):
        for x in range(width):
            at = channels * (4 * (y % 4) + x % 4)
            patches[..., y // 4, x // 4, at : at + channels] = image[..., y, x, :]
    return patches


def test_vector_loss_is_squared_in_symlog():
    pred = leaf(G["vector/pred"])
    loss = vector_loss(pred, G["vector/target"])
    close(loss, G["vector/loss"])
    close(*gradients(loss.mean(), pred), G["vector/grad_pred"])
    alone = vector_loss(pred.unsqueeze(-1), G["vector/target"].unsqueeze(-1))
    close(alone, G["vector/loss_per_dim"])
