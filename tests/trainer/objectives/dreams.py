"""Networks for tests of gradients."""

import torch

from agent.networks.agent_networks import Networks, build_networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import TorchNoise
from configs.schema import Config
from tests.trainer.batches import spaces_of
from trainer.objectives.imagination import Dream, imagine


def networks_with_random_heads(config: Config) -> Networks:
    """Heads start at zero, and a zero head passes no gradient back."""
    networks = build_networks(spaces_of(config), config)
    with torch.no_grad():
        for head in (networks.reward.net, networks.value.net, networks.continues):
            torch.nn.init.normal_(head[-1].weight, std=0.5)
    return networks


def frozen_parts(networks: Networks) -> tuple[torch.nn.Module, ...]:
    """The parts whose parameters get no gradient from a dream."""
    return (networks.dynamics, networks.reward, networks.continues, networks.value)


def dream_of(networks: Networks, config: Config) -> Dream:
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(1, 1)
    start = networks.dynamics.initial(7)
    start = LatentState(start.deter + 0.1, start.stoch + 0.1)
    return imagine(networks, networks.policy, start, config.dream, noise)


def has_no_gradient(module: torch.nn.Module) -> bool:
    return all(parameter.grad is None for parameter in module.parameters())
