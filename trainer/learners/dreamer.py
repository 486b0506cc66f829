"""Dreamer (Hafner 2019, 2025): world model from recorded Steps, policy and value from dreams.

Shapes: B batch, T time; H imagined steps, N dreams.
"""

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks, build_networks
from agent.networks.noise import TorchNoise
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.batch import Batch
from trainer.data.replay_buffer import ReplayBuffer
from trainer.data.train_ratio import TrainRatio
from trainer.learners.learner import Metrics
from trainer.objectives.actor_critic_loss import dream_returns, policy_loss, value_loss
from trainer.objectives.cloning_loss import advantage_weights, cloning_loss
from trainer.objectives.dream_starts import choose_starts
from trainer.objectives.imagination import frozen, imagine
from trainer.objectives.replay_value_loss import replay_value_loss
from trainer.objectives.smoothness_loss import smoothness_loss
from trainer.objectives.world_model_loss import ModelLoss, world_model_loss
from trainer.optim.guarded_step import GuardedOptimizerStep
from trainer.optim.optimizer import ema_update, make_optimizer, warmup_lr
from trainer.optim.running_scales import ReturnScale, RunningMean


class DreamerLearner:
    """Each update trains the world model on a batch, and policy and value in dreams from it.

    The presets of Dreamer differ only in their settings.
    """

    def __init__(self, spaces: Spaces, config: Config, device: torch.device) -> None:
        self._config = config
        self._num_actions = spaces.num_actions
        self.device = device
        self.networks: Networks = build_networks(spaces, config).to(device)
        self.noise = TorchNoise(device)
        trainer, networks = config.trainer, self.networks
        self._lr = {
            "model": trainer.model_lr,
            "policy": trainer.policy_lr,
            "value": trainer.value_lr,
        }
        modules = {
            "model": networks.world_model,
            "policy": networks.learning_policy,
            "value": networks.value,
        }
        self.optimizers = {
            name: make_optimizer(module, self._lr[name], trainer)
            for name, module in modules.items()
        }
        self.return_scale = ReturnScale(device)
        self.surprise_mean = RunningMean(device)
        self.extra_state = {
            "scale/return_low": self.return_scale.low,
            "scale/return_high": self.return_scale.high,
            "scale/surprise_mean": self.surprise_mean.mean,
            "scale/surprise_weight": self.surprise_mean.weight,
            "ratio/free": torch.zeros((), dtype=torch.int64),  # see TrainRatio.allows
        }
        self.guarded_step = GuardedOptimizerStep(self.optimizers, trainer.clip)
        self.publish_updates = trainer.publish_updates
        self.ready_at_step = 0
        self._ratio = TrainRatio(trainer)
        self.updates = 0

    def learn(self, replay: ReplayBuffer) -> Metrics | None:
        """One update if the train ratio allows it, else None."""
        free = self.extra_state["ratio/free"]
        if not replay.ready or not self._ratio.allows(replay.steps, self.counted_updates, free):
            return None
        return self.update(replay.sample(self.updates))

    @property
    def counted_updates(self) -> int:
        return self.updates

    @property
    def surprise_scale(self) -> Tensor:
        return self.surprise_mean.value

    def published(self, version: int) -> None:
        """Nothing to do: the steps of every version can be learned from."""

    def update(self, batch: Batch) -> Metrics:
        """One update; metrics are tensors on the device, detached."""
        self.noise.begin(self._config.seed, self.updates)
        model = world_model_loss(
            self.networks,
            batch,
            self._num_actions,
            self._config,
            self.surprise_mean.value,
            self.noise,
        )
        actor_critic, returns, metrics = self._actor_critic_loss(model, batch)
        for name, optimizer in self.optimizers.items():
            lr = warmup_lr(self._lr[name], self.updates, self._config.trainer.warmup)
            optimizer.lr = lr
        if self.guarded_step.step(model.total + actor_critic):
            self.networks.encoder.felt.update_moments(batch.vector, batch.loss_mask)
            self.surprise_mean.update(model.terms["surprise"])
            self.networks.value.adapt(returns)
            if self.networks.slow_value is not None:
                rate = self._config.critic.slow_rate
                ema_update(self.networks.slow_value, self.networks.value, rate)
            if self.networks.quick_policy is not None:
                rate = self._config.actor.slow_rate
                ema_update(self.networks.policy, self.networks.quick_policy, rate)
        else:
            self.return_scale.undo_update()
        self.updates += 1
        return model.terms | metrics

    def _actor_critic_loss(self, model: ModelLoss, batch: Batch) -> tuple[Tensor, Tensor, Metrics]:
        """The loss of policy and value in dreams from the filtered states, (); the returns (H, N)
        of these dreams, detached; and metrics."""
        networks, config = self.networks, self._config
        has_replay_loss = config.critic.replay_weight > 0
        states, loss_mask = model.observed.state, batch.loss_mask
        start, start_mask = choose_starts(states, loss_mask, config.dream.starts, has_replay_loss)
        pathwise = config.actor.gradient != "reinforce"
        with frozen(networks.dynamics, networks.reward, networks.continues, networks.value):
            policy = networks.learning_policy
            dream = imagine(networks, policy, start, config.dream, self.noise, pathwise=pathwise)
            with torch.set_grad_enabled(pathwise):
                returns = dream_returns(networks, dream, config)
        counted = returns.lambda_return
        if start_mask is not None:  # dreams from excluded Steps have weight 0
            returns = returns._replace(weight=returns.weight * start_mask)
            counted = counted[:, start_mask] if bool(start_mask.any()) else counted
        scale = self.return_scale.update(counted)
        if not config.actor.scale:
            scale = torch.ones_like(scale)
        policy_term = policy_loss(dream, returns, scale, config.actor)
        value_term = value_loss(networks, dream, returns, config.critic.slow_weight)
        total = policy_term + value_term
        metrics = {
            "loss_policy": policy_term.detach(),
            "loss_value": value_term.detach(),
            "dream_return": counted.detach()[0].mean(),
            "return_scale": scale,
            "entropy": dream.entropy.detach().mean(),
        }
        if config.actor.cloning:
            weight = None
            if config.actor.cloning_by == "advantage":
                with torch.no_grad():
                    value = networks.value(states.feature)
                weight = advantage_weights(value, model.reward_target, batch, config.dream)
            cloning = cloning_loss(policy, batch, states.feature, self._num_actions, weight)
            total = total + config.actor.cloning * cloning
            metrics["loss_cloning"] = cloning.detach()
        if config.actor.smoothness:
            smoothness = smoothness_loss(policy, dream.feature, returns.weight)
            total = total + config.actor.smoothness * smoothness
            metrics["loss_smoothness"] = smoothness.detach()
        if has_replay_loss:
            feature = model.observed.state.feature
            bootstrap = returns.lambda_return.detach()[0].unflatten(0, (feature.shape[0], -1))
            replay_value = replay_value_loss(
                networks, batch, model.reward_target, feature, bootstrap, config
            )
            total = total + config.critic.replay_weight * replay_value
            metrics["loss_replay_value"] = replay_value.detach()
        return total, counted.detach(), metrics
