"""What every way of learning has in common, and which one a configuration asks for."""

from typing import Protocol

import torch
from torch import Tensor, nn

from agent.networks.agent_networks import ActingNetworks
from agent.networks.noise import TorchNoise
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.replay_buffer import Replay
from trainer.optim.optimizer import Optimizer

Metrics = dict[str, Tensor]


class Learner(Protocol):
    """Networks that get better from what was lived, one update at a time.

    `networks` holds at least what acts. `kept` are the tensors that belong to its state beside
    networks and optimisers. Its updates depend on these, the journal and `updates` alone: the same
    seed gives the same weights, bit for bit, on CPU.
    """

    @property
    def networks(self) -> ActingNetworks: ...

    @property
    def surprise_scale(self) -> Tensor:
        """What curiosity is divided by; 1 where there is none."""
        ...

    @property
    def charged(self) -> int:
        """Updates so far, as a train ratio counts them."""
        ...

    optimizers: dict[str, Optimizer]
    kept: dict[str, Tensor]
    noise: TorchNoise
    updates: int
    descent: "Descent"
    publish_updates: int  # after so many updates the body should have them
    look_at: int  # steps lived at which an update may be due that needs all of them; 0: none does

    def learn(self, replay: Replay) -> Metrics | None:
        """One update if one is due, else None. Metrics are on the device, detached."""
        ...

    def published(self, version: int) -> None:
        """The networks as they are went out as this version of the weights."""
        ...


class Descent:
    """Steps of several optimisers together, or of none: one absurd number must not cost all that
    was ever learned. Counts and names what it left out."""

    def __init__(self, optimizers: dict[str, Optimizer], clip: float) -> None:
        self._optimizers, self._clip = optimizers, clip
        self.left_out = 0  # in all
        self.in_a_row = 0
        self.why = ""
        self.back_at: int | None = None  # the checkpoint come back to, until a step is good

    def step(self, loss: Tensor) -> bool:
        """Down the gradient of `loss`, clipped to a global norm; False: it was not finite."""
        for optimizer in self._optimizers.values():
            optimizer.zero_grad()
        loss.backward()
        strange: list[str] = []
        for name, optimizer in self._optimizers.items():
            norm = nn.utils.clip_grad_norm_(optimizer.parameters, self._clip, foreach=True)
            if not torch.isfinite(norm):
                strange.append(name)
        if strange:
            self.leave_out(f"the gradient of {' and '.join(strange)} is not finite")
            return False
        for optimizer in self._optimizers.values():
            optimizer.step()
        self.in_a_row, self.back_at = 0, None
        return True

    def leave_out(self, why: str) -> None:
        self.left_out += 1
        self.in_a_row += 1
        self.why = why


def make_learner(spaces: Spaces, config: Config, device: torch.device) -> Learner:
    """As `method` says."""
    if config.method == "world_models":
        from trainer.learners.world_models import WorldModelsLearner

        return WorldModelsLearner(spaces, config, device)
    from trainer.learners.dreamer import DreamerLearner
    from trainer.learners.ppo import PPOLearner

    if config.method == "ppo":
        return PPOLearner(spaces, config, device)
    return DreamerLearner(spaces, config, device)
