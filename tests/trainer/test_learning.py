"""It really learns: a tiny world with a known optimum, against a random policy."""

import numpy as np
import pytest
import torch

from configs.load import load_config
from interfaces.run_folder import create_run
from tests.conftest import ROOT
from tests.worlds import PointWorld
from trainer.evaluate import evaluate
from trainer.lockstep import Lockstep

BUDGET = 700


@pytest.fixture
def config():
    return load_config(ROOT / "tests" / "point.yaml")


def best_return(config, seed):
    world, total = PointWorld(config, seed), 0.0
    for _ in range(config.evaluate.episode_steps):
        observation = world.observe()
        total += 0.0 if observation.is_first else observation.reward
        world.act(PointWorld.best_action(float(observation.vector[0])))
    return total


def test_reaches_nine_tenths_of_the_optimum(config, tmp_path):
    run = create_run(tmp_path / "point", config, "point", ROOT)
    Lockstep(run, config, [PointWorld(config, config.seed)]).run(
        BUDGET, lambda _: None, lambda: False
    )
    episodes = dict(episodes=10, seed=100)
    make = lambda world_seed: PointWorld(config, world_seed)  # noqa: E731
    trained = evaluate(run, config, make, which="greedy", **episodes)
    floor = evaluate(run, config, make, which="random", **episodes)
    optimum = np.mean([best_return(config, 100 + i) for i in range(10)])
    print(f"trained {trained.return_mean:.2f} random {floor.return_mean:.2f} best {optimum:.2f}")
    assert trained.return_mean >= 0.9 * optimum
    assert trained.return_mean >= floor.return_mean + 0.8 * (optimum - floor.return_mean)
    assert torch.isfinite(torch.tensor(trained.returns)).all()
