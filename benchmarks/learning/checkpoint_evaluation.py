"""Evaluates a frozen policy during training: the same episodes each time, outside the clock."""

import copy
import time
from collections.abc import Generator
from contextlib import contextmanager

from agent.networks.agent_networks import ActingNetworks
from configs.schema import Config, EvaluateConfig
from interfaces.core.rewards import make_reward_terms
from interfaces.runtime.worlds import make_evaluation_world
from trainer.evaluation.run_episodes import PolicyKind, run_episodes

EPISODES, FIRST_SEED = 100, 100_000
STANDIN_EPISODES, EPISODE_STEPS = 20, 300  # fewer in the stand-in, which renders each step


def evaluated_returns(
    networks: ActingNetworks,
    config: Config,
    episodes: int = EPISODES,
    policy: PolicyKind = "greedy",
) -> list[float]:
    """Returns of the episodes with seeds FIRST_SEED + i. `trained` samples the actions."""
    if next(networks.parameters()).device.type != "cpu":  # bodies act on the CPU too
        networks = copy.deepcopy(networks).cpu()
    rewards = run_episodes(
        networks,
        config,
        lambda seed: make_evaluation_world(config, seed),
        episodes,
        FIRST_SEED,
        policy=policy,
    )
    return [round(total, 3) for total in rewards.sum(1).tolist()]


def evaluated_head_pats(
    networks: ActingNetworks | None, config: Config, policy: PolicyKind = "greedy"
) -> list[float]:
    """Steps with a head-pat, of EPISODE_STEPS, in each episode with seed FIRST_SEED + i.

    `networks` is None for a baseline.
    """
    rewards = run_episodes(
        networks,
        config.model_copy(update={"evaluate": EvaluateConfig(episode_steps=EPISODE_STEPS)}),
        lambda seed: make_evaluation_world(config, seed),
        STANDIN_EPISODES,
        FIRST_SEED,
        policy=policy,
    )
    terms = enumerate(make_reward_terms(config.reward))
    columns = [i for i, term in terms if term.name.startswith("parameters.")]
    return rewards[:, columns].sum(1).tolist()


class Stopwatch:
    """Seconds of training. Time inside `paused` does not count."""

    def __init__(self, before: float = 0.0) -> None:
        """`before`: seconds of earlier sessions of the same run."""
        self._began = time.perf_counter() - before

    @property
    def seconds(self) -> float:
        return round(time.perf_counter() - self._began, 1)

    @contextmanager
    def paused(self) -> Generator[None]:
        began = time.perf_counter()
        yield
        self._began += time.perf_counter() - began
