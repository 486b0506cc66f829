"""Rewards per 300 steps and the returns of episodes, from the Steps in the journal."""

import numpy as np
import pytest
import torch

from configs.load import load_config
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.worlds import PointWorld
from trainer.running.lockstep import LockstepTrainer
from trainer.running.reward_report import EpisodeTally, RewardReport, curiosity_metric

OVERRIDES = ["trainer.prefill=1000", "reward.action_cost=0.1", "reward.world=2.0"]


def add(tally, rewards, first=(), last=()):
    flags = ([i in place for i in range(len(rewards))] for place in (first, last))
    return tally.add(np.array(rewards, np.float32), *(np.array(flag) for flag in flags))


def test_an_episode_is_added_up_over_several_calls():
    tally = EpisodeTally()
    assert add(tally, [0, 1, 2], first=[0]) == []
    assert add(tally, [3, 4, 0, 5], first=[2], last=[1]) == [(10.0, 4)]
    assert add(tally, [6], last=[0]) == [(11.0, 2)]
    assert tally.ended == 2


def test_a_part_of_an_episode_does_not_count():
    tally = EpisodeTally()
    assert add(tally, [1, 2, 0, 5], first=[2], last=[1]) == [], "its start was not seen"
    tally.skip()
    assert add(tally, [1], last=[0]) == [], "Steps are missing"
    assert add(tally, [0, 1, 0, 1], first=[0, 2], last=[3]) == [(1.0, 1)], "a gap is no end"


@pytest.mark.parametrize(("surprise", "curiosity"), [(2.0, 15.0), (400.0, 300.0), (-1.0, 0.0)])
def test_curiosity_is_the_weighted_and_limited_surprise(surprise, curiosity):
    config = load_config(ROOT / "tests" / "point.yaml", ["reward.surprise=0.1"])
    metrics = curiosity_metric(torch.tensor(surprise), torch.tensor(4.0), config)
    assert metrics == {"reward/curiosity": pytest.approx(curiosity)}
    without = load_config(ROOT / "tests" / "point.yaml")
    assert curiosity_metric(torch.tensor(surprise), torch.tensor(4.0), without) == {}


def test_rewards_and_episodes_are_those_of_the_journal(tmp_path):
    config = load_config(ROOT / "tests" / "point.yaml", OVERRIDES)
    run = create_run(tmp_path / "run", config, "point", ROOT)
    lockstep = LockstepTrainer(run, config, [PointWorld(config, 3)])
    report = RewardReport(config, lockstep._replay)
    assert report.measure() == {}
    lockstep.run(400, lambda _: None, lambda: False)
    lockstep._replay.refresh()
    metrics = report.measure()
    steps = JournalReader(run.journal).read(0, 400)
    newest = steps[-300:]
    cost = -0.1 * np.square(newest["vector"][:, -1]) * ~newest["is_first"]
    world = 2.0 * newest["world_reward"] * ~newest["is_first"]
    assert metrics["reward/action_cost"] == pytest.approx(cost.sum(), rel=1e-5)
    assert metrics["reward/world"] == pytest.approx(world.sum(), rel=1e-5)
    assert metrics["reward/sum"] == pytest.approx(cost.sum() + world.sum(), rel=1e-5)
    assert metrics["episode/length"] == PointWorld.length
    assert metrics["episode/count"] == 400 // (PointWorld.length + 1)
    ended = steps[: 51 * 7]
    paid = 2.0 * ended["world_reward"] - 0.1 * np.square(ended["vector"][:, -1])
    assert metrics["episode/return"] == pytest.approx((paid * ~ended["is_first"]).sum() / 7, 1e-5)
    assert "episode/count" not in report.measure(), "no episode ended since the last point"
