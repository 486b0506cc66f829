"""Upper and lower baselines for learning results in the stand-in, for each place.

python -m benchmarks.standin.baselines [--episodes 20]

The score is head-pats in an episode: the steps, of 300 at 10 Hz, at which HeadPat is received. The
world seeds start at 0. The policies are the oracle, which knows all positions, the sticky-random
policy, and noise, which draws a new random action at each tick.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import publish
from configs.load import load_config
from interfaces.standin.baselines import Oracle, StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.places.build import VERSIONS

EPISODE_STEPS = 300
Act = Callable[[], NDArray[np.float32]]


def oracle(world: LockstepStandin, seed: int) -> Act:
    return Oracle(world).act


def sticky(world: LockstepStandin, seed: int) -> Act:
    return StickyRandom(world.spaces, seed).act


def noise(world: LockstepStandin, seed: int) -> Act:
    rng = np.random.Generator(np.random.PCG64([seed, 22]))
    return lambda: rng.uniform(-1, 1, world.spaces.num_actions).astype(np.float32)


def head_pats(place: str, policy: Callable[[LockstepStandin, int], Act], seed: int) -> int:
    overrides = [f"world.standin.place={place}"]
    overrides += [f"world.standin.{part}=16" for part in ("width", "height")]
    world = LockstepStandin(load_config(Path("default"), overrides), seed)
    act, count = policy(world, seed), 0
    index = world.spaces.features.index("HeadPat")
    for _ in range(EPISODE_STEPS):
        count += world.observe().vector[index] > 0.5
        world.act(act())
    world.close()
    return int(count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20)
    episodes = parser.parse_args().episodes
    rows: list[dict[str, Any]] = []
    scores: dict[str, dict[str, list[int]]] = {}
    for place, version in VERSIONS.items():
        row: dict[str, Any] = {"place": f"{place} v{version}"}
        scores[place] = {}
        for policy in (oracle, sticky, noise):
            values = [head_pats(place, policy, seed) for seed in range(episodes)]
            scores[place][policy.__name__] = values
            row[policy.__name__] = f"{statistics.fmean(values):.1f}"
            row[f"{policy.__name__} min..max"] = f"{min(values)}..{max(values)}"
        rows.append(row)
    title = f"Head-pats per episode of {EPISODE_STEPS} steps, {episodes} episodes"
    publish("standin/baselines", title, rows, head_pats=scores)


if __name__ == "__main__":
    main()
