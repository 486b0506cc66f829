"""Offline training: learning from imported recordings, without an environment."""

import threading
import time
from collections.abc import Callable

import torch

from agent.networks.agent_networks import Networks, acting_shapes, flatten_acting
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.learning_methods import learning_method
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, read_layout
from interfaces.runtime.run_folder import RunFolder
from interfaces.weights import Manifest, WeightsWriter
from trainer.data.replay_buffer import ReplayBuffer
from trainer.data.train_ratio import TrainRatio
from trainer.learners.checkpoints import Checkpoint, Checkpoints
from trainer.learners.registry import make_learner
from trainer.learners.restore import learner_tensors, restore_last_good, restore_learner
from trainer.objectives.world_model_loss import world_model_loss
from trainer.running.device import choose_torch_device, keep_freed_memory
from trainer.running.learning_report import LearningReport
from trainer.running.session_import import ImportedSteps, too_few_steps

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


class OfflineTrainer:
    """A learner with recordings to learn from. It resumes from the checkpoints of the run."""

    def __init__(self, run: RunFolder, config: Config, imported: ImportedSteps) -> None:
        """Raises BadInput for an on-policy method and for too few Steps.

        Raises CheckpointError if the checkpoint does not fit, and DeviceUnavailable.
        """
        require_off_policy(config)
        torch.set_num_threads(config.trainer.threads)
        torch.set_flush_denormal(True)
        keep_freed_memory()
        self._run, self._config = run, config
        layout = read_layout(run.journal)
        assert layout is not None  # the import wrote it
        spaces = layout.spaces
        device = choose_torch_device(config.device)
        self.board = Board(run.board, create=True)
        # All Steps exist already: the train ratio does not limit the updates, and the newest
        # Steps are not sampled more often.
        unlimited = config.trainer.model_copy(
            update={"train_ratio": _NO_RATIO_LIMIT, "recent": 0.0}
        )
        offline_config = config.model_copy(update={"trainer": unlimited})
        self.learner = make_learner(spaces, offline_config, device)
        self._checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
        newest = self._checkpoints.newest_or_fail()
        if newest is not None:
            restore_learner(self.learner, newest)
        self._weights = WeightsWriter(run.weights, Manifest(acting_shapes(self.learner.networks)))
        self._version = max(self._weights.last_version, newest.version if newest else 0)
        reader = JournalReader(run.journal)
        self._replay = ReplayBuffer(
            reader, spaces, offline_config, device, held_out_from=imported.held_out_from
        )
        self._report = LearningReport(
            run, config, spaces, self.learner, self._replay, self.board, own_experience=False
        )
        self._num_actions = spaces.num_actions
        self._allowed_by_ratio = TrainRatio(config.trainer).due(self._replay.steps, 0)
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
        learner, trainer = self.learner, self._config.trainer
        next_save = time.perf_counter() + trainer.checkpoint_s
        while learner.updates < updates and not stopped.is_set():
            metrics = learner.learn(self._replay)
            if metrics is None:
                break
            self._report.record_update(metrics)
            if learner.guarded_step.consecutive_skips >= trainer.patience:
                restore_last_good(learner, self._checkpoints)
            self._report.write_due(self._version)
            progress(learner.updates)
            if time.perf_counter() >= next_save:
                self.save()
                next_save = time.perf_counter() + trainer.checkpoint_s
        self.save()
        self._version += 1
        self._weights.publish(
            flatten_acting(learner.networks), self._version, time.perf_counter_ns()
        )
        self._report.finish(self._version)

    def update_report(self) -> None:
        """Writes the gauges that are due, so that the Board is current."""
        self._report.write_due(self._version)

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
        self.learner.noise.begin(config.seed, self.learner.updates)
        result = world_model_loss(
            networks,
            batch,
            self._num_actions,
            config,
            self.learner.surprise_scale,
            self.learner.noise,
        )
        return float(result.total)

    def save(self) -> None:
        """Saves a checkpoint. Raises OSError.

        In a run that resumes from it, the train ratio counts from here on. Updates beyond the ratio
        are free, and updates that the ratio would still allow are waived.
        """
        learner = self.learner
        free = learner.extra_state.get("ratio/free")
        if free is not None:
            free.fill_(learner.counted_updates - self._allowed_by_ratio)
        self._checkpoints.save(
            Checkpoint(
                learner_tensors(learner),
                self._replay.steps,
                learner.updates,
                self._version,
                consecutive_skips=learner.guarded_step.consecutive_skips,
            )
        )
