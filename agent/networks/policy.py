"""The policy: a distribution over actions for each state.

Every sample is differentiable. The distributions are in action_distributions.py.

Shapes: ... any leading axes; A actions; F feature.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agent.networks.action_distributions import (
    DISTRIBUTIONS,
    ActionNoise,
    ActionSample,
    DistributionParams,
)
from agent.networks.layers import head
from agent.networks.noise import Noise
from configs.learning import ActorConfig, ModelConfig
from interfaces.core.spaces import Spaces


@dataclass(frozen=True, slots=True)
class PolicyOutput:
    """An ActionSample with its log_prob (...) and the entropy (...), both in nats."""

    action: Tensor
    chosen: Tensor
    log_prob: Tensor
    entropy: Tensor


class Policy(nn.Module):
    """pi(action | feature): the product of the distributions of the action's parts.

    `net` has 2 A outputs: mean_or_logit of all actions, then raw_std of all actions.
    """

    def __init__(
        self, spaces: Spaces, model: ModelConfig, actor: ActorConfig, feature_size: int
    ) -> None:
        super().__init__()
        layers = model.layers if actor.layers is None else actor.layers
        scale = 0.01 if model.norm == "rms" else 0.1
        self.net = head(
            feature_size, model.units, layers, 2 * spaces.num_actions, scale, model.norm
        )
        self.num_actions = spaces.num_actions
        self._parts = [
            DISTRIBUTIONS[type(part)](part, spaces.num_actions, actor) for part in spaces.parts
        ]
        self.distributions = nn.ModuleList(self._parts)  # moves their buffers with the policy

    def distribution_params(self, feature: Tensor) -> DistributionParams:
        """The distribution of the action for each feature (..., F)."""
        return DistributionParams(*self.net(feature).chunk(2, -1))

    def forward(self, feature: Tensor, noise: Noise) -> PolicyOutput:
        """Sample an action for each feature (..., F), with its log-probability and the entropy."""
        params = self.distribution_params(feature)
        action, chosen = self._sample(params, noise)
        log_prob, entropy = self.log_prob_and_entropy(params, chosen.detach())
        return PolicyOutput(action, chosen, log_prob, entropy)

    def sample(self, feature: Tensor, noise: Noise) -> ActionSample:
        """Like forward, without the cost of log-probability and entropy."""
        return self._sample(self.distribution_params(feature), noise)

    def log_prob_and_entropy(
        self, params: DistributionParams, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """log pi(chosen) and the entropy, (...) each, in nats; chosen is (..., A).

        Pass `chosen` detached: log_prob is for the record and for REINFORCE, and must not add a
        second path to the pathwise gradient.
        """
        log_prob = torch.zeros_like(params.mean_or_logit[..., 0])
        entropy = torch.zeros_like(log_prob)
        for part in self._parts:
            part_log_prob, part_entropy = part.log_prob_and_entropy(params, chosen)
            log_prob, entropy = log_prob + part_log_prob, entropy + part_entropy
        return log_prob, entropy

    def mode(self, feature: Tensor) -> Tensor:
        """The most likely action (..., A) for each feature (..., F)."""
        return self._mode(self.distribution_params(feature))

    def expected_action(self, feature: Tensor) -> Tensor:
        """The expected action (..., A) for each feature (..., F), differentiable.

        Axes: their mean. Buttons and groups: the probability that each is down.
        """
        params = self.distribution_params(feature)
        action = torch.zeros_like(params.mean_or_logit)
        for part in self._parts:
            action = part.expected(params, action)
        return action

    def most_likely_action(self, mean_or_logit: Tensor) -> Tensor:
        """The most likely action (..., A) of mean_or_logit (..., A), where raw_std is 0."""
        return self._mode(DistributionParams(mean_or_logit, torch.zeros_like(mean_or_logit)))

    def _mode(self, params: DistributionParams) -> Tensor:
        action = torch.zeros_like(params.mean_or_logit)
        for part in self._parts:
            action = part.mode(params, action)
        return action

    def _sample(self, params: DistributionParams, noise: Noise) -> ActionSample:
        shape = params.mean_or_logit.shape
        # Always draw both, so that a seed gives the same noise whatever actions the world has.
        drawn = ActionNoise(noise.normal(shape), noise.uniform(shape))
        zeros = torch.zeros_like(params.mean_or_logit)
        sample = ActionSample(zeros, zeros)
        for part in self._parts:
            sample = part.sample(params, drawn, sample)
        return sample
