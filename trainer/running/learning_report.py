"""The learning report: which measurements are due, at intervals of real time."""

import time
from collections.abc import Callable

from loguru import logger
from torch import Tensor

from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.ipc.board import Board
from interfaces.runtime.metric_table import metric_name
from interfaces.runtime.metrics import tick_metrics
from interfaces.runtime.run_folder import RunFolder
from trainer.data.replay_buffer import ReplayBuffer
from trainer.learners.learner import Learner, Metrics
from trainer.running.metrics_sink import MetricsSink
from trainer.running.model_report import ModelReport
from trainer.running.reward_report import RewardReport, curiosity_metric

_METRICS_S = 1.0


class LearningReport:
    """Collects the metrics of the updates and writes them out at intervals of real time.

    It draws no number from the learner's noise, so the report does not change the learning.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        spaces: Spaces,
        learner: Learner,
        replay: ReplayBuffer,
        board: Board,
        *,
        own_experience: bool = True,
    ) -> None:
        """`own_experience`: whether policies close to the current one recorded the Steps.

        If not, a better policy has a return gap too. Then the gap is measured without a warning.
        """
        self._config, self._board = config, board
        self._learner, self._replay = learner, replay
        board["updates"] = learner.updates  # includes those before a resume
        self._sink = MetricsSink(run, config, board)
        self._rewards = RewardReport(config, replay)
        self._model = ModelReport(
            run, config, spaces, learner, replay, self._sink, own_experience=own_experience
        )
        self._metrics: Metrics = {}  # the newest of each name that were not written yet
        self._curiosity: tuple[Tensor, Tensor] | None = None  # newest surprise and its scale
        self._first_update = learner.updates
        self._reported_skips = 0
        self._next_metrics_s = self._next_measurement_s = 0.0

    def record_update(self, metrics: Metrics, surprise_scale: Tensor) -> None:
        """Takes the metrics of the newest update. `surprise_scale`: (), before the update."""
        self._metrics |= metrics
        if "surprise" in metrics:
            self._curiosity = metrics["surprise"], surprise_scale
        updates = self._learner.updates
        self._board["updates"] = updates
        if updates - self._first_update == 1:
            self._try(self._write_metrics)  # later losses are compared with the first ones
        self._board["session_updates"] = updates - self._first_update

    def write_due(self, version: int) -> None:
        """Writes what is due: metrics each second, measurements every `trainer.view_s` seconds.

        `version`: of the weights, for the caption. A call is cheap if nothing is due.
        """
        now = time.perf_counter()
        if now >= self._next_metrics_s:
            self._next_metrics_s = now + _METRICS_S
            self._try(self._write_metrics)
        if now >= self._next_measurement_s:
            self._measure(version)
            self._next_measurement_s = time.perf_counter() + self._config.trainer.view_s

    def finish(self, version: int) -> None:
        """Writes everything once more and closes TensorBoard."""
        self._replay.refresh()
        self._board["steps_lived"] = self._replay.steps
        if self._learner.updates > self._first_update:
            self._try(self._write_metrics)
            self._measure(version)
        self._try(self._sink.close)

    def _measure(self, version: int) -> None:
        self._try(self._model.measure_gap)
        self._try(lambda: self._model.measure_prediction(version))

    def _try(self, write: Callable[[], None]) -> None:
        """A full disk, or a viewer that locks the picture, must not end the learning."""
        try:
            write()
        except OSError as error:
            self._sink.log_error(error)

    def _write_metrics(self) -> None:
        guarded_step = self._learner.guarded_step
        if guarded_step.skipped_updates > self._reported_skips:
            self._reported_skips = guarded_step.skipped_updates
            logger.warning(
                "{} updates skipped so far: {}",
                guarded_step.skipped_updates,
                guarded_step.skip_reason,
            )
        self._board["steps_lived"] = self._replay.steps
        metrics = {
            "progress/steps": float(self._replay.steps),
            "progress/skipped_updates": float(guarded_step.skipped_updates),
            **{metric_name(key): float(value) for key, value in self._metrics.items()},
            **self._rewards.measure(),
            **tick_metrics(self._board),
        }
        if self._curiosity is not None:
            metrics |= curiosity_metric(*self._curiosity, self._config)
        self._metrics, self._curiosity = {}, None
        self._sink.write(metrics, self._learner.updates)
