"""How well does a frozen policy live? Episodes in lockstep, common seeds, returns, spread."""

import math
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table

from agent.brain import Brain
from agent.networks import build_networks
from configs.errors import BadInput
from configs.schema import Config
from interfaces.rewards import LIVED_TERMS, LivedRewards
from interfaces.run_folder import RunFolder
from interfaces.standin.lockstep import LockstepStandin
from interfaces.standin.walkers import Oracle, StickyRandom
from interfaces.world import World
from trainer.checkpoints import CheckpointError, Checkpoints, load_networks

Which = Literal["trained", "greedy", "random", "sticky", "oracle"]
POLICIES: tuple[Which, ...] = get_args(Which)


@dataclass(frozen=True)
class Evaluation:
    """Undiscounted lived returns of each episode; ci95 is the half width of the mean's interval."""

    policy: str
    steps: int
    updates: int
    seed: int
    episodes: int
    episode_steps: int
    return_mean: float
    return_std: float
    ci95: float
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
    """Episode i lives in the world of seed + i. `random` is uniform over the actions, held a beat;
    `sticky` and `oracle` are the floor and the ceiling of the stand-in (its walkers module).

    Raises CheckpointError when the run has no checkpoint yet, BadInput for an oracle elsewhere.
    """
    checkpoint = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep).newest()
    if checkpoint is None:
        raise CheckpointError(f"{run.path} has no checkpoint yet: train it first")
    returns: list[float] = []
    terms = np.zeros(len(LIVED_TERMS))
    for episode in range(episodes):
        world = make_world(seed + episode)
        networks = build_networks(world.spaces, config.model, config.seed)
        load_networks(networks, checkpoint)
        seeded = config.model_copy(update={"seed": seed + episode})
        brain = Brain(world.spaces, seeded, networks.eval())
        lived = _episode(brain, world, config, seed + episode, which)
        world.close()
        returns.append(float(lived.sum()))
        terms += lived
        progress(episode + 1)
    spread = statistics.stdev(returns) if episodes > 1 else 0.0
    return Evaluation(
        policy=which,
        steps=checkpoint.steps,
        updates=checkpoint.updates,
        seed=seed,
        episodes=episodes,
        episode_steps=config.evaluate.episode_steps,
        return_mean=statistics.fmean(returns),
        return_std=spread,
        ci95=1.96 * spread / math.sqrt(episodes),
        returns=returns,
        terms={name: float(v) / episodes for name, v in zip(LIVED_TERMS, terms, strict=True)},
    )


def table(result: Evaluation) -> Table:
    """For people."""
    shown = Table(title=f"{result.policy} policy, {result.updates} updates, {result.steps} steps")
    shown.add_column("")
    shown.add_column("return", justify="right")
    for i, value in enumerate(result.returns):
        shown.add_row(f"episode {i} (seed {result.seed + i})", f"{value:.3f}")
    shown.add_section()
    shown.add_row("mean ± 95 % interval", f"{result.return_mean:.3f} ± {result.ci95:.3f}")
    shown.add_row("std", f"{result.return_std:.3f}")
    for name, value in result.terms.items():
        shown.add_row(f"of which {name}", f"{value:.3f}")
    return shown


@torch.inference_mode()
def _episode(brain: Brain, world: World, config: Config, seed: int, which: Which) -> np.ndarray:
    """Sum of each lived reward term over one episode."""
    rewards = LivedRewards(config.reward, world.spaces)
    random = np.random.Generator(np.random.Philox(key=seed))
    total = np.zeros(len(LIVED_TERMS))
    walk = _walker(which, world, seed)
    state = brain.initial()
    for tick in range(config.evaluate.episode_steps):
        observation = world.observe()
        total += rewards.of(observation)
        if observation.is_last:
            break
        if which == "random":
            action = random.uniform(-1, 1, world.spaces.num_actions).astype(np.float32)
        elif walk is not None:
            action = walk()
        else:
            state, decision = brain.step(state, observation, tick, explore=which == "trained")
            action = decision.action
        world.act(action)
    return total


def _walker(which: Which, world: World, seed: int) -> Callable[[], NDArray[np.float32]] | None:
    if which == "sticky":
        return StickyRandom(world.spaces, seed).act
    if which != "oracle":
        return None
    if not isinstance(world, LockstepStandin):
        raise BadInput("--policy oracle: only the stand-in tells the truth")
    return Oracle(world).act
