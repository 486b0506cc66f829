"""The Learner protocol: what every learning method provides to the training loops."""

from typing import Protocol

from torch import Tensor

from agent.networks.agent_networks import ActingNetworks
from trainer.data.replay_buffer import ReplayBuffer
from trainer.optim.guarded_step import GuardedOptimizerStep
from trainer.optim.optimizer import Optimizer

Metrics = dict[str, Tensor]


class Learner(Protocol):
    """Networks that improve from recorded steps, one update at a time.

    An update depends only on the networks, the optimisers, `extra_state`, the journal and
    `updates`: the same seed gives bit-identical weights on a CPU.
    """

    @property
    def networks(self) -> ActingNetworks:
        """Exactly the networks that `build_method_networks` makes for the configuration.

        `evaluate` and `replay` load a checkpoint into such networks. Other modules of the learner
        belong in `extra_state`.
        """
        ...

    @property
    def surprise_scale(self) -> Tensor:
        """The divisor of the curiosity reward, (); 1 for a method without curiosity."""
        ...

    @property
    def counted_updates(self) -> int:
        """Updates so far that count against the train ratio."""
        ...

    @property
    def ready_at_step(self) -> int:
        """From this many environment steps on an update may be due that needs all of them.

        The loop then writes buffered Steps to the journal. 0: no update needs that.
        """
        ...

    optimizers: dict[str, Optimizer]
    extra_state: dict[str, Tensor]  # tensors of a checkpoint besides networks and optimisers
    updates: int
    guarded_step: GuardedOptimizerStep
    publish_updates: int  # updates between two published versions of the weights

    def learn(self, replay: ReplayBuffer) -> Metrics | None:
        """One update if one is due, else None. Metrics are tensors on the device, detached."""
        ...

    def published(self, version: int) -> None:
        """Called after the current networks were published as this version of the weights."""
        ...
