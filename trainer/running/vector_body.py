"""Several bodies with one brain, each in its own world, that decide together in lockstep.

All bodies write to one journal, which is a single sequence of Steps. Therefore the Steps of each
body enter it in fragments: whole episodes or parts of one. A part ends with a cut, and the next
part starts with `is_first`.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from agent.acting.body import Body, NewerWeights
from agent.acting.brain import Brain
from agent.networks.dynamics import LatentState
from agent.networks.noise import CounterNoise, PerRowNoise
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import Clock, Tick
from interfaces.core.rewards import step_layout
from interfaces.core.step import make_first
from interfaces.journal.step_writer import StepWriter, tick_record_dtype
from interfaces.runtime.control_arbitration import PolicyOnly
from interfaces.runtime.worlds import APART, LockstepWorld

FRAGMENT_STEPS = 128  # the maximum length of a fragment
_MIN_FLUSH_STEPS = 8  # mean length of the fragments from which on an early flush is worth a cut


class RolloutFragment:
    """The Steps of one body that are not in the journal yet."""

    def __init__(self, record_dtype: np.dtype[np.void], step_writer: StepWriter) -> None:
        """`record_dtype`: the tick_record_dtype of the records."""
        self._tick_records = np.zeros(FRAGMENT_STEPS, record_dtype)
        self._step_writer = step_writer
        self._continues_episode = False  # the next Step follows a cut within its episode
        self.steps = 0

    def append(self, tick_record: NDArray[np.void]) -> None:
        """Copies a record (). Flushes at the end of an episode and when the fragment is full."""
        self._tick_records[self.steps] = tick_record
        step = self._tick_records[self.steps]["step"]
        if self._continues_episode:
            # As in every first Step, the reward is 0: the action that caused it is not next to it.
            make_first(step)
            self._continues_episode = False
        self.steps += 1
        if step["is_last"] or self.steps == len(self._tick_records):
            self.flush()

    def mark_continued(self) -> None:
        """Declares that the next Step follows a cut, as after a resume."""
        self._continues_episode = True

    def flush(self) -> None:
        """Writes the Steps to the journal. If the episode continues, the last one is a cut."""
        if not self.steps:
            return
        last = self._tick_records[self.steps - 1]["step"]
        self._continues_episode = not last["is_last"]
        last["is_last"] = True
        for i in range(self.steps):
            self._step_writer.append(self._tick_records[i, ...])
        self.steps = 0


class VectorBody:
    """The bodies of a lockstep run. One body alone writes its Steps to the journal directly.

    `state`: the recurrent state (N, ...) of N bodies.
    """

    def __init__(
        self,
        config: Config,
        worlds: Sequence[LockstepWorld],
        brain: Brain,
        step_writer: StepWriter,
        weights: NewerWeights,
        clock: Clock,
    ) -> None:
        self._seed, self._brain, self._weights, self._clock = config.seed, brain, weights, clock
        layout = step_layout(config.reward, worlds[0].spaces)
        record_dtype = tick_record_dtype(layout, brain.feature_size)
        is_single = len(worlds) == 1
        self._fragments = (
            [] if is_single else [RolloutFragment(record_dtype, step_writer) for _ in worlds]
        )
        sinks = [step_writer] if is_single else self._fragments
        self.bodies = [
            Body(config, world, brain, sink, weights, PolicyOnly(), clock)
            for world, sink in zip(worlds, sinks, strict=True)
        ]
        self.state: LatentState = brain.initial(len(worlds))

    @property
    def pending_steps(self) -> int:
        """Steps of all bodies that are not in the journal yet."""
        return sum(fragment.steps for fragment in self._fragments)

    @property
    def worth_flushing(self) -> bool:
        """Whether the fragments are long enough to be cut.

        Each cut loses the outcome of one action.
        """
        return self.pending_steps >= _MIN_FLUSH_STEPS * len(self._fragments)

    def take_newer_weights(self) -> None:
        """Switches all bodies to newer weights if there are any."""
        began_s, newer = self._clock.now(), self._weights.take_newer()
        if newer is not None:
            for body in self.bodies:
                body.apply_weights(newer, began_s)

    def tick(self, tick: Tick) -> None:
        """Runs one tick of all bodies.

        Raises BadInput if a world fails. The bodies before it have then finished the tick; that
        body and those after it have not.
        """
        before, finished = self.state, 0
        inputs = [body.observe(tick) for body in self.bodies]
        noise = PerRowNoise(
            [CounterNoise(self._seed + APART * i, body.ticks) for i, body in enumerate(self.bodies)]
        )
        self.state, decisions = self._brain.step_batch(
            self.state, [tick_input.observation for tick_input in inputs], noise
        )
        try:
            for body, tick_input, decision in zip(self.bodies, inputs, decisions, strict=True):
                body.finish(tick_input, decision)
                finished += 1
        except BadInput:
            parts = zip(self.state, before, strict=True)
            self.state = LatentState(
                *(torch.cat([new[:finished], old[finished:]]) for new, old in parts)
            )
            raise

    def flush(self) -> None:
        """Writes all pending Steps to the journal."""
        for fragment in self._fragments:
            fragment.flush()

    def rest(self) -> None:
        """Releases every input in all worlds."""
        for body in self.bodies:
            body.world.rest()

    def snapshot(self) -> list[dict[str, int]]:
        """The content that resumed bodies need besides `state`, as JSON. Call `flush` first."""
        return [body.snapshot() for body in self.bodies]

    def restore(self, state: LatentState, snapshots: Sequence[dict[str, int]]) -> None:
        """Resumes from a snapshot as if there had been no interruption."""
        self.state = state
        for body, snapshot in zip(self.bodies, snapshots, strict=True):
            body.restore(snapshot)
        for fragment in self._fragments:
            fragment.mark_continued()
