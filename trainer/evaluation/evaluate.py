"""Evaluation of a run's newest checkpoint: returns of episodes with common seeds."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from agent.networks.agent_networks import build_method_networks
from configs.schema import Config
from interfaces.core.rewards import by_group, make_reward_terms
from interfaces.core.world import World
from interfaces.runtime.run_folder import RunFolder
from trainer.evaluation.confidence import confidence_half_width
from trainer.evaluation.run_episodes import PolicyKind, run_episodes, world_ends_episodes
from trainer.learners.checkpoints import CheckpointError, Checkpoints
from trainer.learners.restore import load_networks, restore_newest


@dataclass(frozen=True)
class Evaluation:
    """Undiscounted returns of evaluation episodes.

    `steps`, `updates`: of the checkpoint.
    `seed`: of the first episode's world.
    `episode_steps`: None if the world itself ends its episodes.
    `return_std`: the sample standard deviation, 0 for a single episode.
    `ci95`: half the width of the mean's 95 % confidence interval (Student's t); None for a single
    episode.
    `terms`: the mean of each reward term's sum over an episode.
    """

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
        """The evaluation as JSON."""
        return asdict(self)


def evaluate(
    run: RunFolder,
    config: Config,
    make_world: Callable[[int], World],
    *,
    episodes: int,
    seed: int,
    policy: PolicyKind = "trained",
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Runs episodes with the newest checkpoint of a run; see run_episodes.

    Raises CheckpointError if the run has no intact checkpoint that fits, and what run_episodes
    raises.
    """
    probe = make_world(seed)
    networks = build_method_networks(probe.spaces, config)
    probe.close()
    checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
    checkpoint = restore_newest(checkpoints, partial(load_networks, networks))
    if checkpoint is None:
        raise CheckpointError(f"{run.path} has no checkpoint yet: train it first")
    rewards = run_episodes(
        networks.eval(), config, make_world, episodes, seed, policy=policy, progress=progress
    )
    return summarise(rewards, config, policy, seed, checkpoint.steps, checkpoint.updates)


def summarise(
    rewards: NDArray[np.float64],
    config: Config,
    policy: PolicyKind,
    seed: int,
    steps: int,
    updates: int,
) -> Evaluation:
    """The evaluation of `rewards` (episodes, reward terms), the result of run_episodes."""
    returns = [float(total) for total in rewards.sum(1)]
    deviation = statistics.stdev(returns) if len(returns) > 1 else 0.0
    return Evaluation(
        policy=policy,
        steps=steps,
        updates=updates,
        seed=seed,
        episodes=len(returns),
        episode_steps=None if world_ends_episodes(config) else config.evaluate.episode_steps,
        return_mean=statistics.fmean(returns),
        return_std=deviation,
        ci95=confidence_half_width(deviation, len(returns)),
        returns=returns,
        terms=by_group([term.name for term in make_reward_terms(config.reward)], rewards.mean(0)),
    )


def evaluation_table(result: Evaluation) -> Table:
    """The evaluation as a table for the terminal."""
    table = Table(title=f"{result.policy} policy, {result.updates} updates, {result.steps} steps")
    table.add_column("")
    table.add_column("return", justify="right")
    for i, value in enumerate(result.returns):
        table.add_row(f"episode {i} (seed {result.seed + i})", f"{value:.3f}")
    table.add_section()
    half_width = "?" if result.ci95 is None else f"{result.ci95:.3f}"
    table.add_row("mean ± 95 % interval", f"{result.return_mean:.3f} ± {half_width}")
    table.add_row("standard deviation", f"{result.return_std:.3f}")
    for name, value in result.terms.items():
        table.add_row(f"of which {name}", f"{value:.3f}")
    return table
