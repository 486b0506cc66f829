"""The body loop: observe, decide, act and record, once per tick."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.acting.brain import Brain, Decision
from agent.networks.agent_networks import ActingNetworks
from agent.networks.dynamics import LatentState
from configs.schema import Config
from interfaces.core.clock import Clock, Pacer, Tick
from interfaces.core.rewards import StepRewards, step_layout
from interfaces.core.step import Sender, value_field, weight_field
from interfaces.core.world import Observation, Situation, World
from interfaces.journal.step_writer import tick_record_dtype
from interfaces.runtime.control_arbitration import ControlDecision, ControlMode
from interfaces.weights import Applied

_NO_INPUT_IN = Situation.STOPPED | Situation.FORBIDDEN  # not even from a person
_RESTART_AFTER = Situation.FENCED | Situation.PAUSED
_RELEASES_IN = (ControlMode.FENCED, ControlMode.UNGUARDED, ControlMode.AFTER_GAP)
_RESTART_AFTER_SKIPPED = 2  # after more skipped ticks than this, the next Step is a first one


class NewerWeights(Protocol):
    """A source of newer weights that never waits."""

    def take_newer(self) -> Applied[ActingNetworks] | None:
        """The newest weights since the last call, or None."""
        ...


class ControlSource(Protocol):
    """Says what controls the avatar at this tick: the policy, a person or a safety rule."""

    def decide(self) -> ControlDecision:
        """The controller, and its action where it is not the policy."""
        ...


class StepSink(Protocol):
    """Receives the record of every tick: the step writer, or a buffer in front of it."""

    def append(self, tick_record: NDArray[np.void], /) -> None:
        """Copy a record of tick_record_dtype, shape (). The body reuses its memory."""
        ...


@dataclass(frozen=True, slots=True)
class TickInput:
    """The observation at the start of a tick. Times are those of the body's clock, in seconds."""

    observation: Observation
    tick: Tick
    began_s: float
    lateness_s: float


