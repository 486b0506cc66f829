"""Steps of a sticky-random policy in the stand-in, as a body would write them."""

from pathlib import Path

import numpy as np

from configs.load import load_config
from configs.schema import Config
from interfaces.core.step import StepLayout
from interfaces.standin.baselines import StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin

FIRST_WALL_NS = 1_700_000_000_000_000_000  # wall time of step 0


def random_steps(place: str, count: int, hz: float) -> tuple[Config, np.ndarray]:
    """`count` steps in lockstep at `hz`, and their configuration (preset `default`)."""
    config = load_config(Path("default"), [f"world.standin.place={place}", f"tick.hz={hz:g}"])
    world = LockstepStandin(config, 0)
    policy, steps = StickyRandom(world.spaces, 0), np.zeros(count, StepLayout(world.spaces).dtype)
    for i in range(count):
        observation = world.observe()
        fill_step(steps[i, ...], i, observation.image, observation.vector, hz)
        steps[i]["action"] = world.act(policy.act())
    world.close()
    return config, steps


def fill_step(
    step: np.ndarray, index: int, image: np.ndarray, vector: np.ndarray, hz: float
) -> None:
    """Fills one step with what a body writes at a tick, except for the action."""
    step["index"] = step["tick"] = step["frame_number"] = index
    step["monotonic_ns"] = round(1e9 * index / hz)
    step["wall_ns"] = FIRST_WALL_NS + round(1e9 * index / hz)
    step["image"], step["vector"], step["is_first"] = image, vector, index == 0
