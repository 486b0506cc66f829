"""Evaluation episodes: those that run together equal those that run alone."""

import numpy as np
import pytest

from agent.networks.agent_networks import build_networks
from configs.load import load_config
from interfaces.gymnasium.gymnasium_world import GymnasiumWorld
from tests.conftest import ROOT
from trainer.evaluation.run_episodes import POLICY_KINDS, run_episodes

SETTINGS = ["world.kind=gymnasium", "world.id=CartPole-v1", "model.deter=16", "model.units=16"]


@pytest.mark.parametrize("policy", [kind for kind in POLICY_KINDS if kind != "oracle"])
def test_episodes_that_run_together_equal_those_that_run_alone(policy):
    config = load_config(ROOT / "configs" / "dreamer.yaml", SETTINGS)

    def make(seed):
        return GymnasiumWorld(config, seed)

    networks = build_networks(make(0).spaces, config).eval()
    together = run_episodes(networks, config, make, 4, 10, policy=policy)
    alone = [run_episodes(networks, config, make, 1, 10 + i, policy=policy)[0] for i in range(4)]
    np.testing.assert_allclose(together, np.stack(alone))
    always_same_length = policy in ("sticky", "still")
    assert len(set(together.sum(1).tolist())) > 1 or always_same_length
