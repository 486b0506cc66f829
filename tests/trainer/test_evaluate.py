"""Episodes that live side by side live as they would alone."""

import numpy as np
import pytest

from agent.networks import build_networks
from configs.load import load_config
from interfaces.gymnasium_world import GymnasiumWorld
from tests.conftest import ROOT
from trainer.evaluate import live_episodes

SETTINGS = ["world.kind=gymnasium", "world.id=CartPole-v1", "model.deter=16", "model.units=16"]


@pytest.mark.parametrize("which", ["trained", "greedy", "random", "sticky"])
def test_together_as_alone(which):
    config = load_config(ROOT / "configs" / "dreamer.yaml", SETTINGS)

    def make(seed):
        return GymnasiumWorld(config, seed)

    networks = build_networks(make(0).spaces, config).eval()
    together = live_episodes(networks, config, make, 4, 10, which=which)
    alone = [live_episodes(networks, config, make, 1, 10 + i, which=which)[0] for i in range(4)]
    np.testing.assert_allclose(together, np.stack(alone))
    assert len(set(together.sum(1).tolist())) > 1 or which == "sticky"  # which falls at once
