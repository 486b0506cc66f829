"""Looks at a policy while it learns: frozen, from the same starts, off the clock."""

import copy
import time
from collections.abc import Generator
from contextlib import contextmanager

from agent.networks.agent_networks import ActingNetworks
from configs.schema import Config, EvaluateConfig
from interfaces.core.rewards import LIVED_TERMS
from interfaces.runtime.lockstep_worlds import make_lockstep_world
from trainer.evaluation.evaluate import Which, live_episodes

EPISODES, FIRST_SEED = 100, 100_000
STANDIN_EPISODES, BEATS = 20, 300  # in the stand-in, where each beat is drawn


def lived_returns(
    networks: ActingNetworks, config: Config, episodes: int = EPISODES, which: Which = "greedy"
) -> list[float]:
    """Of the episodes that begin with FIRST_SEED + i. `trained`: actions are sampled."""
    if next(networks.parameters()).device.type != "cpu":  # where bodies think
        networks = copy.deepcopy(networks).cpu()
    lived = live_episodes(
        networks,
        config,
        lambda seed: make_lockstep_world(config, seed),
        episodes,
        FIRST_SEED,
        which=which,
    )
    return [round(total, 3) for total in lived.sum(1).tolist()]


def lived_pats(
    networks: ActingNetworks | None, config: Config, which: Which = "greedy"
) -> list[float]:
    """Beats of BEATS at which it is patted, of the stand-in's episodes that begin with FIRST_SEED +
    i; networks None: of who does not think."""
    lived = live_episodes(
        networks,
        config.model_copy(update={"evaluate": EvaluateConfig(episode_steps=BEATS)}),
        lambda seed: make_lockstep_world(config, seed),
        STANDIN_EPISODES,
        FIRST_SEED,
        which=which,
    )
    return lived[:, LIVED_TERMS.index("parameters")].tolist()


class Stopwatch:
    """Seconds of learning: what passes while one looks does not count."""

    def __init__(self, before: float = 0.0) -> None:
        """`before`: seconds of the sittings before this one."""
        self._began = time.perf_counter() - before

    @property
    def seconds(self) -> float:
        return round(time.perf_counter() - self._began, 1)

    @contextmanager
    def stopped(self) -> Generator[None]:
        paused = time.perf_counter()
        yield
        self._began += time.perf_counter() - paused
