"""The linear controller C of World Models as one flat vector of parameters, for CMA-ES.

Shapes: P candidates, D dreams, F feature [h, c, z], S inputs of the controller, A actions,
N = A (S + 1) parameters.
"""

import math

import torch
from torch import Tensor, nn

from agent.networks.policy import Policy
from configs.methods.world_models_method import WorldModelsConfig

_MIN_STD, _MAX_STD = 0.1, 1.0  # of an axis, in agent.networks.policy


class Controller:
    """a = W [z, h] + b (Ha & Schmidhuber 2018, eq. 1); flat is the rows of W, then b.

    It is the first half of a policy without hidden layers; the other half sets the std.
    """

    def __init__(self, config: WorldModelsConfig, num_actions: int) -> None:
        hidden, latent = config.hidden, config.latent
        inputs = list(range(2 * hidden, 2 * hidden + latent))
        inputs += range(hidden) if config.controller != "z" else ()
        inputs += range(hidden, 2 * hidden) if config.controller == "zhc" else ()
        self._inputs = torch.tensor(inputs)  # indices in the feature
        self.num_actions = num_actions
        self.size = num_actions * (len(inputs) + 1)
        share = (config.explore - _MIN_STD) / (_MAX_STD - _MIN_STD)
        self._raw_std = math.log(share / (1.0 - share)) - 2.0

    @torch.no_grad()
    def write(self, policy: Policy, flat: Tensor, *, explores: bool) -> None:
        """Writes flat (N,) into a policy.

        With `explores` the std of axes is `world_models.explore`, otherwise near its maximum.
        """
        net = _linear(policy)
        weight, bias = self._parts(flat.unsqueeze(0).to(net.weight))
        net.weight.zero_()
        net.bias.zero_()
        net.weight[: self.num_actions, self._inputs.to(net.weight.device)] = weight[0]
        net.bias[: self.num_actions] = bias[0]
        net.bias[self.num_actions :] = self._raw_std if explores else 0.0

    @torch.no_grad()
    def read(self, policy: Policy) -> Tensor:
        """The flat parameters (N,) of a policy: the inverse of write."""
        net, n = _linear(policy), self.num_actions
        weight = net.weight[:n, self._inputs.to(net.weight.device)]
        return torch.cat([weight.flatten(), net.bias[:n]])

    def outputs(self, flat: Tensor, feature: Tensor) -> Tensor:
        """The outputs (P, D, A) of each candidate (P, N) for its own features (P, D, F)."""
        weight, bias = self._parts(flat)
        inputs = feature[..., self._inputs.to(feature.device)]
        return torch.baddbmm(bias.unsqueeze(1), inputs, weight.transpose(1, 2))

    def _parts(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """(P, N) -> (P, A, S), (P, A)."""
        weight, bias = flat[:, : -self.num_actions], flat[:, -self.num_actions :]
        return weight.unflatten(1, (self.num_actions, len(self._inputs))), bias


def _linear(policy: Policy) -> nn.Linear:
    (net,) = policy.net
    assert isinstance(net, nn.Linear)
    return net
