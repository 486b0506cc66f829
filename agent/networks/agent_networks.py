"""All networks of one agent, and the part of them that acts.

The acting part crosses to the body as one flat float32 buffer in the order of `acting_items`.
"""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agent.networks.dynamics import Dynamics
from agent.networks.layers import head
from agent.networks.make_codec import make_decoder, make_encoder
from agent.networks.mdn_rnn import LatentDecoder, MdnDynamics
from agent.networks.memoryless_dynamics import Memoryless
from agent.networks.policy import Policy
from agent.networks.scalar_heads import make_scalar_head, make_value_head
from configs.schema import Config
from interfaces.core.spaces import Spaces


class ActingNetworks(nn.Module):
    """What the body needs: encoder, dynamics, policy, value."""

    dynamics: Dynamics | MdnDynamics | Memoryless

    def __init__(self, spaces: Spaces, config: Config) -> None:
        super().__init__()
        model, critic = config.model, config.critic
        self.encoder = make_encoder(spaces, model)
        self.dynamics = _make_dynamics(config, self.encoder.size, spaces.num_actions)
        feature = self.dynamics.feature_size
        self.policy = Policy(spaces, model, config.actor, feature)
        make_value = make_value_head if config.method == "dreamer" else make_scalar_head
        self.value = make_value(model, feature, critic.layers or model.layers)


class Networks(ActingNetworks):
    """Everything: what acts, and what only learning needs."""

    dynamics: Dynamics | MdnDynamics  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, spaces: Spaces, config: Config) -> None:
        super().__init__(spaces, config)
        model, feature = config.model, self.dynamics.feature_size
        # What acts is `policy`; where it is slow, it follows this one, which learns in dreams.
        self.quick_policy = copy.deepcopy(self.policy) if config.actor.slow_rate < 1 else None
        if self.quick_policy is not None:
            self.policy.requires_grad_(False)
        layers = model.reward_layers or model.layers
        self.decoder = (
            LatentDecoder(spaces, config)
            if model.core == "lstm"
            else make_decoder(spaces, model, feature)
        )
        self.reward = make_scalar_head(model, feature, layers)
        scale = 1.0 if model.norm == "rms" else 0.0
        self.continues = head(feature, model.units, layers, 1, scale, model.norm)
        # The slow critic: follows the value, and is never trained itself.
        self.slow_value = copy.deepcopy(self.value) if config.critic.has_slow else None
        if self.slow_value is not None:
            self.slow_value.requires_grad_(False)

    @property
    def learning_policy(self) -> Policy:
        """The policy that climbs in dreams: what acts, or what that follows."""
        return self.policy if self.quick_policy is None else self.quick_policy

    @property
    def world_model(self) -> nn.ModuleList:
        """The parts trained on lived Steps."""
        return nn.ModuleList(
            [self.encoder, self.dynamics, self.decoder, self.reward, self.continues]
        )


def _make_dynamics(
    config: Config, token_size: int, num_actions: int
) -> Dynamics | MdnDynamics | Memoryless:
    if config.model.core == "lstm":
        return MdnDynamics(config, token_size, num_actions)
    if config.model.core == "none":
        return Memoryless(token_size)
    return Dynamics(config.model, token_size, num_actions)


def build_networks(spaces: Spaces, config: Config) -> Networks:
    """Freshly initialised networks; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return Networks(spaces, config)


def build_for(spaces: Spaces, config: Config) -> ActingNetworks:
    """Fresh networks, as many as the method needs: PPO dreams nothing, and has what acts."""
    if config.method != "ppo":
        return build_networks(spaces, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return ActingNetworks(spaces, config)


def acting_items(networks: ActingNetworks) -> Iterator[tuple[str, Tensor]]:
    """Name and parameter of everything that acts, in the order of the flat buffer."""
    for part in ("encoder", "dynamics", "policy", "value"):
        for name, parameter in networks.get_submodule(part).named_parameters():
            yield f"{part}.{name}", parameter


def acting_shapes(networks: ActingNetworks) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, tuple(parameter.shape)) for name, parameter in acting_items(networks))


def flatten_acting(networks: ActingNetworks) -> NDArray[np.float32]:
    """The acting parameters as one new float32 array."""
    with torch.no_grad():
        flat = torch.cat([parameter.reshape(-1) for _, parameter in acting_items(networks)])
        return flat.to("cpu", torch.float32).numpy()


def view_acting(spaces: Spaces, config: Config, flat: NDArray[np.float32]) -> ActingNetworks:
    """Acting networks whose parameters are views of `flat`: refill it, and they have changed."""
    with torch.random.fork_rng(devices=[]):
        networks = ActingNetworks(spaces, config)
    buffer, start = torch.from_numpy(flat), 0
    for _, parameter in acting_items(networks):
        parameter.requires_grad_(False)
        parameter.data = buffer[start : start + parameter.numel()].view(parameter.shape)
        start += parameter.numel()
    return networks.eval()
