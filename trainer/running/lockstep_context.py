"""Where the weights go in lockstep, and what a checkpoint holds besides the learner."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.agent_networks import ActingNetworks
from interfaces.core.clock import Clock
from interfaces.journal import JournalWriter
from interfaces.runtime.worlds import LockstepWorld
from interfaces.weights import WeightsReader, WeightsWriter
from trainer.running.training_loop import CheckpointContent
from trainer.running.vector_body import VectorBody


class LockstepContext:
    """Bodies and learner take turns, so the bodies use new weights at once."""

    publishes_during_training = True

    def __init__(
        self,
        worlds: Sequence[LockstepWorld],
        vector_body: VectorBody,
        weights: WeightsWriter,
        reader: WeightsReader[ActingNetworks],
        journal: JournalWriter,
        clock: Clock,
    ) -> None:
        """`reader`: the one from which the bodies take their weights."""
        self._worlds, self._vector_body = worlds, vector_body
        self._weights, self._reader = weights, reader
        self._journal, self._clock = journal, clock
        self._acting = np.zeros(0, np.float32)

    def send_weights(self, flat: NDArray[np.float32], version: int) -> bool:
        """Gives the weights to the bodies. Raises WeightsError."""
        self._acting = flat
        self._weights.publish(flat, version, round(self._clock.now() * 1e9))
        self._reader.poll()
        self._vector_body.take_newer_weights()  # now: an untaken version blocks the next one
        self._reader.save_applied()  # replay needs the weights of every decision
        return True

    def checkpoint_content(self) -> CheckpointContent:
        """The weights in force, the bodies and the worlds; writes pending Steps to the journal."""
        self._vector_body.flush()
        deter, stoch = (part.clone().contiguous() for part in self._vector_body.state)
        return CheckpointContent(
            self._journal.next_index,
            {
                "acting/flat": torch.from_numpy(self._acting.copy()),
                "body/deter": deter,
                "body/stoch": stoch,
            },
            {
                "worlds": [world.snapshot() for world in self._worlds],
                "bodies": self._vector_body.snapshot(),
            },
        )
