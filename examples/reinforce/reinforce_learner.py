"""REINFORCE with a learned baseline (Williams 1992): a complete learning method in one file.

Each update takes one gradient step on one rollout of the current policy and then discards it.
Shapes: N steps of a rollout, F feature.
"""

import torch
from reinforce_method import ReinforceConfig
from torch import Tensor

from agent.networks.agent_networks import ActingNetworks, build_method_networks
from agent.networks.noise import TorchNoise
from agent.networks.observing import encode
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.batch import Rollout
from trainer.data.replay_buffer import ReplayBuffer
from trainer.data.rollouts import RolloutQueue
from trainer.learners.learner import Metrics
from trainer.objectives.ppo_objective import normalised, rollout_advantages
from trainer.optim.guarded_step import GuardedOptimizerStep
from trainer.optim.optimizer import make_optimizer


class ReinforceLearner:
    """A Learner (trainer/learners/learner.py): policy and value from whole rollouts."""

    def __init__(self, spaces: Spaces, config: Config, device: torch.device) -> None:
        self._own = config.section(ReinforceConfig)
        self.networks: ActingNetworks = build_method_networks(spaces, config).to(device)
        self.noise = TorchNoise(device)  # the reports draw from it; REINFORCE does not
        self.optimizers = {"all": make_optimizer(self.networks, self._own.lr, config.trainer)}
        self.guarded_step = GuardedOptimizerStep(self.optimizers, config.trainer.clip)
        self.publish_updates = 1  # the next rollout needs the new weights
        self.updates = 0
        self._rollouts = RolloutQueue(self._own.rollout)
        self.extra_state = {"reinforce/learned_to": self._rollouts.learned_to}

    @property
    def counted_updates(self) -> int:
        return self.updates

    @property
    def ready_at_step(self) -> int:
        return self._rollouts.ready_at_step

    @property
    def surprise_scale(self) -> Tensor:
        return torch.ones(())

    def published(self, version: int) -> None:
        """From now on only steps of this version are used."""
        self._rollouts.published(version)

    def learn(self, replay: ReplayBuffer) -> Metrics | None:
        """One update if the weights in force have recorded a whole rollout, else None."""
        rollout = self._rollouts.take(replay)
        return None if rollout is None else self.update(rollout)

    def update(self, rollout: Rollout) -> Metrics:
        """One gradient step; metrics are tensors on the device, detached."""
        networks, own = self.networks, self._own
        feature_NF, next_feature_NF = self._feature(rollout, 0), self._feature(rollout, 1)
        raw_N = networks.value.raw(feature_NF)
        with torch.no_grad():  # the baseline: a constant for the policy
            value_N2 = torch.stack([networks.value(each) for each in (feature_NF, next_feature_NF)])
            value_N2 = value_N2.transpose(0, 1)
            # lambda 1: the whole discounted return, minus the value.
            advantage_N = rollout_advantages(rollout, value_N2, own.discount, 1.0)
            return_N = advantage_N + value_N2[:, 0]
        params = networks.policy.distribution_params(feature_NF)
        log_prob_N, entropy_N = networks.policy.log_prob_and_entropy(params, rollout.chosen)
        policy = -(log_prob_N * normalised(advantage_N)).mean()
        value = networks.value.loss(raw_N, return_N).mean()
        entropy = entropy_N.mean()
        self.guarded_step.step(policy + value - own.entropy * entropy)
        self.updates += 1
        return {
            "loss_policy": policy.detach(),
            "loss_value": value.detach(),
            "entropy": entropy.detach(),
        }

    def _feature(self, rollout: Rollout, moment: int) -> Tensor:
        """The input of the heads (N, F) before (moment 0) or after (1) each action."""
        rows = torch.arange(len(rollout.chosen), device=rollout.chosen.device)
        return encode(self.networks, *rollout.observation(rows, moment))
