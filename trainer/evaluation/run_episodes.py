"""Evaluation episodes of a fixed policy, several at a time in lockstep.

Shapes: E episodes, K reward terms.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal, get_args

import numpy as np
import torch
from loguru import logger
from numpy.typing import NDArray

from agent.acting.brain import select_actions
from agent.networks.agent_networks import ActingNetworks
from agent.networks.noise import CounterNoise, PerRowNoise
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.rewards import StepRewards
from interfaces.core.world import Observation, World
from interfaces.runtime.worlds import make_baseline

PolicyKind = Literal["trained", "greedy", "random", "sticky", "still", "oracle"]
POLICY_KINDS: tuple[PolicyKind, ...] = get_args(PolicyKind)
_PARALLEL = 100  # episodes that run together
_MAX_STEPS = 100_000  # of an episode that its world should end, but does not


def run_episodes(
    networks: ActingNetworks | None,
    config: Config,
    make_world: Callable[[int], World],
    episodes: int,
    seed: int,
    *,
    policy: PolicyKind = "trained",
    progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float64]:
    """Runs episodes and returns each reward term, summed over each episode: (E, K).

    Episode i runs in the world of seed + i; the other episodes do not change it. `progress`
    receives the number of finished episodes.

    Policies: `trained` samples the actions and `greedy` takes the most likely ones. The baselines
    `random`, `sticky`, `still` and `oracle` are those of make_baseline; with them, `networks` may
    be None.

    Raises BadInput for an oracle outside the stand-in, and for a reward that is not finite.
    """
    totals: list[NDArray[np.float64]] = []
    # Images of many worlds at a time would need too much memory.
    parallel = _PARALLEL if config.world.kind == "gymnasium" else 1
    while len(totals) < episodes:
        first = seed + len(totals)
        worlds = [make_world(first + i) for i in range(min(parallel, episodes - len(totals)))]
        try:
            before = len(totals)
            ended = lambda count, before=before: progress(before + count)  # noqa: E731
            totals += _run_together(networks, worlds, config, first, policy, ended)
        finally:
            for world in worlds:
                world.close()
    return np.stack(totals)


def world_ends_episodes(config: Config) -> bool:
    """Whether the world ends its episodes; if not, `evaluate.episode_steps` does."""
    return config.world.kind == "gymnasium"


@torch.inference_mode()
def _run_together(
    networks: ActingNetworks | None,
    worlds: list[World],
    config: Config,
    seed: int,
    policy: PolicyKind,
    ended: Callable[[int], None],
) -> list[NDArray[np.float64]]:
    """Runs one episode in each world, with all decisions of a step in one batch.

    `ended` receives the number of episodes that have ended.
    """
    rewards = StepRewards(config.reward, worlds[0].spaces)
    totals = [np.zeros(len(rewards.names)) for _ in worlds]
    baselines = [make_baseline(policy, world, seed + i) for i, world in enumerate(worlds)]
    over = [False] * len(worlds)
    state = None if networks is None else networks.dynamics.initial(len(worlds))
    max_steps = _MAX_STEPS if world_ends_episodes(config) else config.evaluate.episode_steps
    tick = 0
    while not all(over) and tick < max_steps:
        observations: list[Observation] = []
        for i, world in enumerate(worlds):
            with _errors_name(f"seed {seed + i}, step {tick}"):
                observations.append(world.observe())
        for i, observation in enumerate(observations):
            if not over[i]:
                totals[i] += _finite_reward(rewards, observation, f"seed {seed + i}, step {tick}")
                over[i] = observation.is_last
                if over[i]:
                    ended(sum(over))
        actions = None
        if networks is not None and state is not None and policy in ("trained", "greedy"):
            noise = PerRowNoise([CounterNoise(seed + i, tick) for i in range(len(worlds))])
            state, actions = select_actions(
                networks, state, observations, noise, explore=policy == "trained"
            )
        for i, world in enumerate(worlds):
            if over[i]:
                continue
            with _errors_name(f"seed {seed + i}, step {tick + 1}"):
                world.act(actions[i] if actions is not None else baselines[i]())
        tick += 1
    if world_ends_episodes(config) and not all(over):
        logger.warning(
            "{} of {} episodes did not end within {} steps; they were cut there",
            over.count(False),
            len(over),
            max_steps,
        )
    ended(len(over))
    return totals


@contextmanager
def _errors_name(place: str) -> Generator[None]:
    """Name the episode and the step in a BadInput of the world."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"episode of {place}: {error}") from error


def _finite_reward(
    rewards: StepRewards, observation: Observation, place: str
) -> NDArray[np.float32]:
    """The weighted terms (K,). Raises BadInput, with the place, if one of them is not finite."""
    terms = rewards.weigh(rewards.of(observation))
    if not np.isfinite(terms).all():
        named = ", ".join(f"{k} {v}" for k, v in zip(rewards.names, terms, strict=True))
        raise BadInput(f"episode of {place}: its reward is not finite ({named})")
    return terms
