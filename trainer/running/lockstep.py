"""Lockstep training: world and learner take turns as fast as the machine allows.

Body, journal and learner are those of a live run. The clock is virtual, so the same seed gives
bit-identical results on a CPU.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import numpy as np

from agent.acting.body_process import prepare_brain
from agent.networks.agent_networks import acting_shapes
from agent.networks.dynamics import LatentState
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import Pacer
from interfaces.core.rewards import step_layout
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter, recoverable_end
from interfaces.journal.latent_snapshots import open_latent_snapshots
from interfaces.journal.step_writer import StepWriter, tick_record_dtype
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.runtime.worlds import LockstepWorld
from interfaces.weights import Manifest, WeightsWriter, discard_versions_from
from trainer.data.replay_buffer import ReplayBuffer
from trainer.learners.checkpoints import Checkpoint, CheckpointError
from trainer.running.learner_setup import set_up_learner
from trainer.running.learning_report import LearningReport
from trainer.running.lockstep_context import LockstepContext
from trainer.running.training_loop import TrainingLoop
from trainer.running.vector_body import VectorBody


def _check_run(run: RunFolder, checkpoint: Checkpoint, worlds: Sequence[LockstepWorld]) -> None:
    """Raises CheckpointError if the run cannot be resumed from its checkpoint.

    That is so if the checkpoint holds no world, if the number of worlds differs, or if the journal
    ends before the checkpoint.
    """
    if not isinstance(checkpoint.extra.get("worlds"), list) or "bodies" not in checkpoint.extra:
        raise CheckpointError(
            f"{run.path}: its checkpoint holds no world to resume: it is from train --sessions or "
            "from an older Yume"
        )
    saved_worlds = len(checkpoint.extra["worlds"])
    if saved_worlds != len(worlds):
        raise CheckpointError(
            f"{run.path}: world.gymnasium.worlds is {len(worlds)}, but the checkpoint was saved "
            f"with {saved_worlds}"
        )
    end = recoverable_end(run.journal)
    if end < checkpoint.steps:
        raise CheckpointError(
            f"{run.path}: the checkpoint resumes at step {checkpoint.steps}, but the journal ends, "
            f"or is damaged, at step {end}; nothing was changed"
        )


@contextmanager
def _resuming(run: RunFolder) -> Generator[None]:
    """Raises CheckpointError where a saved state has another form than this version writes."""
    try:
        yield
    except BadInput:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(
            f"{run.path}: the world or body in its checkpoint cannot be resumed: {error!r}"
        ) from error


class LockstepTrainer:
    """A lockstep run in one world or in several worlds side by side, with one journal."""

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        worlds: Sequence[LockstepWorld],
        *,
        resume: bool = False,
    ) -> None:
        """`resume`: continue exactly where the newest checkpoint was saved.

        Raises RunError, CheckpointError and JournalError for a run that cannot be resumed. Raises
        DeviceUnavailable if the device cannot be used.
        """
        if resume and run.processes.exists():
            raise RunError(
                f"{run.path} is a run in real time: resume it with run --resume {run.path}"
            )
        self._config, self._worlds = config, worlds
        self._clock, spaces = worlds[0].clock, worlds[0].spaces
        self.board = Board(run.board, create=True)
        layout = step_layout(config.reward, spaces)
        setup = set_up_learner(run, config, spaces, resume=resume)
        self.learner, checkpoint = setup.learner, setup.restored
        if checkpoint is not None:  # checked before any file is changed
            _check_run(run, checkpoint, worlds)
        # The weights in force are those of the checkpoint; later versions are discarded.
        discard_versions_from(run.weights, checkpoint.version if checkpoint else 0)
        weights = WeightsWriter(run.weights, Manifest(acting_shapes(self.learner.networks)))
        self._journal = JournalWriter(
            run.journal,
            layout,
            segment_steps=config.journal.segment_steps,
            max_steps=config.journal.max_steps,
            background=False,
        )
        first_step = checkpoint.steps if checkpoint else 0
        # Steps that were recorded after the checkpoint; the learner does not know them.
        self.dropped_steps = max(0, self._journal.next_index - first_step)
        self._journal.truncate(first_step)
        if checkpoint is not None:
            with _resuming(run):
                for world, snapshot in zip(worlds, checkpoint.extra["worlds"], strict=True):
                    world.restore(snapshot)
        brain, self._reader = prepare_brain(spaces, config, run)
        latent_snapshots = None
        if len(worlds) == 1:  # several worlds interleave their Steps, and replay refuses the run
            latent_snapshots = open_latent_snapshots(
                run.latent_snapshots, brain.feature_size, self._journal.next_index
            )
        step_writer = StepWriter(
            self._journal,
            self.board,
            tick_record_dtype(layout, brain.feature_size),
            latent_snapshots=latent_snapshots,
            background=False,
        )
        self.vector_body = VectorBody(config, worlds, brain, step_writer, self._reader, self._clock)
        self._replay = ReplayBuffer(JournalReader(run.journal), spaces, config, setup.device)
        report = LearningReport(run, config, spaces, self.learner, self._replay, self.board)
        context = LockstepContext(
            worlds, self.vector_body, weights, self._reader, self._journal, self._clock
        )
        self._loop = TrainingLoop(
            config.trainer, setup, self._replay, report, context, self.board, version=0
        )
        if checkpoint is None:
            self._loop.publish()
        else:
            with _resuming(run):
                self._restore_body(checkpoint)
        ticks_done = self.vector_body.bodies[0].ticks
        self._pacer = Pacer(self._clock, config.tick.hz, ticks_done=ticks_done)

    @property
    def steps(self) -> int:
        """Environment steps so far, of all worlds together."""
        return self._journal.next_index + self.vector_body.pending_steps

    def run(self, steps: int, progress: Callable[[int], None], stopped: Callable[[], bool]) -> None:
        """Acts and learns until `steps` environment steps in total, or `stopped`; then saves.

        `progress` receives the number of steps so far. Raises BadInput if a world fails, and
        OSError if a checkpoint cannot be saved.
        """
        every = self._config.trainer.checkpoint_steps
        saved_at = self.steps
        try:
            self._learn(stopped)  # a stop may have left updates that were due
            while (before := self.steps) < steps and not stopped():
                self._tick()
                self._learn(stopped)
                progress(self.steps)
                if self.steps // every > before // every:
                    self.save()
                    saved_at = self.steps
                    self.learner.published(self._loop.version)
                    self._learn(stopped)  # a resumed run starts with the flushed Steps too
            if self.steps != saved_at:
                self.save()
            self._loop.finish()
        finally:
            self.vector_body.rest()
            self._journal.close()
            self._reader.stop()

    def _tick(self) -> None:
        """Runs one tick. If a world fails, the run is saved before the error is raised."""
        try:
            self.vector_body.tick(self._pacer.wait())
        except BadInput as error:
            try:
                self.save()
            except OSError as save_error:
                raise BadInput(f"{error}; and the run was not saved: {save_error}") from error
            raise

    def _learn(self, stopped: Callable[[], bool]) -> None:
        """Does the updates that are due. After a stop, the remaining ones are due on resume."""
        if 0 < self.learner.ready_at_step <= self.steps and self.vector_body.worth_flushing:
            self.vector_body.flush()
        self._replay.refresh()
        while not stopped() and self._loop.update():
            pass

    def save(self) -> None:
        """Saves a checkpoint of the learner, the weights in force, the bodies and the worlds.

        Raises OSError.
        """
        self._loop.save()

    def _restore_body(self, checkpoint: Checkpoint) -> None:
        self._loop.version = checkpoint.version - 1
        self._loop.publish(np.ascontiguousarray(checkpoint.tensors["acting/flat"].numpy()))
        self.vector_body.restore(
            LatentState(checkpoint.tensors["body/deter"], checkpoint.tensors["body/stoch"]),
            checkpoint.extra["bodies"],
        )
