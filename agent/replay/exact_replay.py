"""Recomputes the decisions of a recorded run, tick by tick, and compares them.

The record holds every observation, and the noise is keyed by (seed, tick). So the same weights
give the same decisions bit for bit, on the same machine and library versions, on a CPU.

Shapes: A actions.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agent.acting.brain import filter_observations, last_state, reset_nonfinite_rows
from agent.networks.agent_networks import ActingNetworks
from agent.networks.dynamics import LatentState
from agent.networks.noise import CounterNoise
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.world import Observation, Situation
from interfaces.runtime.run_folder import RunFolder

# The networks of a version of the weights, or the reason why there are none.
NetworkLookup = Callable[[int], ActingNetworks | str]
_NO_SNAPSHOTS: Mapping[int, LatentState] = {}
_FORGOTTEN = "forgotten"
_STEPS_MISSING = "steps are missing"


class ReplayedDecision(NamedTuple):
    """The recomputed decision of one tick.

    `action` and `chosen` are (A,) as in Decision. `log_prob` is in nats. `surprise` is
    KL(posterior || prior) in nats, 0 without a model.
    """

    action: NDArray[np.float32]
    chosen: NDArray[np.float32]
    log_prob: float
    value: float
    surprise: float


@dataclass(frozen=True)
class Difference:
    """A Step whose replayed decision differs from the record. `what` names the field."""

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
class ReplayReport:
    """The result of a replay.

    `unverified` counts the ticks without a decision, by reason. `missing` describes the parts of
    the run that were not available.
    """

    ticks: int = 0
    verified: int = 0
    differing: int = 0
    first_difference: Difference | None = None
    unverified: Counter[str] = field(default_factory=Counter[str])
    missing: list[str] = field(default_factory=list[str])

    def to_json(self) -> dict[str, object]:
        """The report as JSON."""
        first = self.first_difference
        return {
            "ticks": self.ticks,
            "verified": self.verified,
            "differing": self.differing,
            "first_difference": None if first is None else vars(first),
            "unverified": dict(self.unverified),
            "missing": self.missing,
        }


def require_one_world(run: RunFolder) -> None:
    """Raises BadInput for a run in several worlds: their Steps are interleaved in the journal."""
    if run.config.world.gymnasium.worlds > 1:
        raise BadInput(
            f"{run.path}: several worlds share the journal; replay needs a run in one world"
        )


def verify(
    steps: Iterable[NDArray[np.void]],
    network_lookup: NetworkLookup,
    config: Config,
    progress: Callable[[int], None] = lambda _: None,
    latent_snapshots: Mapping[int, LatentState] = _NO_SNAPSHOTS,
) -> ReplayReport:
    """Replay every Step and compare the raw sample and its log-probability with the record.

    `progress` receives the number of ticks so far. The other arguments are those of
    replay_decisions.
    """
    report = ReplayReport()
    for step, replayed in replay_decisions(steps, network_lookup, config, latent_snapshots):
        report.ticks += 1
        if isinstance(replayed, str):
            report.unverified[replayed] += 1
        else:
            report.verified += 1
            difference = _compare(step, replayed)
            if difference is not None:
                report.differing += 1
                report.first_difference = report.first_difference or difference
        progress(report.ticks)
    return report


@torch.inference_mode()
def replay_decisions(
    steps: Iterable[NDArray[np.void]],
    network_lookup: NetworkLookup,
    config: Config,
    latent_snapshots: Mapping[int, LatentState] = _NO_SNAPSHOTS,
    *,
    assume_fresh_memory: bool = False,
) -> Iterator[tuple[NDArray[np.void], ReplayedDecision | str]]:
    """Yield each Step with its recomputed decision, or with the reason why there is none.

    A decision needs the memory of the body. It is known from a recorded is_first on, unless the
    flag only marks missing Steps (Situation.AFTER_GAP). It is also known after a latent snapshot:
    `latent_snapshots` maps the index of a Step to the state (1, ...) after it.
    `assume_fresh_memory` is for networks that did not act in the run: where the memory is unknown,
    they start from the initial state.
    """
    state: LatentState | None = None
    previous_tick: int | None = None
    unknown_because = "earlier steps are missing"  # empty where the memory is known
    for step in steps:
        tick, version = int(step["tick"]), int(step["weights_version"])
        situation = int(step["situation"])
        if previous_tick is not None and tick > previous_tick + 1:
            state, unknown_because = None, _STEPS_MISSING
        previous_tick = tick
        if situation & Situation.FORGOTTEN:
            state, unknown_because = None, _FORGOTTEN
            yield step, _FORGOTTEN
            continue
        if situation & Situation.AFTER_GAP:
            state, unknown_because = None, unknown_because or _STEPS_MISSING
        elif step["is_first"]:
            unknown_because = ""
        if assume_fresh_memory:
            unknown_because = ""
        known = state is not None or not unknown_because
        networks = network_lookup(version) if known else unknown_because
        if isinstance(networks, str):
            yield step, _memory_unknown(unknown_because) if unknown_because else networks
            state = latent_snapshots.get(int(step["index"]))
            unknown_because = networks if state is None else ""
            continue
        if state is None:
            state = networks.dynamics.initial(1)
        observation = observation_from_step(step)
        noise = CounterNoise(config.seed, tick)
        observed = filter_observations(networks, state, [observation], noise)
        state = reset_nonfinite_rows(networks, last_state(observed))
        output = networks.policy(state.feature, noise)
        yield (
            step,
            ReplayedDecision(
                action=output.action[0].numpy(),
                chosen=output.chosen[0].numpy(),
                log_prob=float(output.log_prob[0]),
                value=float(networks.value(state.feature)[0]),
                surprise=float(networks.dynamics.surprise(observed)[0, 0]),
            ),
        )


def _memory_unknown(reason: str) -> str:
    # `forget` deletes latent snapshots too, so after it only a first step helps.
    until = "first step" if reason == _FORGOTTEN else "first step or latent snapshot"
    return f"memory unknown until the next {until}: {reason}"


def observation_from_step(step: NDArray[np.void]) -> Observation:
    """The observation of a recorded Step, a record of step_dtype with shape ()."""
    names = step.dtype.names or ()
    return Observation(
        image=np.ascontiguousarray(step["image"]),
        vector=np.ascontiguousarray(step["vector"]),
        is_first=bool(step["is_first"]),
        sound=np.ascontiguousarray(step["sound"]) if "sound" in names else None,
    )


def _compare(step: NDArray[np.void], decision: ReplayedDecision) -> Difference | None:
    pairs = {
        "chosen": (step["chosen"], decision.chosen),
        "log_prob": (np.float32(step["log_prob"]), np.float32(decision.log_prob)),
    }
    for what, (recorded, replayed) in pairs.items():
        if not np.array_equal(recorded, replayed, equal_nan=True):
            return Difference(
                int(step["index"]),
                int(step["tick"]),
                int(step["weights_version"]),
                what,
                np.atleast_1d(recorded).tolist(),
                np.atleast_1d(replayed).tolist(),
            )
    return None
