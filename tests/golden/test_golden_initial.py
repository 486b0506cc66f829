"""The initial weights of the whole preset follow DreamerV3's rule; the files hold none."""

from pathlib import Path

import pytest
import torch
from torch import nn

from agent.networks.agent_networks import build_networks
from agent.networks.layers import BlockLinear
from configs.load import load_config
from tests.trainer.batches import spaces_of

ZERO_OUTPUTS = ("reward.net.1", "value.net.3")  # output layers whose weights start at 0
# A unit normal truncated at two standard deviations: its standard deviation and its largest value.
TRUNCATED_STD, LARGEST = 0.8796, 2.0


@pytest.fixture(scope="module")
def networks():
    config = load_config(Path("configs/dreamerv3.yaml"))
    return build_networks(spaces_of(config), config)


def kernels(networks):
    """Name, weight, fan-in and scale of every linear map and convolution."""
    for name, module in networks.named_modules():
        if name.startswith("slow_value") or not hasattr(module, "weight"):
            continue
        scale = 0.0 if name in ZERO_OUTPUTS else 0.01 if name == "policy.net.3" else 1.0
        if isinstance(module, BlockLinear):
            yield name, module.weight, module.weight.shape[0] * module.weight.shape[1], scale
        elif isinstance(module, nn.Linear | nn.Conv2d):
            fan = module.weight[0].numel()
            if "posterior_from" in name:  # the two halves of one layer
                halves = (networks.dynamics.posterior_from_deter.in_features, networks.encoder.size)
                fan = sum(halves)
            yield name, module.weight, fan, scale


def test_kernels_are_truncated_normals_scaled_by_the_fan_in(networks):
    names = set()
    for name, weight, fan, scale in kernels(networks):
        names.add(name)
        unit = weight.detach() / (1.1368 * (1.0 / fan) ** 0.5)
        assert unit.abs().max() <= scale * LARGEST * 1.0001, name
        if weight.numel() > 2000:
            assert float(unit.std()) == pytest.approx(scale * TRUNCATED_STD, rel=0.06), name
    assert {*ZERO_OUTPUTS, "policy.net.3", "continues.1", "decoder.start.from_deter"} <= names
    assert len(names) > 30


def test_biases_are_0_and_norm_scales_are_1(networks):
    for name, parameter in networks.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif parameter.dim() == 1:
            assert torch.equal(parameter, torch.ones_like(parameter)), name


def test_slow_critic_starts_as_a_copy(networks):
    pairs = zip(networks.value.parameters(), networks.slow_value.parameters(), strict=True)
    assert all(torch.equal(fast, slow) for fast, slow in pairs)
