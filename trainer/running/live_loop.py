"""The training loop of a living agent: as many updates as the ratio allows, never more."""

import time
from collections.abc import Callable

from loguru import logger

from agent.networks.agent_networks import flatten_acting
from configs.learning import TrainerConfig
from interfaces.ipc.board import Board
from interfaces.weights import WeightsError, WeightsWriter
from trainer.data.replay_buffer import Replay
from trainer.learners.learner import Learner
from trainer.running.checkpoints import Checkpoint, Checkpoints, learner_tensors, mend
from trainer.running.learning_report import Report

_IDLE_S = 0.01


class LiveTrainer:
    """Updates, publishes, reports and saves; each at its own pace, all in one thread."""

    def __init__(
        self,
        config: TrainerConfig,
        learner: Learner,
        replay: Replay,
        report: Report,
        weights: WeightsWriter,
        version: int,
        checkpoints: Checkpoints,
        board: Board,
    ) -> None:
        self._config, self._board = config, board
        self._learner, self._replay, self._report = learner, replay, report
        self._weights, self._version = weights, version
        self._checkpoints = checkpoints

    def run(self, done: Callable[[], bool]) -> None:
        """Until done; then publish, measure, draw and save once more."""
        self._publish()
        updates_before = self._learner.updates
        next_checkpoint = time.perf_counter() + self._config.checkpoint_s
        while not done():
            self._board.beat("trainer")
            self._replay.refresh()
            if not self._update():
                time.sleep(_IDLE_S)
                continue
            if time.perf_counter() >= next_checkpoint:
                self._save()
                next_checkpoint = time.perf_counter() + self._config.checkpoint_s
        if self._learner.updates > updates_before:
            self._save()
            self._publish()
        self._report.finish(self._version)
        logger.info("ended at update {}, version {}", self._learner.updates, self._version)

    def _update(self) -> bool:
        """One update if one is due; whether there was one."""
        learner = self._learner
        metrics = learner.learn(self._replay)
        if metrics is None:
            return False
        self._report.took(metrics)
        if learner.descent.in_a_row >= self._config.patience:
            mend(learner, self._checkpoints)
        if learner.updates % learner.publish_updates == 0:
            self._publish()
        self._report.every_second(self._version)
        return True

    def _publish(self) -> None:
        flat = flatten_acting(self._learner.networks)
        try:
            self._weights.publish(flat, self._version + 1, time.perf_counter_ns())
        except WeightsError as error:
            logger.error("weights not published: {}", error)
            return
        self._version += 1
        self._learner.published(self._version)
        self._board["weights_published"] += 1

    def _save(self) -> None:
        """What cannot be saved now, because the disk is full, is saved the next time."""
        learner, steps = self._learner, self._replay.steps
        checkpoint = Checkpoint(
            learner_tensors(learner),
            steps,
            learner.updates,
            self._version,
            left_out=learner.descent.in_a_row,
        )
        try:
            self._checkpoints.save(checkpoint)
        except OSError as error:
            logger.error("checkpoint not saved: {}", error)
