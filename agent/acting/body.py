"""The acting loop: one beat after another, whatever the rest of the house is doing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.acting.brain import Brain, Decision
from agent.networks.agent_networks import ActingNetworks
from agent.networks.dynamics import State
from configs.schema import Config
from interfaces.core.clock import Beat, Clock, Pacer
from interfaces.core.rewards import LivedRewards
from interfaces.core.step import Sender
from interfaces.core.world import Observation, Situation, World
from interfaces.journal.step_writer import moment_dtype
from interfaces.runtime.control_arbitration import Order, Will
from interfaces.weights import Applied

_NOT_EVEN_HUMANS = Situation.STOPPED | Situation.FORBIDDEN
_ANEW_AFTER = Situation.FENCED | Situation.PAUSED
_RESET_AFTER_SKIPPED = 2  # more beats skipped than this, and what follows is a new beginning


class NewerWeights(Protocol):
    """Where newer weights wait, ready to be flipped in."""

    def take_newer(self) -> Applied[ActingNetworks] | None: ...


class Orders(Protocol):
    """Whose will counts at this beat."""

    def order(self) -> Order: ...


class Memory(Protocol):
    """Where moments go: the scribe, or what stands before it."""

    def take(self, moment: NDArray[np.void]) -> None: ...


@dataclass(frozen=True, slots=True)
class Look:
    """What a beat began with; times of the body's clock, seconds."""

    observation: Observation
    beat: Beat
    began: float
    lateness_s: float


class Body:
    """Senses, decides, acts and remembers, once a beat. Nothing here waits, not even for a page."""

    def __init__(
        self,
        config: Config,
        world: World,
        brain: Brain,
        memory: Memory,
        weights: NewerWeights,
        orders: Orders,
        clock: Clock,
        *,
        ticks: int = 0,
    ) -> None:
        spaces = world.spaces
        self.world, self.brain = world, brain
        self.state: State = brain.initial()
        self.ticks = ticks
        self._memory, self._weights, self._orders, self._clock = memory, weights, orders, clock
        self._rewards = LivedRewards(config.reward, spaces)
        self._nothing = np.zeros(spaces.num_actions, np.float32)
        self._moment = np.zeros(
            (), moment_dtype(spaces, brain.feature_size)
        )  # scratch, reused every beat
        self._step = self._moment["step"]
        self._begin_anew = True

    def tick(self, beat: Beat) -> None:
        """One beat, begun at its deadline."""
        self.take_weights()
        look = self.look(beat)
        self.state, decision = self.brain.step(self.state, look.observation, self.ticks)
        self.finish(look, decision)

    def look(self, beat: Beat) -> Look:
        """The first half of a beat: what is seen."""
        began = self._clock.now()
        observation = self.world.observe()
        observation.is_first |= self._begin_anew or beat.skipped > _RESET_AFTER_SKIPPED
        return Look(observation, beat, began, began - beat.deadline_s)

    def finish(self, look: Look, decision: Decision) -> None:
        """The second: do what was decided, and remember the beat."""
        decided = self._clock.now()
        self._act(look.observation, decision)
        self._record(look, decision, decided - look.began)

    def take_weights(self) -> None:
        """Flip to newer weights if some wait."""
        began = self._clock.now()
        newer = self._weights.take_newer()
        if newer is not None:
            self.wear(newer, began)

    def wear(self, newer: Applied[ActingNetworks], began: float) -> None:
        """Act with these from now on; `began`: when the flip did."""
        self.brain.load(newer.networks)
        ended, moment = self._clock.now(), self._moment
        moment["swapped"] += 1
        moment["swap_s"] = ended - began
        moment["publish_to_act_s"] = max(0.0, ended - newer.publish_ns * 1e-9)
        self._step["weights_version"] = newer.version

    def snapshot(self) -> dict[str, int]:
        """What a resumed body needs beside its recurrent state, as JSON."""
        return {"ticks": self.ticks, "begin_anew": int(self._begin_anew)}

    def restore(self, snapshot: dict[str, int]) -> None:
        """Go on from a snapshot as if never stopped."""
        self.ticks = snapshot["ticks"]
        self._begin_anew = bool(snapshot["begin_anew"])

    def warm_up(self) -> None:
        """Think a few times before living: first calls allocate, and would be late beats."""
        observation = self.world.observe()
        for tick in range(5):
            self.brain.step(self.brain.initial(), observation, tick)

    def _act(self, observation: Observation, decision: Decision) -> None:
        """Let act whose will counts; where nobody may, rest. What follows on that begins anew."""
        will, wanted = self._orders.order()
        action, sender = decision.action, Sender.POLICY
        if will is Will.FENCED or will is Will.UNGUARDED:
            observation.situation |= Situation.FENCED
            action, sender = None, Sender.SAFETY
        elif will is Will.PAUSED:
            observation.situation |= Situation.PAUSED
            action, sender = wanted, Sender.SAFETY
        elif will is Will.HUMAN:
            action, sender = wanted, Sender.HUMAN
        elif observation.resting:
            action, sender = None, Sender.SAFETY
        if observation.situation & _NOT_EVEN_HUMANS:
            action, sender = None, Sender.SAFETY
        step = self._step
        step["sender"] = sender
        if action is not None:
            step["action"] = self.world.act(action)
        else:
            step["action"] = self._nothing
            if will is Will.FENCED:
                self.world.forget()  # the guard has let go: a body that wakes late sends nothing
            else:
                self.world.rest()
        # Not before: in a world that fails this beat has not been lived.
        self._begin_anew = observation.is_last or bool(observation.situation & _ANEW_AFTER)

    def _record(self, look: Look, decision: Decision, decide_s: float) -> None:
        observation = look.observation
        step, moment = self._step, self._moment
        step["monotonic_ns"], step["wall_ns"] = round(look.began * 1e9), self._clock.wall_ns()
        step["frame_number"], step["frame_age_s"] = (
            observation.frame_number,
            observation.frame_age_s,
        )
        step["tick"], step["skipped"] = self.ticks, look.beat.skipped
        step["situation"], step["lateness_s"] = int(observation.situation), look.lateness_s
        step["decide_s"], step["log_prob"] = decide_s, decision.log_prob
        step["is_first"], step["is_last"] = observation.is_first, observation.is_last
        step["is_terminal"], step["world_reward"] = observation.is_terminal, observation.reward
        step["reward"] = self._rewards.of(observation)
        step["vector"], step["chosen"] = observation.vector, decision.chosen
        step["image"] = observation.image
        if observation.sound is not None:
            step["sound"] = observation.sound
        if observation.sound_raw is not None:
            step["sound_raw"] = observation.sound_raw
        moment["value"], moment["feature"] = decision.value, decision.feature
        self._memory.take(moment)
        moment["swapped"] = 0
        self.ticks += 1


def act(body: Body, pacer: Pacer, stopped: Callable[[], bool]) -> None:
    """Live until stopped, then let go of every input: VRChat holds the last one sent."""
    try:
        while not stopped():
            body.tick(pacer.wait())
    finally:
        body.world.rest()
