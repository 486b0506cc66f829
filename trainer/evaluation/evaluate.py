"""How well does a frozen policy live? Episodes in lockstep, common seeds, returns, spread."""

import math
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np
import torch
from loguru import logger
from numpy.typing import NDArray
from rich.table import Table

from agent.acting.brain import think_together
from agent.networks.agent_networks import ActingNetworks, build_for
from agent.networks.noise import CounterNoise, RowsNoise
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.rewards import LIVED_TERMS, LivedRewards
from interfaces.core.world import World
from interfaces.runtime.run_folder import RunFolder
from interfaces.standin.baselines import Oracle, StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin
from trainer.running.checkpoints import CheckpointError, Checkpoints, load_networks

Which = Literal["trained", "greedy", "random", "sticky", "still", "oracle"]
_AT_ONCE = 100  # episodes that live side by side
_LONGEST = 100_000  # steps of an episode that should end by itself, and does not
POLICIES: tuple[Which, ...] = get_args(Which)


@dataclass(frozen=True)
class Evaluation:
    """Undiscounted lived returns of each episode; ci95 is the half width of the mean's interval
    (Student's t), None for a single episode, which says nothing of it; episode_steps None where the
    world itself ends its episodes."""

    policy: str
    steps: int
    updates: int
    seed: int
    episodes: int
    episode_steps: int | None
    return_mean: float
    return_std: float
    ci95: float | None
    returns: list[float]
    terms: dict[str, float]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def evaluate(
    run: RunFolder,
    config: Config,
    make_world: Callable[[int], World],
    *,
    episodes: int,
    seed: int,
    which: Which = "trained",
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """The newest checkpoint of a run, as evaluate_networks has it.

    Raises CheckpointError when the run has no checkpoint yet, BadInput for an oracle elsewhere.
    """
    checkpoint = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep).to_go_on()
    if checkpoint is None:
        raise CheckpointError(f"{run.path} has no checkpoint yet: train it first")
    probe = make_world(seed)
    networks = build_for(probe.spaces, config)
    probe.close()
    load_networks(networks, checkpoint)
    lived = live_episodes(
        networks.eval(), config, make_world, episodes, seed, which=which, progress=progress
    )
    return summarise(lived, config, which, seed, checkpoint.steps, checkpoint.updates)


def live_episodes(
    networks: ActingNetworks | None,
    config: Config,
    make_world: Callable[[int], World],
    episodes: int,
    seed: int,
    *,
    which: Which = "trained",
    progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float64]:
    """Each lived reward term, summed over each episode: (episodes, terms). Networks: None where
    nobody thinks.

    Episode i lives in the world of seed + i, whatever lives beside it. `random` is uniform over the
    actions, held a beat; `sticky` and `oracle` are the floor and the ceiling of the stand-in (its
    walkers module); `still` has every input at rest, which of choices is the first. Raises
    BadInput for an oracle elsewhere, and where what was paid is no number.
    """
    found: list[NDArray[np.float64]] = []
    most = _AT_ONCE if config.world.kind == "gymnasium" else 1  # pictures fill memory
    while len(found) < episodes:
        first = seed + len(found)
        worlds = [make_world(first + i) for i in range(min(most, episodes - len(found)))]
        try:
            before = len(found)
            ended = lambda count, before=before: progress(before + count)  # noqa: E731
            found += _live_together(networks, worlds, config, first, which, ended)
        finally:
            for world in worlds:
                world.close()
    return np.stack(found)


def summarise(
    lived: NDArray[np.float64], config: Config, which: Which, seed: int, steps: int, updates: int
) -> Evaluation:
    returns = [float(total) for total in lived.sum(1)]
    spread = statistics.stdev(returns) if len(returns) > 1 else 0.0
    return Evaluation(
        policy=which,
        steps=steps,
        updates=updates,
        seed=seed,
        episodes=len(returns),
        episode_steps=None if _ends_itself(config) else config.evaluate.episode_steps,
        return_mean=statistics.fmean(returns),
        return_std=spread,
        ci95=half_width(spread, len(returns)),
        returns=returns,
        terms={k: float(v) for k, v in zip(LIVED_TERMS, lived.mean(0), strict=True)},
    )


def _ends_itself(config: Config) -> bool:
    return config.world.kind == "gymnasium"


