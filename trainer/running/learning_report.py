"""The learning report: Board gauges, TensorBoard, return gap, prediction error, dream picture."""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict

from loguru import logger
from torch.utils.tensorboard import SummaryWriter

from agent.networks.agent_networks import Networks
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.ipc.board import Board
from interfaces.runtime.run_folder import RunFolder
from trainer.data.replay_buffer import ReplayBuffer
from trainer.evaluation.prediction_error import prediction_psnr
from trainer.evaluation.return_gap import BURN_IN, ReturnGapAlarm, measure_return_gap
from trainer.learners.learner import Learner, Metrics
from trainer.running.dream_picture import (
    PICTURE_STEPS,
    draw_dream_picture,
    write_dream_picture,
)

_GAUGES_S = 1.0
_TENSORBOARD_BYTES = 10**7  # free disk space below which TensorBoard is not started
_PSNR_WINDOWS, _PSNR_LENGTH = 16, 16
_RETURN_GAP_WINDOWS = 32
_RETURN_GAP_STEPS = (1, 2, 5, 10, 15, 25, 50, 100)  # horizons that TensorBoard shows


class LearningReport:
    """Collects the newest metrics and writes them out at intervals of real time.

    Its random draws are separate from the learner's, so the report does not change the learning.
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
        self._own_experience = own_experience
        self._run, self._config, self._board = run, config, board
        self._learner, self._replay = learner, replay
        board["updates"] = learner.updates  # includes those before a resume
        self._num_actions, self._has_image = spaces.num_actions, spaces.has_image
        self._tensorboard: SummaryWriter | None = None  # created with the first number
        self._metrics: Metrics = {}
        self._first_update = learner.updates
        self._reported_skips = 0
        self._last_error = ""
        self._return_gap_alarm = ReturnGapAlarm()
        self._next_gauges_s = self._next_picture_s = 0.0

    def record_update(self, metrics: Metrics) -> None:
        """Takes the metrics of the newest update."""
        self._metrics = metrics
        updates = self._learner.updates
        self._board["updates"] = updates
        if updates - self._first_update == 1:
            self._try(self._write_gauges)  # later losses are compared with the first ones
        self._board["session_updates"] = updates - self._first_update

    def write_due(self, version: int) -> None:
        """Writes what is due: gauges each second, the other parts every `trainer.view_s` seconds.

        `version`: of the weights, for the caption. A call is cheap if nothing is due.
        """
        now = time.perf_counter()
        if now >= self._next_gauges_s:
            self._next_gauges_s = now + _GAUGES_S
            self._try(self._write_gauges)
        if now >= self._next_picture_s:
            self._try(self._report_return_gap)
            self._try(lambda: self._report_prediction(version))
            self._next_picture_s = time.perf_counter() + self._config.trainer.view_s

    def finish(self, version: int) -> None:
        """Writes everything once more and closes TensorBoard."""
        self._replay.refresh()
        self._board["steps_lived"] = self._replay.steps
        if self._metrics:
            self._try(self._write_gauges)
            self._try(self._report_return_gap)
            self._try(lambda: self._report_prediction(version))
        if self._tensorboard is not None:
            self._try(self._tensorboard.close)

    def _try(self, write: Callable[[], None]) -> None:
        """A full disk, or a viewer that locks the picture, must not end the learning."""
        try:
            write()
        except OSError as error:
            self._log_once(error)

    def _log_once(self, error: OSError) -> None:
        if str(error) != self._last_error:
            logger.error("the learning report could not be written: {}", error)
        self._last_error = str(error)

    def _scalar(self, name: str, value: float) -> None:
        """Adds a point to TensorBoard.

        A full disk ends the thread of the SummaryWriter. A new one starts when there is space.
        """
        try:
            if self._tensorboard is None:
                if shutil.disk_usage(self._run.path).free < _TENSORBOARD_BYTES:
                    return
                self._tensorboard = SummaryWriter(str(self._run.tensorboard), flush_secs=10)
            self._tensorboard.add_scalar(name, value, self._learner.updates)
        except OSError as error:
            self._tensorboard = None
            self._log_once(error)

    def _write_gauges(self) -> None:
        guarded_step = self._learner.guarded_step
        if guarded_step.skipped_updates > self._reported_skips:
            self._reported_skips = guarded_step.skipped_updates
            logger.warning(
                "{} updates skipped so far: {}",
                guarded_step.skipped_updates,
                guarded_step.skip_reason,
            )
        self._board["steps_lived"] = self._replay.steps
        numbers = {name: float(value) for name, value in self._metrics.items()}
        for name, number in numbers.items():
            if name in self._board:
                self._board[name] = number
        self._scalar("train/steps", self._replay.steps)
        for name, number in numbers.items():
            self._scalar(f"train/{name}", number)

    def _report_return_gap(self) -> None:
        """Measures the return gap; logs a warning once it is certain that the policy exploits f."""
        learner, config = self._learner, self._config
        networks, horizon = learner.networks, config.dream.horizon
        if not isinstance(networks, Networks) or not self._replay.ready:
            return
        batch = self._replay.newest_windows(_RETURN_GAP_WINDOWS, BURN_IN + horizon)
        if batch is None:
            return
        learner.noise.begin(config.seed, learner.updates)
        scale = learner.surprise_scale
        gap = measure_return_gap(networks, batch, self._num_actions, config, scale, learner.noise)
        if gap is None:
            return
        self._board["honesty_measured"] += 1
        # The names on the Board and in TensorBoard are stored, so they keep their old words.
        curves = {"dreamed": gap.dreamed, "lived": gap.recorded, "replayed": gap.replayed}
        for name, returns in curves.items():
            self._board[f"return_{name}"] = float(returns[-1])
            for steps in sorted({*_RETURN_GAP_STEPS, horizon}):
                if steps <= horizon:
                    tag = f"honesty_{steps:03d}_steps/{name}"
                    self._scalar(tag, float(returns[steps - 1]))
        if self._own_experience and self._return_gap_alarm.update(gap):
            logger.warning(
                "the policy exploits errors of the world model: over {} steps the dreamed return "
                "is {:.2f}, the recorded return {:.2f} (dreamed with the recorded actions: {:.2f})",
                horizon,
                float(gap.dreamed[-1]),
                float(gap.recorded[-1]),
                float(gap.replayed[-1]),
            )

    def _report_prediction(self, version: int) -> None:
        """Measures the one-step prediction on held-out Steps and renews view.png."""
        learner, board = self._learner, self._board
        networks = learner.networks
        if not self._has_image or not self._replay.ready or not isinstance(networks, Networks):
            return
        caption = f"step {self._replay.steps}   update {learner.updates}   weights {version}"
        if self._measure_prediction(networks):
            caption += (
                f"   one-step PSNR {board['psnr_model']:.1f} dB (last frame "
                f"{board['psnr_last_frame']:.1f}, mean frame {board['psnr_mean_frame']:.1f})"
            )
        window = self._replay.last_window(PICTURE_STEPS)
        if window.vector.shape[1] == PICTURE_STEPS:
            learner.noise.begin(self._config.seed, learner.updates)
            picture = draw_dream_picture(
                networks, window, self._num_actions, learner.noise, caption
            )
            write_dream_picture(self._run.view, picture)

    def _measure_prediction(self, networks: Networks) -> bool:
        """Returns False if there are too few Steps for a measurement."""
        learner, replay = self._learner, self._replay
        held_out = replay.held_out_windows(_PSNR_WINDOWS, _PSNR_LENGTH)
        trained_on = replay.training_windows(_PSNR_WINDOWS, _PSNR_LENGTH)
        if held_out is None or trained_on is None:
            return False
        learner.noise.begin(self._config.seed, learner.updates)
        psnr = prediction_psnr(networks, held_out, trained_on, self._num_actions, learner.noise)
        if psnr is None:
            return False
        for name, value in asdict(psnr).items():
            self._board[f"psnr_{name}"] = value
            self._scalar(f"prediction_psnr/{name}", value)
        return True
