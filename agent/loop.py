"""The acting loop: one beat after another, whatever the rest of the house is doing."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from agent.brain import Brain, Decision
from agent.dynamics import State
from agent.networks import ActingNetworks
from configs.schema import Config
from interfaces.board import Board
from interfaces.clock import Beat, Clock, Pacer
from interfaces.journal import JournalWriter
from interfaces.rewards import LivedRewards
from interfaces.step import Sender, step_dtype
from interfaces.weights import Applied
from interfaces.world import Observation, Situation, World

_RESET_AFTER_SKIPPED = 2  # more beats skipped than this, and what follows is a new beginning


class NewerWeights(Protocol):
    """Where newer weights wait, ready to be flipped in."""

    def take_newer(self) -> Applied[ActingNetworks] | None: ...


class Gate(Protocol):
    """Whether the guard lets the body move."""

    def closed(self) -> bool: ...


class Body:
    """Senses, decides, acts and remembers, once a beat. Nothing here waits for another process."""

    def __init__(
        self,
        config: Config,
        world: World,
        brain: Brain,
        journal: JournalWriter,
        weights: NewerWeights,
        gate: Gate,
        board: Board,
        clock: Clock,
        *,
        explore: bool = True,
    ) -> None:
        spaces = world.spaces
        self.world, self.brain, self.journal = world, brain, journal
        self.state: State = brain.initial()
        self._weights, self._gate, self._board, self._clock = weights, gate, board, clock
        self._explore = explore
        self._rewards = LivedRewards(config.reward, spaces)
        self._nothing = np.zeros(spaces.num_actions, np.float32)
        self._step = np.zeros((), step_dtype(spaces))  # scratch, reused every beat
        self._version = 0
        self._begin_anew = True
        self.ticks = journal.next_index
        self._histograms = {
            name: board.histogram(name)
            for name in ("lateness", "frame_age", "decide", "swap", "publish_to_act")
        }

    def tick(self, beat: Beat) -> None:
        """One beat, begun at its deadline."""
        self.take_weights()
        began = self._clock.now()
        lateness_s = began - beat.deadline_s
        observation = self.world.observe()
        observation.is_first |= (
            self._begin_anew or beat.skipped > _RESET_AFTER_SKIPPED or self.journal.gap_pending
        )
        self.state, decision = self.brain.step(
            self.state, observation, self.ticks, explore=self._explore
        )
        decided = self._clock.now()
        self._act(observation, decision)
        self._record(observation, decision, beat, began, lateness_s, decided - began)

    def take_weights(self) -> None:
        """Flip to newer weights if some wait."""
        began = self._clock.now()
        newer = self._weights.take_newer()
        if newer is None:
            return
        self.brain.load(newer.networks)
        ended = self._clock.now()
        self._version = newer.version
        self._histograms["swap"].add(ended - began)
        self._histograms["publish_to_act"].add(max(0.0, ended - newer.publish_ns * 1e-9))
        self._board["weights_version"] = newer.version
        self._board["weights_applied"] += 1

    def snapshot(self) -> dict[str, int]:
        """What a resumed body needs beside its recurrent state, as JSON."""
        return {"ticks": self.ticks, "begin_anew": int(self._begin_anew)}

    def restore(self, state: State, snapshot: dict[str, int]) -> None:
        """Go on from a snapshot as if never stopped."""
        self.state = state
        self.ticks = snapshot["ticks"]
        self._begin_anew = bool(snapshot["begin_anew"])

    def warm_up(self) -> None:
        """Think a few times before living: first calls allocate, and would be late beats."""
        observation = self.world.observe()
        for tick in range(5):
            self.brain.step(self.brain.initial(), observation, tick)

    def _act(self, observation: Observation, decision: Decision) -> None:
        """Send the action; behind a closed gate send nothing, and begin anew when it opens."""
        step = self._step
        if self._gate.closed():
            observation.situation |= Situation.FENCED
            self._begin_anew = True
            self.world.forget()
            step["action"], step["sender"] = self._nothing, Sender.SAFETY
            return
        self._begin_anew = observation.is_last
        step["action"], step["sender"] = self.world.act(decision.action), Sender.POLICY

    def _record(
        self,
        observation: Observation,
        decision: Decision,
        beat: Beat,
        began: float,
        lateness_s: float,
        decide_s: float,
    ) -> None:
        step, board = self._step, self._board
        step["monotonic_ns"], step["wall_ns"] = round(began * 1e9), self._clock.wall_ns()
        step["frame_number"], step["frame_age_s"] = (
            observation.frame_number,
            observation.frame_age_s,
        )
        step["tick"] = self.ticks
        step["weights_version"], step["skipped"] = self._version, beat.skipped
        step["situation"], step["lateness_s"] = int(observation.situation), lateness_s
        step["decide_s"], step["log_prob"] = decide_s, decision.log_prob
        step["is_first"], step["is_last"] = observation.is_first, observation.is_last
        step["is_terminal"], step["world_reward"] = observation.is_terminal, observation.reward
        step["reward"] = self._rewards.of(observation)
        step["vector"], step["chosen"] = observation.vector, decision.chosen
        step["image"] = observation.image
        self.journal.append(step)
        self.ticks += 1

        self._histograms["lateness"].add(lateness_s)
        self._histograms["decide"].add(decide_s)
        if Situation.NO_FRAME in observation.situation:
            board["no_frame"] += 1
        else:
            self._histograms["frame_age"].add(observation.frame_age_s)
        reward = step["reward"]
        board["reward_parameters"] += reward[0]
        board["reward_action_cost"] += reward[1]
        board["reward_world"] += reward[2]
        board["reward_now"], board["value_now"] = reward.sum(), decision.value
        shown = step["action"][:16]
        board["action"] = np.concatenate([shown, np.zeros(16 - shown.size, np.float32)])
        board["late_s"], board["frame_age_s"] = lateness_s, observation.frame_age_s
        board["missed_beats"] += beat.skipped
        board["journal_dropped"] = self.journal.dropped
        board["ticks"] += 1
        board.beat("body")


def act(body: Body, pacer: Pacer, stopped: Callable[[], bool], between: Callable[[], None]) -> None:
    """Live until stopped, then let go of every input: VRChat holds the last one sent."""
    try:
        while not stopped():
            beat = pacer.wait()
            body.tick(beat)
            between()
    finally:
        body.world.rest()
