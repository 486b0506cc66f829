"""The training loop: the order of update, recovery, publication, report and checkpoint.

Live, lockstep and offline training differ only in when an update may happen, where the weights go,
and what a checkpoint holds besides the learner. They pass this in as a TrainingContext.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from agent.networks.agent_networks import flatten_acting
from configs.training import TrainerConfig
from interfaces.ipc.board import Board
from trainer.data.replay_buffer import ReplayBuffer
from trainer.learners.checkpoints import Checkpoint
from trainer.learners.restore import learner_tensors, restore_last_good
from trainer.running.learner_setup import LearnerSetup
from trainer.running.learning_report import LearningReport


@dataclass(frozen=True)
class CheckpointContent:
    """What a checkpoint holds besides the learner.

    `steps`: environment steps so far. `tensors`: by name. `extra`: JSON content.
    """

    steps: int
    tensors: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


class TrainingContext(Protocol):
    """The part of training that differs between live, lockstep and offline.

    `publishes_during_training`: if not, only the driver publishes, at the end.
    """

    publishes_during_training: bool

    def send_weights(self, flat: NDArray[np.float32], version: int) -> bool:
        """Sends the parameters of the acting networks. Returns whether they were taken."""
        ...

    def checkpoint_content(self) -> CheckpointContent:
        """Called just before a checkpoint collects the learner's tensors."""
        ...


class TrainingLoop:
    """One update after another, in one thread. Its driver says when.

    `version`: of the last published weights.
    """

    def __init__(
        self,
        config: TrainerConfig,
        setup: LearnerSetup,
        replay: ReplayBuffer,
        report: LearningReport,
        context: TrainingContext,
        board: Board,
        version: int,
    ) -> None:
        self._config, self._context, self._board = config, context, board
        self._learner, self._checkpoints = setup.learner, setup.checkpoints
        self._replay, self._report = replay, report
        self.version = version
        self._next_save_s = time.perf_counter() + config.checkpoint_s

    def update(self) -> bool:
        """Does one update if one is due, and what follows from it. Returns whether it did."""
        learner = self._learner
        surprise_scale = learner.surprise_scale
        metrics = learner.learn(self._replay)
        if metrics is None:
            return False
        self._report.record_update(metrics, surprise_scale)
        if learner.guarded_step.consecutive_skips >= self._config.patience:
            restore_last_good(learner, self._checkpoints)
        publishes = self._context.publishes_during_training
        if publishes and learner.updates % learner.publish_updates == 0:
            self.publish()
        self._report.write_due(self.version)
        return True

    def publish(self, flat: NDArray[np.float32] | None = None) -> None:
        """Publishes the learner's acting networks, or the parameters `flat`, as a new version."""
        flat = flatten_acting(self._learner.networks) if flat is None else flat
        if not self._context.send_weights(flat, self.version + 1):
            return
        self.version += 1
        self._learner.published(self.version)
        self._board["weights_published"] += 1

    @property
    def save_is_due(self) -> bool:
        """Whether `trainer.checkpoint_s` seconds have passed since the last attempt to save."""
        return time.perf_counter() >= self._next_save_s

    def save(self) -> None:
        """Saves a checkpoint. Raises OSError."""
        learner = self._learner
        content = self._context.checkpoint_content()
        checkpoint = Checkpoint(
            learner_tensors(learner) | content.tensors,
            content.steps,
            learner.updates,
            self.version,
            content.extra,
            learner.guarded_step.consecutive_skips,
        )
        try:
            self._checkpoints.save(checkpoint)
        finally:
            self._next_save_s = time.perf_counter() + self._config.checkpoint_s

    def report_due(self) -> None:
        """Writes the parts of the report that are due without an update."""
        self._report.write_due(self.version)

    def finish(self) -> None:
        """Reports once more. Saves and publishes nothing."""
        self._report.finish(self.version)
