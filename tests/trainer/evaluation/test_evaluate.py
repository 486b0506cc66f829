"""Episodes that live side by side live as they would alone."""

import numpy as np
import pytest

from agent.networks.agent_networks import build_networks
from configs.load import load_config
from interfaces.gymnasium.gymnasium_world import GymnasiumWorld
from tests.conftest import ROOT
from trainer.evaluation.evaluate import half_width, live_episodes, student_t

SETTINGS = ["world.kind=gymnasium", "world.id=CartPole-v1", "model.deter=16", "model.units=16"]


@pytest.mark.parametrize("which", ["trained", "greedy", "random", "sticky", "still"])
def test_together_as_alone(which):
    config = load_config(ROOT / "configs" / "dreamer.yaml", SETTINGS)

    def make(seed):
        return GymnasiumWorld(config, seed)

    networks = build_networks(make(0).spaces, config).eval()
    together = live_episodes(networks, config, make, 4, 10, which=which)
    alone = [live_episodes(networks, config, make, 1, 10 + i, which=which)[0] for i in range(4)]
    np.testing.assert_allclose(together, np.stack(alone))
    falls_at_once = which in ("sticky", "still")
    assert len(set(together.sum(1).tolist())) > 1 or falls_at_once


@pytest.mark.parametrize(
    ("freedom", "table"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (9, 2.262), (10, 2.228), (99, 1.984)],
)
def test_students_t_is_the_tables(freedom, table):
    assert student_t(freedom) == pytest.approx(table, abs=6e-4)


def test_the_interval_holds_the_mean_as_often_as_it_says():
    drawn = np.random.default_rng(0).normal(size=(4000, 5))
    widths = np.array([half_width(spread, 5) for spread in drawn.std(1, ddof=1)])
    assert np.mean(np.abs(drawn.mean(1)) < widths) == pytest.approx(0.95, abs=0.015)
    assert half_width(0.0, 1) is None, "one episode says nothing of it"
