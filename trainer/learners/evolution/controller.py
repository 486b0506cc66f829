"""The linear controller of World Models as one flat vector of numbers, for CMA-ES.

Shapes: P candidates, D dreams, F feature [h, c, z], S what of it is read, A actions, N = A (S + 1).
"""

import math

import torch
from torch import Tensor, nn

from agent.networks.policy import Policy
from configs.learning import WorldModelsConfig

_MIN_STD, _MAX_STD = 0.1, 1.0  # of an axis, in agent.networks.policy


class Controller:
    """a = W [z, h] + b (Ha & Schmidhuber 2018, eq. 1), as the first half of a policy of no hidden
    layer: flat are the rows of W, then b."""

    def __init__(self, config: WorldModelsConfig, num_actions: int) -> None:
        hidden, latent = config.hidden, config.latent
        reads = list(range(2 * hidden, 2 * hidden + latent))
        reads += range(hidden) if config.controller != "z" else ()
        reads += range(hidden, 2 * hidden) if config.controller == "zhc" else ()
        self._reads = torch.tensor(reads)
        self.num_actions = num_actions
        self.size = num_actions * (len(reads) + 1)
        share = (config.explore - _MIN_STD) / (_MAX_STD - _MIN_STD)
        self._raw_std = math.log(share / (1.0 - share)) - 2.0

    @torch.no_grad()
    def write(self, policy: Policy, flat: Tensor, *, explores: bool) -> None:
        """Put flat (N,) into a policy. Its axes get the std of exploration, or the widest."""
        net = _linear(policy)
        weight, bias = self._parts(flat.unsqueeze(0).to(net.weight))
        net.weight.zero_()
        net.bias.zero_()
        net.weight[: self.num_actions, self._reads.to(net.weight.device)] = weight[0]
        net.bias[: self.num_actions] = bias[0]
        net.bias[self.num_actions :] = self._raw_std if explores else 0.0

    @torch.no_grad()
    def read(self, policy: Policy) -> Tensor:
        """The inverse of write: (N,)."""
        net, n = _linear(policy), self.num_actions
        weight = net.weight[:n, self._reads.to(net.weight.device)]
        return torch.cat([weight.flatten(), net.bias[:n]])

    def intend(self, flat: Tensor, feature: Tensor) -> Tensor:
        """What each candidate (P, N) puts out for its own features (P, D, F): (P, D, A)."""
        weight, bias = self._parts(flat)
        read = feature[..., self._reads.to(feature.device)]
        return torch.baddbmm(bias.unsqueeze(1), read, weight.transpose(1, 2))

    def _parts(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """(P, N) -> (P, A, S), (P, A)."""
        weight, bias = flat[:, : -self.num_actions], flat[:, -self.num_actions :]
        return weight.unflatten(1, (self.num_actions, len(self._reads))), bias


def _linear(policy: Policy) -> nn.Linear:
    (net,) = policy.net
    assert isinstance(net, nn.Linear)
    return net
