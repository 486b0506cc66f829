"""A life thought through again, tick by tick: by the weights that lived it, or by others.

What was recorded is what was seen, felt and heard; the noise is keyed by (seed, tick): so the same
weights must decide the same, bit for bit, on the same machine and versions on a CPU.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agent.acting.brain import newest, perceive, sane
from agent.networks.agent_networks import ActingNetworks
from agent.networks.dynamics import State
from agent.networks.noise import CounterNoise
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.world import Observation, Situation
from interfaces.runtime.run_folder import RunFolder

# The networks for a version of the weights, or why there are none.
NetworksOf = Callable[[int], ActingNetworks | str]
_NONE: Mapping[int, State] = {}
_FORGOTTEN = "forgotten"


class Thought(NamedTuple):
    """What one tick's state led to. surprise: KL(posterior || prior), nats; 0 without a model."""

    action: NDArray[np.float32]
    chosen: NDArray[np.float32]
    log_prob: float
    value: float
    surprise: float


@dataclass(frozen=True)
class Difference:
    """Where a replay decided otherwise than the life."""

    index: int
    tick: int
    version: int
    what: str
    recorded: list[float]
    replayed: list[float]

    def __str__(self) -> str:
        return (
            f"step {self.index} (tick {self.tick}, weights {self.version}): {self.what} was "
            f"{self.recorded}, replayed {self.replayed}"
        )


@dataclass
class Verdict:
    """Of a whole life. `unverified`: ticks that could not be, by why. `missing`: what of the life
    was not there to be looked at, in words."""

    ticks: int = 0
    verified: int = 0
    differing: int = 0
    first: Difference | None = None
    unverified: Counter[str] = field(default_factory=Counter[str])
    missing: list[str] = field(default_factory=list[str])

    def to_json(self) -> dict[str, object]:
        return {
            "ticks": self.ticks,
            "verified": self.verified,
            "differing": self.differing,
            "first_difference": None if self.first is None else vars(self.first),
            "unverified": dict(self.unverified),
            "missing": self.missing,
        }


def require_one_world(run: RunFolder) -> None:
    """Raises BadInput for a run of several: their Steps lie between each other."""
    if run.config.world.gymnasium.worlds > 1:
        raise BadInput(f"{run.path}: several worlds share its journal; one life only is replayed")


def verify(
    steps: Iterable[NDArray[np.void]],
    networks_of: NetworksOf,
    config: Config,
    progress: Callable[[int], None] = lambda _: None,
    keyframes: Mapping[int, State] = _NONE,
) -> Verdict:
    """Think every Step again and compare what the policy chose, and its log-probability."""
    found = Verdict()
    for step, thought in think_along(steps, networks_of, config, keyframes):
        found.ticks += 1
        if isinstance(thought, str):
            found.unverified[thought] += 1
        else:
            found.verified += 1
            difference = _compare(step, thought)
            if difference is not None:
                found.differing += 1
                found.first = found.first or difference
        progress(found.ticks)
    return found


@torch.inference_mode()
def think_along(
    steps: Iterable[NDArray[np.void]],
    networks_of: NetworksOf,
    config: Config,
    keyframes: Mapping[int, State] = _NONE,
    *,
    begins_anew: bool = False,
) -> Iterator[tuple[NDArray[np.void], Thought | str]]:
    """Each Step with its thought, or with why there is none. It begins at an is_first that the body
    lived (after what is missing it had a memory, which nobody knows now), or after a keyframe: the
    state (1, ...) after a Step, by its index. `begins_anew`: a brain that did not live it, and has
    no memory that could be missing."""
    state: State | None = None
    before: int | None = None  # the tick before
    lost = "what was before it is not there"
    for step in steps:
        tick, version = int(step["tick"]), int(step["weights_version"])
        situation = int(step["situation"])
        if before is not None and tick > before + 1:
            state, lost = None, "steps are missing"
        before = tick
        if situation & Situation.FORGOTTEN:
            state, lost = None, _FORGOTTEN
            yield step, _FORGOTTEN
            continue
        if situation & Situation.AFTER_GAP:
            state, lost = None, lost or "steps are missing"
        elif step["is_first"]:
            lost = ""
        if begins_anew:
            lost = ""
        networks = networks_of(version) if state is not None or not lost else lost
        if isinstance(networks, str):
            yield step, _until(lost) if lost else networks
            state = keyframes.get(int(step["index"]))
            lost = networks if state is None else ""
            continue
        if state is None:
            state = networks.dynamics.initial(1)
        observation = observation_of(step)
        noise = CounterNoise(config.seed, tick)
        observed = perceive(networks, state, [observation], noise)
        state = sane(networks, newest(observed))
        choice = networks.policy(state.feature, noise)
        yield (
            step,
            Thought(
                action=choice.action[0].numpy(),
                chosen=choice.chosen[0].numpy(),
                log_prob=float(choice.log_prob[0]),
                value=float(networks.value(state.feature)[0]),
                surprise=float(networks.dynamics.surprise(observed)[0, 0]),
            ),
        )


def _until(lost: str) -> str:
    until = "beginning" if lost == _FORGOTTEN else "beginning or keyframe"  # they are forgotten too
    return f"its memory is not known until the next {until}: {lost}"


def observation_of(step: NDArray[np.void]) -> Observation:
    """What the body saw at a recorded Step."""
    names = step.dtype.names or ()
    return Observation(
        image=np.ascontiguousarray(step["image"]),
        vector=np.ascontiguousarray(step["vector"]),
        is_first=bool(step["is_first"]),
        sound=np.ascontiguousarray(step["sound"]) if "sound" in names else None,
    )


def _compare(step: NDArray[np.void], thought: Thought) -> Difference | None:
    pairs = {
        "chosen": (step["chosen"], thought.chosen),
        "log_prob": (np.float32(step["log_prob"]), np.float32(thought.log_prob)),
    }
    for what, (recorded, replayed) in pairs.items():
        if not np.array_equal(recorded, replayed, equal_nan=True):
            told = (np.atleast_1d(recorded).tolist(), np.atleast_1d(replayed).tolist())
            return Difference(
                int(step["index"]), int(step["tick"]), int(step["weights_version"]), what, *told
            )
    return None
