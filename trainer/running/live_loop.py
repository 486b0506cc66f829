"""The training loop beside a live agent: as many updates as the train ratio allows."""

import time
from collections.abc import Callable

from loguru import logger

from agent.networks.agent_networks import flatten_acting
from configs.training import TrainerConfig
from interfaces.ipc.board import Board
from interfaces.weights import WeightsError, WeightsWriter
from trainer.data.replay_buffer import ReplayBuffer
from trainer.learners.checkpoints import Checkpoint, Checkpoints
from trainer.learners.learner import Learner
from trainer.learners.restore import learner_tensors, restore_last_good
from trainer.running.learning_report import LearningReport

_IDLE_S = 0.01  # pause while no update is due


class LiveTrainer:
    """Updates, publishes, reports and saves in one thread, each at its own interval."""

    def __init__(
        self,
        config: TrainerConfig,
        learner: Learner,
        replay: ReplayBuffer,
        report: LearningReport,
        weights: WeightsWriter,
        version: int,
        checkpoints: Checkpoints,
        board: Board,
    ) -> None:
        """`version`: of the last published weights; the next version is one higher."""
        self._config, self._board = config, board
        self._learner, self._replay, self._report = learner, replay, report
        self._weights, self._version = weights, version
        self._checkpoints = checkpoints

    def run(self, done: Callable[[], bool]) -> None:
        """Learns until `done`; then saves, publishes and reports once more."""
        self._publish()
        updates_before = self._learner.updates
        next_checkpoint = time.perf_counter() + self._config.checkpoint_s
        while not done():
            self._board.heartbeat("trainer")
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
        logger.info(
            "learning ended at update {}, weights version {}", self._learner.updates, self._version
        )

    def _update(self) -> bool:
        """Does one update if one is due. Returns whether it did."""
        learner = self._learner
        metrics = learner.learn(self._replay)
        if metrics is None:
            return False
        self._report.record_update(metrics)
        if learner.guarded_step.consecutive_skips >= self._config.patience:
            restore_last_good(learner, self._checkpoints)
        if learner.updates % learner.publish_updates == 0:
            self._publish()
        self._report.write_due(self._version)
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
        """Saves a checkpoint. If the disk is full, the loop tries again at the next interval."""
        learner, steps = self._learner, self._replay.steps
        checkpoint = Checkpoint(
            learner_tensors(learner),
            steps,
            learner.updates,
            self._version,
            consecutive_skips=learner.guarded_step.consecutive_skips,
        )
        try:
            self._checkpoints.save(checkpoint)
        except OSError as error:
            logger.error("checkpoint not saved: {}", error)
