"""Several bodies of one brain, each in a world of its own, which think together in lockstep.

One journal holds what all of them live. It is one line of time, so each life enters it in pieces:
whole episodes, or so many steps of one, cut at the end and begun anew.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from agent.acting.body import Body, NewerWeights
from agent.acting.brain import Brain
from agent.networks.dynamics import State
from agent.networks.noise import CounterNoise, RowsNoise
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import Beat, Clock
from interfaces.journal.step_writer import Scribe, moment_dtype
from interfaces.runtime.control_arbitration import NoControls
from interfaces.runtime.lockstep_worlds import APART, LockstepWorld

PIECE = 128  # steps of a life that enter the journal together, at most
_SHORTEST = 8


class Piece:
    """What one body lived and the journal has not seen yet."""

    def __init__(self, moments: np.dtype[np.void], scribe: Scribe) -> None:
        self._moments = np.zeros(PIECE, moments)
        self._scribe = scribe
        self._begins = False  # a later part of a life that was cut
        self.steps = 0

    def take(self, moment: NDArray[np.void]) -> None:
        """Remember one moment, and hand over what is whole."""
        self._moments[self.steps] = moment
        step = self._moments[self.steps]["step"]
        if self._begins:  # as at any beginning, nothing is paid: what earned it stands elsewhere
            step["is_first"], step["reward"] = True, 0.0
            self._begins = False
        self.steps += 1
        if step["is_last"] or self.steps == len(self._moments):
            self.hand_over()

    def go_on(self) -> None:
        """What comes next is a later part of a life that was handed over."""
        self._begins = True

    def hand_over(self) -> None:
        """Give the journal what there is, its end cut where life goes on."""
        if not self.steps:
            return
        last = self._moments[self.steps - 1]["step"]
        self._begins = not last["is_last"]
        last["is_last"] = True
        for i in range(self.steps):
            self._scribe.take(self._moments[i, ...])
        self.steps = 0


class Choir:
    """The bodies of a run in lockstep: one, whose steps go straight to the journal, or several."""

    def __init__(
        self,
        config: Config,
        worlds: Sequence[LockstepWorld],
        brain: Brain,
        scribe: Scribe,
        weights: NewerWeights,
        clock: Clock,
    ) -> None:
        self._seed, self._brain, self._weights, self._clock = config.seed, brain, weights, clock
        moments = moment_dtype(worlds[0].spaces, brain.feature_size)
        alone = len(worlds) == 1
        self._pieces = [] if alone else [Piece(moments, scribe) for _ in worlds]
        self.bodies = [
            Body(config, world, brain, memory, weights, NoControls(), clock)
            for world, memory in zip(worlds, [scribe] if alone else self._pieces, strict=True)
        ]
        self.state: State = brain.initial(len(worlds))

    @property
    def waiting(self) -> int:
        """Steps lived that the journal has not seen yet."""
        return sum(piece.steps for piece in self._pieces)

    @property
    def worth_it(self) -> bool:
        """Whether pieces are long enough to be cut: each loses the answer to its last step."""
        return self.waiting >= _SHORTEST * len(self._pieces)

    def take_weights(self) -> None:
        """Let all of them flip to newer weights if some wait."""
        began, newer = self._clock.now(), self._weights.take_newer()
        if newer is not None:
            for body in self.bodies:
                body.wear(newer, began)

    def tick(self, beat: Beat) -> None:
        """One beat of all of them. Where a world raises BadInput, those before it have lived the
        beat, and those behind it have not."""
        before, done = self.state, 0
        looks = [body.look(beat) for body in self.bodies]
        noise = RowsNoise(
            [CounterNoise(self._seed + APART * i, b.ticks) for i, b in enumerate(self.bodies)]
        )
        self.state, decisions = self._brain.step_together(
            self.state, [look.observation for look in looks], noise
        )
        try:
            for body, look, decision in zip(self.bodies, looks, decisions, strict=True):
                body.finish(look, decision)
                done += 1
        except BadInput:
            parts = zip(self.state, before, strict=True)
            self.state = State(*(torch.cat([new[:done], old[done:]]) for new, old in parts))
            raise

    def hand_over(self) -> None:
        """Let the journal have all that was lived."""
        for piece in self._pieces:
            piece.hand_over()

    def rest(self) -> None:
        for body in self.bodies:
            body.world.rest()

    def snapshot(self) -> list[dict[str, int]]:
        """What resumed bodies need beside their recurrent state, as JSON; all is handed over."""
        return [body.snapshot() for body in self.bodies]

    def restore(self, state: State, snapshots: Sequence[dict[str, int]]) -> None:
        """Go on from a snapshot as if never stopped."""
        self.state = state
        for body, snapshot in zip(self.bodies, snapshots, strict=True):
            body.restore(snapshot)
        for piece in self._pieces:
            piece.go_on()
