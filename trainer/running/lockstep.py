"""World and learner in turn, as fast as the machine allows: the same Body, Journal and Learner as
in life, a virtual clock, and bit-identical for a seed on CPU."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from agent.acting.body_process import prepare_brain
from agent.networks.agent_networks import acting_shapes, flatten_acting
from agent.networks.dynamics import State
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import Pacer
from interfaces.core.spaces import Spaces
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter, recoverable_end
from interfaces.journal.latent_snapshots import open_keyframes
from interfaces.journal.step_writer import Scribe, moment_dtype
from interfaces.runtime.lockstep_worlds import LockstepWorld
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.weights import Manifest, WeightsWriter, go_back
from trainer.data.replay_buffer import Replay
from trainer.learners.learner import make_learner
from trainer.running.checkpoints import (
    Checkpoint,
    CheckpointError,
    Checkpoints,
    learner_tensors,
    mend,
    restore_learner,
)
from trainer.running.device import choose_device, keep_heap
from trainer.running.learning_report import Report
from trainer.running.vector_body import Choir


def _check_run(
    run: RunFolder, checkpoint: Checkpoint, spaces: Spaces, worlds: Sequence[LockstepWorld]
) -> None:
    """Raises CheckpointError when the journal ends before the checkpoint goes on, an older Yume
    made it, or it lived in another number of worlds."""
    if "worlds" not in checkpoint.extra:
        raise CheckpointError(
            f"{run.path}: its checkpoint knows no world to go on in: it learned from --sessions, "
            "or an older Yume made it"
        )
    lived = len(checkpoint.extra["worlds"])
    if lived != len(worlds):
        raise CheckpointError(
            f"{run.path}: world.gymnasium.worlds is {len(worlds)}, and its checkpoint goes on in "
            f"{lived}"
        )
    end = recoverable_end(run.journal, spaces)
    if end < checkpoint.steps:
        raise CheckpointError(
            f"{run.path}: the checkpoint goes on from step {checkpoint.steps}, but the journal "
            f"ends, or is damaged, at step {end}; nothing was changed"
        )


class Lockstep:
    """A run in lockstep, in one world or in several side by side, which one journal follows. With
    `resume`, goes on exactly where its newest checkpoint was.

    Raises RunError, CheckpointError and JournalError for a run that cannot be resumed; `run` raises
    BadInput where a world fails.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        worlds: Sequence[LockstepWorld],
        *,
        resume: bool = False,
    ) -> None:
        torch.set_num_threads(config.trainer.threads)
        torch.set_flush_denormal(True)
        keep_heap()
        if resume and run.processes.exists():
            raise RunError(f"{run.path} has lived in real time: go on with run --resume {run.path}")
        self._config, self._worlds = config, worlds
        self._clock, spaces = worlds[0].clock, worlds[0].spaces
        self.board = Board(run.board, create=True)
        device = choose_device(config.device)
        self.learner = make_learner(spaces, config, device)
        self._checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
        checkpoint = self._checkpoints.to_go_on() if resume else None
        if checkpoint is not None:  # what does not fit is refused before anything is touched
            restore_learner(self.learner, checkpoint)
            _check_run(run, checkpoint, spaces, worlds)
        # The weights in force are those of the checkpoint, not of whatever came after it.
        go_back(run.weights, checkpoint.version if checkpoint else 0)
        self._weights = WeightsWriter(run.weights, Manifest(acting_shapes(self.learner.networks)))
        self._journal = JournalWriter(
            run.journal,
            spaces,
            segment_steps=config.journal.segment_steps,
            max_steps=config.journal.max_steps,
            background=False,
        )
        at = checkpoint.steps if checkpoint else 0
        self.dropped = max(0, self._journal.next_index - at)  # lived since then, and not learned
        self._journal.truncate(at)
        if checkpoint is not None:
            for world, kept in zip(worlds, checkpoint.extra["worlds"], strict=True):
                world.restore(kept)
        brain, self._reader = prepare_brain(spaces, config, run)
        keyframes = None
        if len(worlds) == 1:  # else their Steps lie between each other, and nobody replays them
            keyframes = open_keyframes(run.keyframes, brain.feature_size, self._journal.next_index)
        scribe = Scribe(
            self._journal,
            self.board,
            moment_dtype(spaces, brain.feature_size),
            keyframes=keyframes,
            background=False,
        )
        self.choir = Choir(config, worlds, brain, scribe, self._reader, self._clock)
        self._version = 0
        self._acting = flatten_acting(self.learner.networks)
        if checkpoint is None:
            self._publish()
        else:
            self._restore_body(checkpoint)
        beats_done = self.choir.bodies[0].ticks
        self._pacer = Pacer(self._clock, config.beat.hz, beats_done=beats_done)
        self._replay = Replay(JournalReader(run.journal), spaces, config, device)
        self._report = Report(run, config, spaces, self.learner, self._replay, self.board)

    @property
    def steps(self) -> int:
        """Lived so far, by all together."""
        return self._journal.next_index + self.choir.waiting

    def run(self, steps: int, progress: Callable[[int], None], stopped: Callable[[], bool]) -> None:
        """Live and learn until `steps` have been lived in all, or stopped; then save."""
        every = self._config.trainer.checkpoint_steps
        saved_at = self.steps
        try:
            self._learn(stopped)  # what a stop in the middle of it has left
            while (before := self.steps) < steps and not stopped():
                self._tick()
                self._learn(stopped)
                progress(self.steps)
                if self.steps // every > before // every:
                    self.save()
                    saved_at = self.steps
                    self.learner.published(self._version)
                    self._learn(stopped)  # of what saving has handed over, as a resume does
            if self.steps != saved_at:
                self.save()
            self._report.finish(self._version)
        finally:
            self.choir.rest()
            self._journal.close()
            self._reader.stop()

    def _tick(self) -> None:
        """One beat. A world that fails ends the life, and what was lived until then is kept."""
        try:
            self.choir.tick(self._pacer.wait())
        except BadInput as error:
            try:
                self.save()
            except OSError as trouble:
                raise BadInput(f"{error}; and it could not be saved: {trouble}") from error
            raise

    def _learn(self, stopped: Callable[[], bool]) -> None:
        """What is due; what a stop leaves of it is due when the run is resumed."""
        learner = self.learner
        if 0 < learner.look_at <= self.steps and self.choir.worth_it:
            self.choir.hand_over()
        self._replay.refresh()
        while not stopped() and (metrics := learner.learn(self._replay)) is not None:
            self._report.took(metrics)
            if learner.descent.in_a_row >= self._config.trainer.patience:
                mend(learner, self._checkpoints)
            if learner.updates % learner.publish_updates == 0:
                self._acting = flatten_acting(learner.networks)
                self._publish()
            self._report.every_second(self._version)

    def _publish(self) -> None:
        self._version += 1
        self._weights.publish(self._acting, self._version, round(self._clock.now() * 1e9))
        self._reader.poll()
        self.choir.take_weights()  # now: a version not taken would keep the next one out
        self._reader.save_applied()  # what acts is kept: it can be replayed
        self.learner.published(self._version)
        self.board["weights_published"] += 1

    def save(self) -> None:
        """A checkpoint of everything: learner, weights in force, bodies and worlds."""
        self.choir.hand_over()
        tensors = learner_tensors(self.learner)
        tensors["acting/flat"] = torch.from_numpy(self._acting.copy())
        tensors["body/deter"], tensors["body/stoch"] = (
            part.clone().contiguous() for part in self.choir.state
        )
        self._checkpoints.save(
            Checkpoint(
                tensors,
                self.steps,
                self.learner.updates,
                self._version,
                {
                    "worlds": [world.snapshot() for world in self._worlds],
                    "bodies": self.choir.snapshot(),
                },
                self.learner.descent.in_a_row,
            )
        )

    def _restore_body(self, checkpoint: Checkpoint) -> None:
        self._version = checkpoint.version - 1
        self._acting = np.ascontiguousarray(checkpoint.tensors["acting/flat"].numpy())
        self._publish()
        self.choir.restore(
            State(checkpoint.tensors["body/deter"], checkpoint.tensors["body/stoch"]),
            checkpoint.extra["bodies"],
        )
