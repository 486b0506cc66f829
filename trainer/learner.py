"""The Learner: one update of world model, policy and value from a batch of lived Steps."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from agent.dynamics import State
from agent.networks import Networks, build_networks
from agent.noise import TorchNoise
from configs.schema import Config
from interfaces.spaces import Spaces
from trainer.imagination import frozen, imagine
from trainer.losses import (
    Batch,
    ModelLoss,
    dream_returns,
    model_loss,
    policy_loss,
    value_loss,
)
from trainer.normalize import ReturnScale, RunningMean

Metrics = dict[str, Tensor]


class Learner:
    """Networks, optimisers and scales; `update` depends on them, the batch and `updates` alone.

    The same seed and batches give the same weights, bit for bit, on CPU.
    """

    def __init__(self, spaces: Spaces, config: Config, device: torch.device) -> None:
        self._config = config
        self._num_actions = spaces.num_actions
        self.device = device
        self.networks: Networks = build_networks(spaces, config.model, config.seed).to(device)
        self.noise = TorchNoise(device)
        trainer = config.trainer
        self.optimizers = {
            "model": _adam(self.networks.world_model, trainer.model_lr),
            "policy": _adam(self.networks.policy, trainer.policy_lr),
            "value": _adam(self.networks.value, trainer.value_lr),
        }
        self.return_scale = ReturnScale(device)
        self.surprise_mean = RunningMean(device)
        self.updates = 0
        self.left_out = 0  # steps of an optimiser not taken: their gradient was not finite

    def update(self, batch: Batch) -> Metrics:
        """One update; metrics are tensors on the device, detached."""
        self.noise.begin(self._config.seed, self.updates)
        model = self._update_model(batch)
        metrics = dict(model.terms)
        metrics |= self._update_in_dreams(model.observed.state, batch.learned)
        self.updates += 1
        return metrics

    def _update_model(self, batch: Batch) -> ModelLoss:
        loss = model_loss(
            self.networks,
            batch,
            self._num_actions,
            self._config.trainer,
            self.surprise_mean.value,
            self._config.reward.surprise,
            self.noise,
        )
        self._descend("model", loss.total)
        self.surprise_mean.update(loss.terms["surprise"])
        return loss

    def _update_in_dreams(self, lived: State, learned: Tensor | None) -> Metrics:
        networks, config = self.networks, self._config.dream
        start = _choose_starts(lived, learned, config.starts)
        with frozen(networks.dynamics, networks.reward, networks.continues, networks.value):
            dream = imagine(networks, start, config.horizon, self.noise)
            returns, weight = dream_returns(networks, dream, config)
        scale = self.return_scale.update(returns)
        policy = policy_loss(returns, weight, dream.entropy, scale, config)
        value = value_loss(networks, dream, returns, weight)
        self._descend("policy", policy)
        self._descend("value", value)
        return {
            "loss_policy": policy.detach(),
            "loss_value": value.detach(),
            "dream_return": returns.detach()[0].mean(),
            "entropy": dream.entropy.detach().mean(),
        }

    def _descend(self, name: str, loss: Tensor) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = optimizer.param_groups[0]["params"]
        norm = nn.utils.clip_grad_norm_(parameters, self._config.trainer.clip, foreach=True)
        if torch.isfinite(norm):
            optimizer.step()
        else:  # one absurd reward must not cost all that was ever learned
            self.left_out += 1


def _adam(module: nn.Module, lr: float) -> torch.optim.Adam:
    parameters: Iterable[nn.Parameter] = module.parameters()
    return torch.optim.Adam(list(parameters), lr=lr, eps=1e-7, fused=True)


def _choose_starts(lived: State, learned: Tensor | None, starts: int) -> State:
    """At most `starts` posteriors (N, ...), evenly spaced over the whole batch (B, T, ...), or
    over what of it is learned from."""
    deter, stoch = (part.detach().flatten(0, 1) for part in lived)
    if learned is not None and bool(learned.any()):
        deter, stoch = deter[learned.flatten()], stoch[learned.flatten()]
    size = deter.shape[0]
    number = min(starts, size)
    # From the back: the last step of a window knows most.
    chosen = size - 1 - torch.arange(number, device=deter.device) * size // number
    return State(deter[chosen], stoch[chosen])
