"""What learning shows of itself: gauges on the Board, TensorBoard, the measured prediction, the
picture."""

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
from trainer.data.replay_buffer import Replay
from trainer.evaluation.prediction_error import prediction_psnr
from trainer.evaluation.return_gap import BURN_IN, Conscience, measure_honesty
from trainer.learners.learner import Learner, Metrics
from trainer.running.dream_picture import VIEW_LENGTH, draw_view, write_view

_GAUGES_S = 1.0
_TENSORBOARD_BYTES = 10**7  # with less on the disk it is not begun
_PSNR_WINDOWS, _PSNR_LENGTH = 16, 16
_HONESTY_WINDOWS = 32


class Report:
    """Collects the newest metrics and writes them out at a human pace, in real time.

    It draws its noise apart from the learner's, so that looking changes nothing. `own_life`:
    whether policies near this one lived what is learned from. Of another's life a better policy is
    promised more too: the gauge is told then, and nobody is warned.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        spaces: Spaces,
        learner: Learner,
        replay: Replay,
        board: Board,
        *,
        own_life: bool = True,
    ) -> None:
        self._own_life = own_life
        self._run, self._config, self._board = run, config, board
        self._learner, self._replay = learner, replay
        board["updates"] = learner.updates  # those of before a resume too
        self._num_actions, self._has_image = spaces.num_actions, spaces.has_image
        self._tensorboard: SummaryWriter | None = None  # from the first number on
        self._metrics: Metrics = {}
        self._first_update = learner.updates
        self._left_out_told = 0
        self._trouble = ""
        self._conscience = Conscience()
        self._next_gauges_s = self._next_view_s = 0.0

    def took(self, metrics: Metrics) -> None:
        """The metrics of the newest update."""
        self._metrics = metrics
        updates = self._learner.updates
        self._board["updates"] = updates
        if updates - self._first_update == 1:
            self._try(
                self._gauges
            )  # the first losses of a life are what later ones are measured by
        self._board["session_updates"] = updates - self._first_update

    def every_second(self, version: int) -> None:
        """Write what is due. Cheap when nothing is."""
        now = time.perf_counter()
        if now >= self._next_gauges_s:
            self._next_gauges_s = now + _GAUGES_S
            self._try(self._gauges)
        if now >= self._next_view_s:
            self._try(self._be_honest)
            self._try(lambda: self._draw(version))
            self._next_view_s = time.perf_counter() + self._config.trainer.view_s

    def finish(self, version: int) -> None:
        """The last numbers and picture."""
        self._replay.refresh()
        self._board["steps_lived"] = self._replay.steps
        if self._metrics:
            self._try(self._gauges)
            self._try(self._be_honest)
            self._try(lambda: self._draw(version))
        if self._tensorboard is not None:
            self._try(self._tensorboard.close)

    def _try(self, show: Callable[[], None]) -> None:
        """A full disk, or a viewer that holds the picture, must not end the learning."""
        try:
            show()
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        if str(error) != self._trouble:
            logger.error("cannot be shown: {}", error)
        self._trouble = str(error)

    def _scalar(self, name: str, value: float) -> None:
        """A point of TensorBoard's. Its thread ends with a full disk: another begins where there is
        room again."""
        try:
            if self._tensorboard is None:
                if shutil.disk_usage(self._run.path).free < _TENSORBOARD_BYTES:
                    return
                self._tensorboard = SummaryWriter(str(self._run.tensorboard), flush_secs=10)
            self._tensorboard.add_scalar(name, value, self._learner.updates)
        except OSError as error:
            self._tensorboard = None
            self._tell(error)

    def _gauges(self) -> None:
        descent = self._learner.descent
        if descent.left_out > self._left_out_told:
            self._left_out_told = descent.left_out
            logger.warning("{} updates left out so far: {}", descent.left_out, descent.why)
        self._board["steps_lived"] = self._replay.steps
        numbers = {name: float(value) for name, value in self._metrics.items()}
        for name, number in numbers.items():
            if name in self._board:
                self._board[name] = number
        self._scalar("train/steps", self._replay.steps)
        for name, number in numbers.items():
            self._scalar(f"train/{name}", number)

    def _be_honest(self) -> None:
        """Compare what is dreamed with what is lived; say so loudly where f is being cheated."""
        learner, config = self._learner, self._config
        networks, horizon = learner.networks, config.dream.horizon
        if not isinstance(networks, Networks) or not self._replay.ready:
            return
        batch = self._replay.newest_windows(_HONESTY_WINDOWS, BURN_IN + horizon)
        if batch is None:
            return
        learner.noise.begin(config.seed, learner.updates)
        scale = learner.surprise_scale
        found = measure_honesty(networks, batch, self._num_actions, config, scale, learner.noise)
        if found is None:
            return
        self._board["honesty_measured"] += 1
        for name in ("dreamed", "lived", "replayed"):
            returns = getattr(found, name)
            self._board[f"return_{name}"] = float(returns[-1])
            for steps in sorted({1, 2, 5, 10, 15, 25, 50, 100, horizon}):
                if steps <= horizon:
                    tag = f"honesty_{steps:03d}_steps/{name}"
                    self._scalar(tag, float(returns[steps - 1]))
        if self._own_life and self._conscience.hear(found):
            logger.warning(
                "the policy begins to cheat its dream: {} steps promise {:.2f} and pay {:.2f} (the "
                "dream of the same actions: {:.2f})",
                horizon,
                float(found.dreamed[-1]),
                float(found.lived[-1]),
                float(found.replayed[-1]),
            )

    def _draw(self, version: int) -> None:
        """Measure the one-step prediction on held-out Steps, and renew view.png."""
        learner, board = self._learner, self._board
        networks = learner.networks
        if not self._has_image or not self._replay.ready or not isinstance(networks, Networks):
            return
        caption = f"step {self._replay.steps}   update {learner.updates}   weights {version}"
        if self._measure(networks):
            caption += (
                f"   one-step PSNR {board['psnr_model']:.1f} dB (last frame "
                f"{board['psnr_last_frame']:.1f}, mean frame {board['psnr_mean_frame']:.1f})"
            )
        window = self._replay.newest(VIEW_LENGTH)
        if window.vector.shape[1] == VIEW_LENGTH:
            learner.noise.begin(self._config.seed, learner.updates)
            picture = draw_view(networks, window, self._num_actions, learner.noise, caption)
            write_view(self._run.view, picture)

    def _measure(self, networks: Networks) -> bool:
        """Whether there was anything to measure by."""
        learner, replay = self._learner, self._replay
        held_out = replay.held_out(_PSNR_WINDOWS, _PSNR_LENGTH)
        trained_on = replay.trained_on(_PSNR_WINDOWS, _PSNR_LENGTH)
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