def half_width(spread: float, count: int) -> float | None:
    """Of the 95 % interval of a mean of so many values with this standard deviation."""
    return student_t(count - 1) * spread / math.sqrt(count) if count > 1 else None


def student_t(freedom: int, inside: float = 0.95) -> float:
    """The t with P(|T| <= t) = inside, for `freedom` degrees of freedom: the sum over cosines of
    Abramowitz & Stegun 26.7.3 and 26.7.4, by bisection."""

    def share(t: float) -> float:
        angle = math.atan2(t, math.sqrt(freedom))
        sine, cosine = math.sin(angle), math.cos(angle)
        odd = freedom % 2
        term = cosine if odd else 1.0
        total = term if freedom > 1 else 0.0
        for k in range(3 if odd else 2, freedom - 1, 2):
            term *= (k - 1) / k * cosine**2
            total += term
        return (angle + sine * total) * 2.0 / math.pi if odd else sine * total

    low, high = 0.0, 1e3
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if share(middle) < inside else (low, middle)
    return high


def table(result: Evaluation) -> Table:
    """For people."""
    shown = Table(title=f"{result.policy} policy, {result.updates} updates, {result.steps} steps")
    shown.add_column("")
    shown.add_column("return", justify="right")
    for i, value in enumerate(result.returns):
        shown.add_row(f"episode {i} (seed {result.seed + i})", f"{value:.3f}")
    shown.add_section()
    around = "?" if result.ci95 is None else f"{result.ci95:.3f}"
    shown.add_row("mean ± 95 % interval", f"{result.return_mean:.3f} ± {around}")
    shown.add_row("std", f"{result.return_std:.3f}")
    for name, value in result.terms.items():
        shown.add_row(f"of which {name}", f"{value:.3f}")
    return shown


@torch.inference_mode()
def _live_together(
    networks: ActingNetworks | None,
    worlds: list[World],
    config: Config,
    seed: int,
    which: Which,
    ended: Callable[[int], None],
) -> list[NDArray[np.float64]]:
    """One episode of each world, thought about all at once; says how many have ended."""
    rewards = LivedRewards(config.reward, worlds[0].spaces)
    totals = [np.zeros(len(LIVED_TERMS)) for _ in worlds]
    walks = [_walker(which, world, seed + i) for i, world in enumerate(worlds)]
    over = [False] * len(worlds)
    state = None if networks is None else networks.dynamics.initial(len(worlds))
    most = _LONGEST if _ends_itself(config) else config.evaluate.episode_steps
    tick = 0
    while not all(over) and tick < most:
        seen = [world.observe() for world in worlds]
        for i, observation in enumerate(seen):
            if not over[i]:
                paid = rewards.of(observation)
                if not np.isfinite(paid).all():
                    told = ", ".join(f"{k} {v}" for k, v in zip(LIVED_TERMS, paid, strict=True))
                    raise BadInput(
                        f"episode of seed {seed + i}, step {tick}: its reward is no number ({told})"
                    )
                totals[i] += paid
                over[i] = observation.is_last
                if over[i]:
                    ended(sum(over))
        thought = None
        if networks is not None and state is not None and which in ("trained", "greedy"):
            noise = RowsNoise([CounterNoise(seed + i, tick) for i in range(len(worlds))])
            state, thought = think_together(
                networks, state, seen, noise, explore=which == "trained"
            )
        for i, world in enumerate(worlds):
            if not over[i]:
                walk = walks[i]
                world.act(thought[i] if thought is not None else walk())
        tick += 1
    if _ends_itself(config) and not all(over):
        logger.warning(
            "{} of {} episodes did not end within {} steps, and were cut",
            over.count(False),
            len(over),
            most,
        )
    ended(len(over))
    return totals


def _walker(which: Which, world: World, seed: int) -> Callable[[], NDArray[np.float32]]:
    """What acts without thought."""
    if which == "sticky":
        return StickyRandom(world.spaces, seed).act
    if which == "still":
        return lambda: np.zeros(world.spaces.num_actions, np.float32)
    if which == "oracle":
        if not isinstance(world, LockstepStandin):
            raise BadInput("--policy oracle: only the stand-in tells the truth")
        return Oracle(world).act
    random = np.random.Generator(np.random.Philox(key=seed))
    return lambda: world.spaces.sample_actions(random, 1)[0]
