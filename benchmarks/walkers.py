"""The ceiling and the floors of every learning figure in the stand-in, by place.

python -m benchmarks.walkers [--episodes 20]

Pats (beats at which HeadPat is felt) in an episode of 300 beats at 10 Hz, worlds seed 0 and up: the
oracle, who knows where everybody is; sticky-random; and noise drawn anew at every beat.
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

BEATS = 300
Act = Callable[[], NDArray[np.float32]]


def oracle(world: LockstepStandin, seed: int) -> Act:
    return Oracle(world).act


def sticky(world: LockstepStandin, seed: int) -> Act:
    return StickyRandom(world.spaces, seed).act


def noise(world: LockstepStandin, seed: int) -> Act:
    rng = np.random.Generator(np.random.PCG64([seed, 22]))
    return lambda: rng.uniform(-1, 1, world.spaces.num_actions).astype(np.float32)


def pats(place: str, walker: Callable[[LockstepStandin, int], Act], seed: int) -> int:
    overrides = [f"world.standin.place={place}"]
    overrides += [f"world.standin.{part}=16" for part in ("width", "height")]
    world = LockstepStandin(load_config(Path("default"), overrides), seed)
    act, felt = walker(world, seed), 0
    index = world.spaces.features.index("HeadPat")
    for _ in range(BEATS):
        felt += world.observe().vector[index] > 0.5
        world.act(act())
    world.close()
    return int(felt)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20)
    episodes = parser.parse_args().episodes
    rows: list[dict[str, Any]] = []
    returns: dict[str, dict[str, list[int]]] = {}
    for place, version in VERSIONS.items():
        row: dict[str, Any] = {"pats of 300": f"{place} v{version}"}
        returns[place] = {}
        for walker in (oracle, sticky, noise):
            found = [pats(place, walker, seed) for seed in range(episodes)]
            returns[place][walker.__name__] = found
            row[walker.__name__] = f"{statistics.fmean(found):.1f}"
            row[f"{walker.__name__} min..max"] = f"{min(found)}..{max(found)}"
        rows.append(row)
    publish("walkers", f"{episodes} episodes of {BEATS} beats", rows, returns=returns)


if __name__ == "__main__":
    main()
