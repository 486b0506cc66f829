"""Offline training: learning from imported recordings, without an environment."""

import threading
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.agent_networks import Networks, acting_shapes
from agent.networks.noise import TorchNoise
from configs.errors import BadInput
from configs.schema import Config
from configs.training import TrainerConfig
from interfaces.core.learning_methods import learning_method
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, read_layout
from interfaces.runtime.run_folder import RunFolder
from interfaces.weights import Manifest, WeightsWriter
from trainer.data.replay_buffer import ReplayBuffer
from trainer.data.train_ratio import TrainRatio
from trainer.learners.learner import Learner
from trainer.objectives.world_model_loss import world_model_loss
from trainer.running.learner_setup import set_up_learner
from trainer.running.learning_report import LearningReport
from trainer.running.session_import import ImportedSteps, too_few_steps
from trainer.running.training_loop import CheckpointContent, TrainingLoop

_NO_RATIO_LIMIT = 1e9
_MIN_UPDATES, _SAMPLES_PER_STEP = 1000, 3
_HELD_OUT_WINDOWS = 64


def default_updates(steps: int, config: Config) -> int:
    """The number of updates for so many Steps if `--updates` is not given.

    Each Step is sampled about three times, in at least 1,000 updates. It is never more than the
    train ratio allows for so many environment steps. No new experience corrects an offline policy:
    with twice as many updates its return was lower (docs/decisions/0017).
    """
    replayed_per_update = learning_method(config).replayed_per_update(config)
    by_ratio = steps * config.trainer.train_ratio / replayed_per_update
    by_samples = max(_MIN_UPDATES, _SAMPLES_PER_STEP * steps / replayed_per_update)
    return max(1, int(min(by_ratio, by_samples)))


def require_off_policy(config: Config) -> None:
    """Raises BadInput for a method that learns only from the steps of its own policy."""
    if not learning_method(config).off_policy:
        raise BadInput(
            f"method {config.method} learns only from steps of its current policy: it cannot use "
            "--sessions"
        )


class OfflineContext:
    """No body acts: the run only keeps its last weights, for a later live run."""

    publishes_during_training = False

    def __init__(
        self, config: TrainerConfig, weights: WeightsWriter, learner: Learner, replay: ReplayBuffer
    ) -> None:
        self._weights, self._learner, self._replay = weights, learner, replay
        self._allowed_by_ratio = TrainRatio(config).due(replay.steps, 0)

    def send_weights(self, flat: NDArray[np.float32], version: int) -> bool:
        """Writes the weights for a later live run. Raises WeightsError."""
        self._weights.publish(flat, version, time.perf_counter_ns())
        return True

    def checkpoint_content(self) -> CheckpointContent:
        """Nothing but the learner.

        In a run that resumes from it, the train ratio counts from here on. Updates beyond the ratio
        are free, and updates that the ratio would still allow are waived.
        """
        free = self._learner.extra_state.get("ratio/free")
        if free is not None:
            free.fill_(self._learner.counted_updates - self._allowed_by_ratio)
        return CheckpointContent(self._replay.steps)


class OfflineTrainer:
    """A learner with recordings to learn from. It resumes from the checkpoints of the run."""

    def __init__(self, run: RunFolder, config: Config, imported: ImportedSteps) -> None:
        """Raises BadInput for an on-policy method and for too few Steps.

        Raises CheckpointError if the checkpoint does not fit, and DeviceUnavailable.
        """
        require_off_policy(config)
        self._config = config
        layout = read_layout(run.journal)
        assert layout is not None  # the import wrote it
        spaces = layout.spaces
        self.board = Board(run.board, create=True)
        # All Steps exist already: the train ratio does not limit the updates, and the newest
        # Steps are not sampled more often.
        unlimited = config.trainer.model_copy(
            update={"train_ratio": _NO_RATIO_LIMIT, "recent": 0.0}
        )
        offline_config = config.model_copy(update={"trainer": unlimited})
        setup = set_up_learner(run, offline_config, spaces)
        self.learner, newest = setup.learner, setup.restored
        weights = WeightsWriter(run.weights, Manifest(acting_shapes(self.learner.networks)))
        version = max(weights.last_version, newest.version if newest else 0)
        reader = JournalReader(run.journal)
        self._replay = ReplayBuffer(
            reader, spaces, offline_config, setup.device, held_out_from=imported.held_out_from
        )
        report = LearningReport(
            run, config, spaces, self.learner, self._replay, self.board, own_experience=False
        )
        context = OfflineContext(config.trainer, weights, self.learner, self._replay)
        self._loop = TrainingLoop(
            config.trainer, setup, self._replay, report, context, self.board, version
        )
        self._noise = TorchNoise(setup.device)
        self._num_actions = spaces.num_actions
        if not self._replay.ready:
            raise too_few_steps(imported.steps, config)

    def default_updates(self) -> int:
        """The number of updates for the Steps that are not held out; see `default_updates`."""
        return default_updates(self._replay.held_out_from - self._replay.first, self._config)

    def run(self, updates: int, progress: Callable[[int], None], stopped: threading.Event) -> None:
        """Learns until `updates` in total, or `stopped`; then saves and publishes.

        `progress` receives the number of updates so far. Raises OSError if a checkpoint cannot be
        saved.
        """
        loop, learner = self._loop, self.learner
        while learner.updates < updates and not stopped.is_set():
            if not loop.update():
                break
            progress(learner.updates)
            if loop.save_is_due:
                loop.save()
        loop.save()
        loop.publish()
        loop.finish()

    def update_report(self) -> None:
        """Writes the metrics that are due, so that the Board is current."""
        self._loop.report_due()

    @torch.no_grad()
    def held_out_loss(self) -> float | None:
        """The world model loss on held-out Steps.

        None if no Steps are held out, or if the method does not use this loss.
        """
        networks, config = self.learner.networks, self._config
        length = config.trainer.length
        measurable = learning_method(config).uses_world_model_loss
        if not measurable or not isinstance(networks, Networks):
            return None
        batch = self._replay.held_out_windows(_HELD_OUT_WINDOWS, length)
        if batch is None:
            return None
        self._noise.begin(config.seed, self.learner.updates)
        result = world_model_loss(
            networks,
            batch,
            self._num_actions,
            config,
            self.learner.surprise_scale,
            self._noise,
        )
        return float(result.total)