class Body:
    """Runs one agent in one world: observe, decide, act, record. No call here waits for I/O.

    `ticks` counts the ticks of the run and keys the acting noise. `state` is the recurrent state
    (1, ...) of the brain.
    """

    def __init__(
        self,
        config: Config,
        world: World,
        brain: Brain,
        steps: StepSink,
        weights: NewerWeights,
        control: ControlSource,
        clock: Clock,
        *,
        ticks: int = 0,
    ) -> None:
        spaces = world.spaces
        self.world, self.brain = world, brain
        self.state: LatentState = brain.initial()
        self.ticks = ticks
        self._steps, self._weights, self._control, self._clock = steps, weights, control, clock
        self._rewards = StepRewards(config.reward, spaces)
        self._neutral = np.zeros(spaces.num_actions, np.float32)
        # One record, filled again at every tick.
        layout = step_layout(config.reward, spaces)
        self._tick_record = np.zeros((), tick_record_dtype(layout, brain.feature_size))
        self._step = self._tick_record["step"]
        self._reward_fields = [value_field(term) for term in layout.reward_terms]
        for term, weight in zip(self._rewards.names, self._rewards.weights, strict=True):
            self._step[weight_field(term)] = weight
        self._next_is_first = True

    def tick(self, tick: Tick) -> None:
        """Run one tick, which starts at its deadline."""
        self.take_newer_weights()
        tick_input = self.observe(tick)
        self.state, decision = self.brain.step(self.state, tick_input.observation, self.ticks)
        self.finish(tick_input, decision)

    def observe(self, tick: Tick) -> TickInput:
        """The first half of a tick: read the world."""
        began_s = self._clock.now()
        observation = self.world.observe()
        observation.is_first |= self._next_is_first or tick.skipped > _RESTART_AFTER_SKIPPED
        return TickInput(observation, tick, began_s, began_s - tick.deadline_s)

    def finish(self, tick_input: TickInput, decision: Decision) -> None:
        """The second half of a tick: act on the decision and record the Step."""
        decided_s = self._clock.now()
        self._act(tick_input.observation, decision)
        self._record(tick_input, decision, decided_s - tick_input.began_s)

    def take_newer_weights(self) -> None:
        """Switch to newer weights if there are any."""
        began_s = self._clock.now()
        newer = self._weights.take_newer()
        if newer is not None:
            self.apply_weights(newer, began_s)

    def apply_weights(self, newer: Applied[ActingNetworks], began_s: float) -> None:
        """Act with these weights from now on. The switch began at clock time `began_s`."""
        self.brain.load(newer.networks)
        ended_s, tick_record = self._clock.now(), self._tick_record
        tick_record["swapped"] += 1
        tick_record["swap_s"] = ended_s - began_s
        tick_record["publish_to_act_s"] = max(0.0, ended_s - newer.publish_ns * 1e-9)
        self._step["weights_version"] = newer.version

    def snapshot(self) -> dict[str, int]:
        """What a resumed body needs besides its recurrent state, as JSON."""
        return {"ticks": self.ticks, "begin_anew": int(self._next_is_first)}

    def restore(self, snapshot: dict[str, int]) -> None:
        """Resume from a snapshot as if there had been no interruption."""
        self.ticks = snapshot["ticks"]
        self._next_is_first = bool(snapshot["begin_anew"])

    def warm_up(self) -> None:
        """Run the brain a few times before the first tick: the first calls allocate and are slow.

        The body's own state does not change.
        """
        observation = self.world.observe()
        for tick in range(5):
            self.brain.step(self.brain.initial(), observation, tick)

    def _act(self, observation: Observation, decision: Decision) -> None:
        """Send the action of the controller of this tick, or release every input."""
        mode, requested = self._control.decide()
        action, sender = decision.action, Sender.POLICY
        if mode in _RELEASES_IN:
            observation.situation |= Situation.FENCED
            action, sender = None, Sender.SAFETY
        elif mode is ControlMode.PAUSED:
            observation.situation |= Situation.PAUSED
            action, sender = requested, Sender.SAFETY
        elif mode is ControlMode.HUMAN:
            action, sender = requested, Sender.HUMAN
        elif observation.resting:
            action, sender = None, Sender.SAFETY
        if observation.situation & _NO_INPUT_IN:
            action, sender = None, Sender.SAFETY
        step = self._step
        step["sender"] = sender
        if action is not None:
            step["action"] = self.world.act(action)
        else:
            step["action"] = self._neutral
            if mode is ControlMode.FENCED:
                # The guard has released the inputs: a body that resumes late must send nothing.
                self.world.forget()
            else:
                self.world.rest()
        # Last, because where the world raises, this tick is not recorded and must not change it.
        self._next_is_first = observation.is_last or bool(observation.situation & _RESTART_AFTER)

    def _record(self, tick_input: TickInput, decision: Decision, decide_s: float) -> None:
        observation = tick_input.observation
        step, tick_record = self._step, self._tick_record
        step["monotonic_ns"] = round(tick_input.began_s * 1e9)
        step["wall_ns"] = self._clock.wall_ns()
        step["frame_number"] = observation.frame_number
        step["frame_age_s"] = observation.frame_age_s
        step["tick"], step["skipped"] = self.ticks, tick_input.tick.skipped
        step["situation"], step["lateness_s"] = int(observation.situation), tick_input.lateness_s
        step["decide_s"], step["log_prob"] = decide_s, decision.log_prob
        step["is_first"], step["is_last"] = observation.is_first, observation.is_last
        step["is_terminal"], step["world_reward"] = observation.is_terminal, observation.reward
        for name, value in zip(self._reward_fields, self._rewards.of(observation), strict=True):
            step[name] = value
        step["vector"], step["chosen"] = observation.vector, decision.chosen
        step["image"] = observation.image
        if observation.sound is not None:
            step["sound"] = observation.sound
        if observation.sound_raw is not None:
            step["sound_raw"] = observation.sound_raw
        tick_record["value"], tick_record["feature"] = decision.value, decision.feature
        self._steps.append(tick_record)
        tick_record["swapped"] = 0
        self.ticks += 1


def act(body: Body, pacer: Pacer, stopped: Callable[[], bool]) -> None:
    """Run ticks until `stopped`, then release every input: VRChat holds the last one sent."""
    try:
        while not stopped():
            body.tick(pacer.wait())
    finally:
        body.world.rest()
