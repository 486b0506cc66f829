"""Loads the reference tensors, and copies their parameters into our modules.

Shapes: N batch, T time; ... any axes.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from agent.networks.layers import BlockLinear, NormedLinear
from agent.networks.policy import Policy
from agent.networks.scalar_heads import TwohotHead
from configs.actions import ActionConfig
from configs.learning import ActorConfig, DreamConfig, ModelConfig
from interfaces.core.spaces import Spaces

# The official settings of the parts that are tested here.
MODEL = ModelConfig(
    latent="categorical",
    core="block_gru",
    norm="rms",
    prior_layers=2,
    encoder_layers=3,
    layers=3,
    reward_layers=1,
    codec="conv",
    heads="twohot",
    unimix=0.01,
)
DREAM = DreamConfig(discount=1 - 1 / 333, discount_in="continue", lam=0.95)
ACTOR = ActorConfig(gradient="reinforce", entropy=3e-4, layers=3)


@cache
def golden(name: str) -> dict[str, Tensor]:
    """The tensors of one file by name. They are cached: clone before writing to them."""
    with np.load(Path(__file__).parent / f"dreamerv3_{name}.npz", allow_pickle=False) as file:
        return {key: torch.from_numpy(np.asarray(file[key])) for key in file.files}


def close(ours: Tensor, theirs: Tensor, *, rtol: float = 1e-5, atol: float = 1e-5) -> None:
    """Fails where a tensor differs from the reference by more than the tolerance."""
    torch.testing.assert_close(ours.detach(), theirs, rtol=rtol, atol=atol)


def gradients(loss: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    """The gradients of a scalar loss with respect to each tensor; the graph is kept."""
    return torch.autograd.grad(loss, of, retain_graph=True)


def leaf(tensor: Tensor) -> Tensor:
    """A copy that requires a gradient."""
    return tensor.clone().requires_grad_(True)


def time_first(tensor: Tensor) -> Tensor:
    """(N, T, ...) <-> (T, N, ...)."""
    return tensor.transpose(0, 1)


def load_linear(layer: nn.Linear | BlockLinear, tensors: dict[str, Tensor], name: str) -> None:
    """Copies NAME/kernel and NAME/bias into a layer."""
    kernel = tensors[f"{name}/kernel"]
    with torch.no_grad():
        layer.weight.copy_(kernel.T if isinstance(layer, nn.Linear) else kernel)
        layer.bias.copy_(tensors[f"{name}/bias"])


def load_norm(norm: nn.Module, tensors: dict[str, Tensor], name: str) -> None:
    """Copies NAME/scale into a norm."""
    with torch.no_grad():
        norm.weight.copy_(tensors[f"{name}/scale"])


def load_layer(layer: NormedLinear, tensors: dict[str, Tensor], linear: str, norm: str) -> None:
    """Copies the tensors of a linear map and of its norm, given by name."""
    load_linear(layer.linear, tensors, linear)
    load_norm(layer.norm, tensors, norm)


def load_layers(
    layers: nn.Sequential, tensors: dict[str, Tensor], names: Callable[[int], tuple[str, str]]
) -> None:
    """Copies into every NormedLinear of a sequence.

    `names` maps the index of a layer to the names of its linear map and its norm.
    """
    for i, layer in enumerate(layers):
        if isinstance(layer, NormedLinear):
            load_layer(layer, tensors, *names(i))


def twohot_head(bins: Tensor) -> TwohotHead:
    """A head with the given bins: the last bits of our own would show in gradients."""
    head = TwohotHead(4, 4, 1, "rms")
    head.bins.copy_(bins)
    return head


def make_policy(
    axes: int, choices: int = 0, *, unimix: float = 0.0, feature: int = 4, units: int = 4
) -> Policy:
    """A policy with this number of axes, then one group with this number of choices."""
    actions = [ActionConfig(name=f"Axis{i}", target="parameter") for i in range(axes)]
    actions += [
        ActionConfig(name=f"Choice{i}", kind="hold", target="parameter", group="choice")
        for i in range(choices)
    ]
    model = MODEL.model_copy(update={"units": units})
    actor = ACTOR.model_copy(update={"unimix": unimix})
    return Policy(Spaces((0, 0, 3), ("Feature",), tuple(actions)), model, actor, feature)
