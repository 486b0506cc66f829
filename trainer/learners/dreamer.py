"""Dreamer: one update of world model, policy and value from a batch of lived Steps."""

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks, build_networks
from agent.networks.dynamics import State
from agent.networks.noise import TorchNoise
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.replay_buffer import Replay
from trainer.learners.learner import Descent, Metrics
from trainer.objectives.imagination import frozen, imagine
from trainer.objectives.losses import (
    Batch,
    ModelLoss,
    cloning_loss,
    dream_returns,
    model_loss,
    policy_loss,
    replay_value_loss,
    value_loss,
)
from trainer.optim.optimizer import follow, make_optimizer, warmed_up
from trainer.optim.running_scales import ReturnScale, RunningMean
from trainer.running.train_ratio import TrainRatio


class DreamerLearner:
    """A world model of what was lived, and policy and value from dreams of it (Hafner 2019, 2025):
    the presets differ in settings alone."""

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
        self.kept = {
            "scale/return_low": self.return_scale.low,
            "scale/return_high": self.return_scale.high,
            "scale/surprise_mean": self.surprise_mean.mean,
            "scale/surprise_weight": self.surprise_mean.weight,
            "ratio/free": torch.zeros((), dtype=torch.int64),  # as TrainRatio.allows has it
        }
        self.descent = Descent(self.optimizers, trainer.clip)
        self.publish_updates = trainer.publish_updates
        self.look_at = 0
        self._ratio = TrainRatio(trainer)
        self.updates = 0

    def learn(self, replay: Replay) -> Metrics | None:
        """One update, as often as the train ratio allows."""
        free = self.kept["ratio/free"]
        if not replay.ready or not self._ratio.allows(replay.steps, self.charged, free):
            return None
        return self.update(replay.sample(self.updates))

    @property
    def charged(self) -> int:
        return self.updates

    @property
    def surprise_scale(self) -> Tensor:
        return self.surprise_mean.value

    def published(self, version: int) -> None:
        """Whatever acts, what it lived can be learned from."""

    def update(self, batch: Batch) -> Metrics:
        """One update; metrics are tensors on the device, detached."""
        self.noise.begin(self._config.seed, self.updates)
        model = model_loss(
            self.networks,
            batch,
            self._num_actions,
            self._config,
            self.surprise_mean.value,
            self.noise,
        )
        dreamed, returns, metrics = self._dream(model, batch)
        for name, optimizer in self.optimizers.items():
            lr = warmed_up(self._lr[name], self.updates, self._config.trainer.warmup)
            optimizer.lr = lr
        if self.descent.step(model.total + dreamed):
            self.networks.encoder.felt.measure(batch.vector, batch.learned)
            self.surprise_mean.update(model.terms["surprise"])
            self.networks.value.adapt(returns)
            if self.networks.slow_value is not None:
                rate = self._config.critic.slow_rate
                follow(self.networks.slow_value, self.networks.value, rate)
            if self.networks.quick_policy is not None:
                rate = self._config.actor.slow_rate
                follow(self.networks.policy, self.networks.quick_policy, rate)
        else:
            self.return_scale.take_back()
        self.updates += 1
        return model.terms | metrics

    def _dream(self, model: ModelLoss, batch: Batch) -> tuple[Tensor, Tensor, Metrics]:
        """The losses of policy and value, in dreams that begin in what was just filtered; and the
        returns (H, N) of these dreams, detached."""
        networks, config = self.networks, self._config
        replays = config.critic.replay_weight > 0
        lived, learned = model.observed.state, batch.learned
        start, taught = _choose_starts(lived, learned, config.dream.starts, replays)
        pathwise = config.actor.gradient != "reinforce"
        with frozen(networks.dynamics, networks.reward, networks.continues, networks.value):
            policy = networks.learning_policy
            dream = imagine(networks, policy, start, config.dream, self.noise, pathwise=pathwise)
            with torch.set_grad_enabled(pathwise):
                found = dream_returns(networks, dream, config)
        known = found.returns
        if taught is not None:  # dreams of what is only remembered teach nothing
            found = found._replace(weight=found.weight * taught)
            known = known[:, taught] if bool(taught.any()) else known
        scale = self.return_scale.update(known)
        if not config.actor.scale:
            scale = torch.ones_like(scale)
        climb = policy_loss(dream, found, scale, config.actor)
        value = value_loss(networks, dream, found, config.critic.slow_weight)
        total = climb + value
        metrics = {
            "loss_policy": climb.detach(),
            "loss_value": value.detach(),
            "dream_return": known.detach()[0].mean(),
            "return_scale": scale,
            "entropy": dream.entropy.detach().mean(),
        }
        if config.actor.cloning:
            cloned = cloning_loss(policy, batch, lived.feature, self._num_actions)
            total = total + config.actor.cloning * cloned
            metrics["loss_cloning"] = cloned.detach()
        if replays:
            feature = model.observed.state.feature
            boot = found.returns.detach()[0].unflatten(0, (feature.shape[0], -1))
            replayed = replay_value_loss(networks, batch, model.paid, feature, boot, config)
            total = total + config.critic.replay_weight * replayed
            metrics["loss_replay_value"] = replayed.detach()
        return total, known.detach(), metrics


def _choose_starts(
    lived: State, learned: Tensor | None, starts: int, whole_ends: bool
) -> tuple[State, Tensor | None]:
    """Posteriors (N, ...) of (B, T, ...) to dream from, about `starts` of them; and which of them
    (N,) may be learned from, None: all.

    `whole_ends`: the last ones of every sequence, in order, as the replay value needs them; else
    evenly spaced over the batch, over what of it is learned from.
    """
    if whole_ends:
        size, length = lived.deter.shape[:2]
        last = min(length, max(2, starts // size))
        taught = None if learned is None else learned[:, -last:].flatten()
        return State(*(part.detach()[:, -last:].flatten(0, 1) for part in lived)), taught
    deter, stoch = (part.detach().flatten(0, 1) for part in lived)
    if learned is not None and bool(learned.any()):
        deter, stoch = deter[learned.flatten()], stoch[learned.flatten()]
    size = deter.shape[0]
    number = min(starts, size)
    # From the back: the last step of a window knows most.
    chosen = size - 1 - torch.arange(number, device=deter.device) * size // number
    return State(deter[chosen], stoch[chosen]), None
