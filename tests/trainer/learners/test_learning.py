"""It really learns: a tiny world with a known optimum, against a random policy."""

import numpy as np
import pytest
import torch

from configs.load import load_config
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.worlds import PointWorld
from trainer.evaluation.evaluate import evaluate
from trainer.running.lockstep import LockstepTrainer

BUDGET = 700
POINT = ROOT / "tests" / "point.yaml"
# The world of point.yaml, and networks as small as its; what makes a preset what it is stays.
WORLD = [
    "world.actions=[{name: Vertical}]",
    "world.parameters=[Position]",
    "reward={parameters: {HeadPat: null}, action_cost: 0.0, surprise: 0.0, world: 1.0}",
    "evaluate.episode_steps=50",
]
SMALL = [
    "model={deter: 32, stoch: 8, units: 48, layers: 1}",
    "dream={horizon: 8, starts: 64, discount: 0.9}",
    "trainer={batch: 16, length: 8, prefill: 100, train_ratio: 64, publish_updates: 5}",
    "trainer={model_lr: 2.0e-3, policy_lr: 5.0e-4, value_lr: 1.0e-3, warmup: 0}",
]
# Three hundred updates are few for the score function and for categoricals: larger steps.
QUICK = ["trainer={policy_lr: 2.0e-3, value_lr: 3.0e-3}"]
NUMBERS = ["trainer={precision: 100, free_nats: 0.0}"]  # what dreamerv3 has is for pictures


def best_return(config, seed):
    world, total = PointWorld(config, seed), 0.0
    for _ in range(config.evaluate.episode_steps):
        observation = world.observe()
        total += 0.0 if observation.is_first else observation.reward
        world.act(PointWorld.best_action(float(observation.vector[0])))
    return total


def learned(config, tmp_path):
    """Mean returns after the budget: of the greedy policy, of chance, and the most there is."""
    run = create_run(tmp_path / "point", config, "point", ROOT)
    LockstepTrainer(run, config, [PointWorld(config, config.seed)]).run(
        BUDGET, lambda _: None, lambda: False
    )
    episodes = dict(episodes=10, seed=100)
    make = lambda world_seed: PointWorld(config, world_seed)  # noqa: E731
    trained = evaluate(run, config, make, policy="greedy", **episodes)
    floor = evaluate(run, config, make, policy="random", **episodes)
    optimum = np.mean([best_return(config, 100 + i) for i in range(10)])
    print(f"trained {trained.return_mean:.2f} random {floor.return_mean:.2f} best {optimum:.2f}")
    assert torch.isfinite(torch.tensor(trained.returns)).all()
    return trained.return_mean, floor.return_mean, optimum


@pytest.mark.parametrize(
    ("preset", "words"), [(POINT, []), (ROOT / "configs/dreamer.yaml", [*WORLD, *SMALL])]
)
def test_reaches_nine_tenths_of_the_optimum(preset, words, tmp_path):
    trained, floor, optimum = learned(load_config(preset, words), tmp_path)
    assert trained >= 0.9 * optimum
    assert trained >= floor + 0.8 * (optimum - floor)


@pytest.mark.parametrize(
    ("preset", "words"), [("records", []), ("dreamerv3", NUMBERS), ("dreamerv3-small", [])]
)
def test_goes_a_third_of_the_way_from_chance_to_the_optimum(preset, words, tmp_path):
    config = load_config(ROOT / f"configs/{preset}.yaml", [*WORLD, *SMALL, *QUICK, *words])
    trained, floor, optimum = learned(config, tmp_path)
    assert trained >= floor + (optimum - floor) / 3
