"""Proximal policy optimisation (Schulman 2017): policy and value without a model.

PPO is on-policy: an update uses only steps of the weights that are in force.
Shapes: N steps of a rollout; M steps of a minibatch; F feature.
"""

import torch
from torch import Tensor

from agent.networks.agent_networks import ActingNetworks, build_method_networks
from agent.networks.noise import TorchNoise
from agent.networks.observing import encode
from configs.methods.ppo_method import PPOConfig
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.batch import Rollout
from trainer.data.replay_buffer import ReplayBuffer
from trainer.data.rollouts import RolloutQueue
from trainer.learners.learner import Metrics
from trainer.objectives.ppo_objective import clipped_objective, normalised, rollout_advantages
from trainer.optim.guarded_step import GuardedOptimizerStep
from trainer.optim.optimizer import make_optimizer, warmup_lr

_VALUE_BATCH = 512  # steps whose values are computed together: pictures fill memory


class PPOLearner:
    """One update: several epochs of minibatches over a whole rollout, then new weights.

    Steps of other weights, of a person or of the guard are never learned from.
    """

    def __init__(self, spaces: Spaces, config: Config, device: torch.device) -> None:
        self._config, self._ppo = config, config.section(PPOConfig)
        self.networks: ActingNetworks = build_method_networks(spaces, config).to(device)
        self.noise = TorchNoise(device)
        self.optimizers = {"ppo": make_optimizer(self.networks, self._ppo.lr, config.trainer)}
        self.guarded_step = GuardedOptimizerStep(self.optimizers, config.trainer.clip)
        self.publish_updates = 1
        self.updates = 0
        self._rollouts = RolloutQueue(self._ppo.rollout)
        self.extra_state = {"ppo/learned_to": self._rollouts.learned_to}

    @property
    def ready_at_step(self) -> int:
        return self._rollouts.ready_at_step

    def published(self, version: int) -> None:
        """From now on only steps of this version are used."""
        self._rollouts.published(version)

    @property
    def counted_updates(self) -> int:
        return self.updates

    @property
    def surprise_scale(self) -> Tensor:
        return torch.ones(())

    def learn(self, replay: ReplayBuffer) -> Metrics | None:
        """One update if the weights in force have recorded a whole rollout, else None."""
        rollout = self._rollouts.take(replay)
        return None if rollout is None else self.update(rollout)

    def update(self, rollout: Rollout) -> Metrics:
        """Epochs of shuffled minibatches; metrics are their means, on the device, detached."""
        ppo = self._ppo
        value_N2 = self._values(rollout)
        advantage = rollout_advantages(rollout, value_N2, ppo.discount, ppo.lam)
        target = advantage + value_N2[:, 0]
        self.networks.value.adapt(target)  # before the epochs, which then learn on its scale
        steps, terms = len(advantage), list[Tensor]()
        skips_before = self.guarded_step.consecutive_skips
        self._set_learning_rate()
        self.noise.begin(self._config.seed, self.updates)
        for _ in range(ppo.epochs):
            order = self.noise.uniform((steps,)).argsort(stable=True)
            for rows in order.tensor_split(max(1, steps // ppo.minibatch)):
                terms.append(self._step_minibatch(rollout, advantage[rows], target[rows], rows))
        # One update is a whole rollout: it counts as skipped only if every minibatch was skipped.
        all_skipped = self.guarded_step.consecutive_skips >= len(terms)
        self.guarded_step.consecutive_skips = skips_before + 1 if all_skipped else 0
        self.updates += 1
        names = ("loss_policy", "loss_value", "entropy", "policy_kl")
        return dict(zip(names, torch.stack(terms).mean(0).unbind(), strict=True))

    def _step_minibatch(
        self, rollout: Rollout, advantage: Tensor, target: Tensor, rows: Tensor
    ) -> Tensor:
        """One optimiser step on the `rows` (M,) of a rollout; returns its four metrics (4,)."""
        ppo, networks = self._ppo, self.networks
        feature = self._feature(rollout, rows, 0)
        log_prob, entropy = networks.policy.log_prob_and_entropy(
            networks.policy.distribution_params(feature), rollout.chosen[rows]
        )
        old = rollout.log_prob[rows]
        objective = clipped_objective(log_prob, old, normalised(advantage), ppo.clip)
        policy = -objective.mean()
        value = networks.value.loss(networks.value.raw(feature), target).mean()
        entropy = entropy.mean()
        self.guarded_step.step(policy + ppo.value_weight * value - ppo.entropy * entropy)
        return torch.stack([policy, value, entropy, (old - log_prob).mean()]).detach()

    @torch.no_grad()
    def _values(self, rollout: Rollout) -> Tensor:
        """(N, 2), before and after each action."""
        rows = torch.arange(len(rollout.reward), device=rollout.reward.device)
        values = [
            torch.stack([self.networks.value(self._feature(rollout, part, i)) for i in (0, 1)], -1)
            for part in rows.split(_VALUE_BATCH)
        ]
        return torch.cat(values)

    def _feature(self, rollout: Rollout, rows: Tensor, moment: int) -> Tensor:
        """The input of the heads (M, F) before (moment 0) or after (1) the action.

        The networks have no memory, so the feature is the encoder's output.
        """
        return encode(self.networks, *rollout.observation(rows, moment))

    def _set_learning_rate(self) -> None:
        lr = warmup_lr(self._ppo.lr, self.updates, self._config.trainer.warmup)
        self.optimizers["ppo"].lr = lr
