"""Measurements of the world model: return gap, prediction error and dream picture."""

from dataclasses import asdict

from loguru import logger

from agent.networks.agent_networks import Networks
from agent.networks.noise import TorchNoise
from configs.schema import Config
from interfaces.core.sense_map import sense_map
from interfaces.core.spaces import Spaces
from interfaces.runtime.run_folder import RunFolder
from trainer.data.replay_buffer import ReplayBuffer
from trainer.evaluation.prediction_error import PredictionPsnr, prediction_psnr
from trainer.evaluation.return_gap import BURN_IN, ReturnGapAlarm, measure_return_gap
from trainer.learners.learner import Learner
from trainer.running.dream_picture import PICTURE_STEPS, draw_dream_picture, write_dream_picture
from trainer.running.metrics_sink import MetricsSink

_PSNR_WINDOWS, _PSNR_LENGTH = 16, 16
_RETURN_GAP_WINDOWS = 32
_RETURN_GAP_STEPS = (1, 2, 5, 10, 15, 25, 50, 100)  # horizons of the curves


class ModelReport:
    """Measures the networks of a learner on recorded Steps. Without a world model it does nothing.

    The measurements have a noise of their own: a draw from the learner's noise would change what
    the learner does next.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        spaces: Spaces,
        learner: Learner,
        replay: ReplayBuffer,
        sink: MetricsSink,
        *,
        own_experience: bool,
    ) -> None:
        """`own_experience`: see LearningReport."""
        self._run, self._config, self._sink = run, config, sink
        self._learner, self._replay = learner, replay
        self._own_experience = own_experience
        self._num_actions, self._has_image = spaces.num_actions, spaces.has_image
        self._senses = sense_map(config.world, spaces.features)
        self._noise = TorchNoise(next(learner.networks.parameters()).device)
        self._alarm = ReturnGapAlarm()

    def measure_gap(self) -> None:
        """Measures the return gap; logs a warning once it is certain that the policy exploits f."""
        learner, config = self._learner, self._config
        networks, horizon = learner.networks, config.dream.horizon
        if not isinstance(networks, Networks) or not self._replay.ready:
            return
        batch = self._replay.newest_windows(_RETURN_GAP_WINDOWS, BURN_IN + horizon)
        if batch is None:
            return
        noise = self._fresh_noise()
        scale = learner.surprise_scale
        gap = measure_return_gap(networks, batch, self._num_actions, config, scale, noise)
        if gap is None:
            return
        metrics: dict[str, float] = {}
        curves = {"dreamed": gap.dreamed, "recorded": gap.recorded, "replayed": gap.replayed}
        for name, returns in curves.items():
            metrics[f"return_gap/{name}"] = float(returns[-1])
            for steps in sorted({*_RETURN_GAP_STEPS, horizon}):
                if steps <= horizon:
                    metrics[f"return_gap/{name}_{steps:03d}"] = float(returns[steps - 1])
        self._sink.write(metrics | {"return_gap/gap": gap.gap}, learner.updates)
        if self._own_experience and self._alarm.update(gap):
            logger.warning(
                "the policy exploits errors of the world model: over {} steps the dreamed return "
                "is {:.2f}, the recorded return {:.2f} (dreamed with the recorded actions: {:.2f})",
                horizon,
                float(gap.dreamed[-1]),
                float(gap.recorded[-1]),
                float(gap.replayed[-1]),
            )

    def measure_prediction(self, version: int) -> None:
        """Measures the one-step prediction on held-out Steps and renews view.png.

        `version`: of the weights, for the caption. Raises OSError if view.png cannot be written.
        """
        learner, networks = self._learner, self._learner.networks
        if not (self._has_image or self._senses) or not self._replay.ready:
            return
        if not isinstance(networks, Networks):
            return
        caption = f"step {self._replay.steps}   update {learner.updates}   weights {version}"
        psnr = self._prediction_psnr(networks) if self._has_image else None
        if psnr is not None:
            values = asdict(psnr)
            names = {"model/psnr": "model"} | {
                f"model/psnr_{key}": key for key in ("last_frame", "mean_frame")
            }
            self._sink.write({name: values[key] for name, key in names.items()}, learner.updates)
            caption += (
                f"   one-step PSNR {psnr.model:.1f} dB (last frame {psnr.last_frame:.1f}, "
                f"mean frame {psnr.mean_frame:.1f})"
            )
        window = self._replay.last_window(PICTURE_STEPS)
        if window.vector.shape[1] == PICTURE_STEPS:
            noise = self._fresh_noise()
            picture = draw_dream_picture(
                networks, window, self._num_actions, noise, caption, self._senses
            )
            self._sink.write_picture("dream/picture", picture, learner.updates)
            write_dream_picture(self._run.view, picture)

    def _prediction_psnr(self, networks: Networks) -> PredictionPsnr | None:
        """None if there are too few Steps for a measurement."""
        held_out = self._replay.held_out_windows(_PSNR_WINDOWS, _PSNR_LENGTH)
        trained_on = self._replay.training_windows(_PSNR_WINDOWS, _PSNR_LENGTH)
        if held_out is None or trained_on is None:
            return None
        noise = self._fresh_noise()
        return prediction_psnr(networks, held_out, trained_on, self._num_actions, noise)

    def _fresh_noise(self) -> TorchNoise:
        """The noise of the report, seeded by the update: a measurement can be repeated."""
        self._noise.begin(self._config.seed, self._learner.updates)
        return self._noise
