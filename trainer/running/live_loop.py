"""The training loop beside a live agent: as many updates as the train ratio allows."""

import time
from collections.abc import Callable

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.training import TrainerConfig
from interfaces.ipc.board import Board
from interfaces.weights import WeightsError, WeightsWriter
from trainer.data.replay_buffer import ReplayBuffer
from trainer.running.disk_warnings import DiskWarnings, is_full
from trainer.running.learner_setup import LearnerSetup
from trainer.running.learning_report import LearningReport
from trainer.running.training_loop import CheckpointContent, TrainingLoop

_IDLE_S = 0.01  # pause while no update is due


class LiveContext:
    """The body runs in another process and takes the weights when it is ready."""

    publishes_during_training = True

    def __init__(self, weights: WeightsWriter, replay: ReplayBuffer) -> None:
        self._weights, self._replay = weights, replay

    def send_weights(self, flat: NDArray[np.float32], version: int) -> bool:
        """Writes the weights for the body. Returns False, and logs why, if they are refused."""
        try:
            self._weights.publish(flat, version, time.perf_counter_ns())
        except WeightsError as error:
            logger.error("weights not published: {}", error)
            return False
        return True

    def checkpoint_content(self) -> CheckpointContent:
        """Nothing but the learner: a new body starts in a new situation."""
        return CheckpointContent(self._replay.steps)


class LiveTrainer:
    """Learns from the journal that the body writes at the same time."""

    def __init__(
        self,
        config: TrainerConfig,
        setup: LearnerSetup,
        replay: ReplayBuffer,
        report: LearningReport,
        weights: WeightsWriter,
        version: int,
        board: Board,
    ) -> None:
        """`version`: of the last published weights; the next version is one higher."""
        self._board, self._learner, self._replay = board, setup.learner, replay
        self._checkpoints, self._disk = setup.checkpoints.folder, DiskWarnings()
        context = LiveContext(weights, replay)
        self._loop = TrainingLoop(config, setup, replay, report, context, board, version)

    def run(self, done: Callable[[], bool]) -> None:
        """Learns until `done`; then saves, publishes and reports once more."""
        loop, learner = self._loop, self._learner
        loop.publish()
        updates_before = learner.updates
        while not done():
            self._board.heartbeat("trainer")
            self._replay.refresh()
            if not loop.update():
                time.sleep(_IDLE_S)
            elif loop.save_is_due:
                self._save()
        if learner.updates > updates_before:
            self._save(last=True)
            loop.publish()
        loop.finish()
        logger.info(
            "learning ended at update {}, weights version {}", learner.updates, loop.version
        )

    def _save(self, *, last: bool = False) -> None:
        """Saves a checkpoint. If the disk is full, the loop tries again at the next interval.

        `last`: no attempt follows, so its failure is always logged.
        """
        try:
            self._loop.save()
        except OSError as error:
            if is_full(error):
                cause = error.strerror or str(error)
                self._disk.warn("the checkpoint", self._checkpoints, cause, always=last)
                return
            logger.error("checkpoint not saved: {}", error)
