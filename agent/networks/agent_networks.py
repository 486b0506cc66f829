"""All networks of one agent, and the part of them that acts.

The acting part reaches the body as one flat float32 buffer (P,), in the order of `acting_items`.
"""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agent.networks.conv_codec import ConvDecoder
from agent.networks.dynamics import Dynamics
from agent.networks.layers import head
from agent.networks.make_codec import make_decoder, make_encoder
from agent.networks.mdn_rnn import LatentDecoder, MdnDynamics
from agent.networks.memoryless_dynamics import MemorylessDynamics
from agent.networks.patch_codec import Decoder
from agent.networks.policy import Policy
from agent.networks.scalar_heads import make_scalar_head, make_value_head
from configs.methods.method import imported
from configs.schema import Config
from interfaces.core.learning_methods import learning_method
from interfaces.core.spaces import Spaces


class ActingNetworks(nn.Module):
    """The networks that the body needs: encoder, dynamics, policy and value."""

    dynamics: Dynamics | MdnDynamics | MemorylessDynamics

    def __init__(self, spaces: Spaces, config: Config) -> None:
        super().__init__()
        model, critic = config.model, config.critic
        self.encoder = make_encoder(spaces, model)
        self.dynamics = _make_dynamics(config, self.encoder.size, spaces.num_actions)
        feature = self.dynamics.feature_size
        self.policy = Policy(spaces, model, config.actor, feature)
        adapts_value = learning_method(config).adapts_value(config)
        make_value = make_value_head if adapts_value else make_scalar_head
        self.value = make_value(model, feature, critic.layers or model.layers)


class Networks(ActingNetworks):
    """The acting networks and those that only learning needs.

    The heads of the world model are decoder, reward and continues. Where `policy` is a slow
    average, quick_policy is the policy that learns; else it is None. The slow critic slow_value is
    an average of `value` and is not trained itself; without one it is None.
    """

    dynamics: Dynamics | MdnDynamics  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, spaces: Spaces, config: Config) -> None:
        super().__init__(spaces, config)
        model, feature = config.model, self.dynamics.feature_size
        self.quick_policy = copy.deepcopy(self.policy) if config.actor.slow_rate < 1 else None
        if self.quick_policy is not None:
            self.policy.requires_grad_(False)
        layers = model.reward_layers or model.layers
        own_decoder = learning_method(config).decoder
        self.decoder: Decoder | ConvDecoder | LatentDecoder = (
            imported(own_decoder)(spaces, config)
            if own_decoder
            else make_decoder(spaces, model, feature)
        )
        self.reward = make_scalar_head(model, feature, layers)
        scale = 1.0 if model.norm == "rms" else 0.0
        self.continues = head(feature, model.units, layers, 1, scale, model.norm)
        self.slow_value = copy.deepcopy(self.value) if config.critic.has_slow else None
        if self.slow_value is not None:
            self.slow_value.requires_grad_(False)

    @property
    def learning_policy(self) -> Policy:
        """The policy that is trained in dreams: quick_policy if there is one, else policy."""
        return self.policy if self.quick_policy is None else self.quick_policy

    @property
    def world_model(self) -> nn.ModuleList:
        """The parts that are trained on recorded Steps."""
        return nn.ModuleList(
            [self.encoder, self.dynamics, self.decoder, self.reward, self.continues]
        )


def _make_dynamics(
    config: Config, token_size: int, num_actions: int
) -> Dynamics | MdnDynamics | MemorylessDynamics:
    if own := learning_method(config).dynamics:
        return imported(own)(config, token_size, num_actions)
    if config.model.core == "none":
        return MemorylessDynamics(token_size)
    return Dynamics(config.model, token_size, num_actions)


def build_networks(spaces: Spaces, config: Config) -> Networks:
    """New networks; the same seed gives the same weights. Raises BadInput as make_encoder does."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return Networks(spaces, config)


def build_method_networks(spaces: Spaces, config: Config) -> ActingNetworks:
    """New networks, as many as `method` needs: without a world model, the acting ones only.

    Raises BadInput as make_encoder does.
    """
    if learning_method(config).has_world_model:
        return build_networks(spaces, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return ActingNetworks(spaces, config)


def acting_items(networks: ActingNetworks) -> Iterator[tuple[str, Tensor]]:
    """Name and parameter of every acting network, in the order of the flat buffer."""
    for part in ("encoder", "dynamics", "policy", "value"):
        for name, parameter in networks.get_submodule(part).named_parameters():
            yield f"{part}.{name}", parameter


def acting_shapes(networks: ActingNetworks) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Name and shape of every acting parameter, in the order of the flat buffer."""
    return tuple((name, tuple(parameter.shape)) for name, parameter in acting_items(networks))


def flatten_acting(networks: ActingNetworks) -> NDArray[np.float32]:
    """The acting parameters as one new float32 array (P,)."""
    with torch.no_grad():
        flat = torch.cat([parameter.reshape(-1) for _, parameter in acting_items(networks)])
        return flat.to("cpu", torch.float32).numpy()


def view_acting(spaces: Spaces, config: Config, flat: NDArray[np.float32]) -> ActingNetworks:
    """Acting networks whose parameters are views of `flat` (P,).

    Writing to `flat` changes them.
    """
    with torch.random.fork_rng(devices=[]):
        networks = ActingNetworks(spaces, config)
    buffer, start = torch.from_numpy(flat), 0
    for _, parameter in acting_items(networks):
        parameter.requires_grad_(False)
        parameter.data = buffer[start : start + parameter.numel()].view(parameter.shape)
        start += parameter.numel()
    return networks.eval()
