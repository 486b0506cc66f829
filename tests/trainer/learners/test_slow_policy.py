"""actor.slow_rate: the acting policy is a moving average of the policy that learns."""

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import acting_items, flatten_acting
from configs.errors import BadInput
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.checkpoints import Checkpoint
from trainer.learners.dreamer import DreamerLearner
from trainer.learners.restore import learner_tensors, restore_learner

RATE = 0.25


def make_learner(rate=RATE):
    config = load_config(
        ROOT / "configs" / "tiny.yaml", [f"actor.slow_rate={rate}", "trainer.policy_lr=1e-2"]
    )
    return DreamerLearner(spaces_of(config), config, torch.device("cpu"))


def flat(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()]).numpy().astype(np.float64)


def updates(learner, seeds):
    """One update for each seed; yields after each."""
    spaces = spaces_of(learner._config)
    for seed in seeds:
        learner.update(random_batch(spaces, (2, 8), (0, 3), seed))
        yield


def checkpoint_of(learner):
    return Checkpoint(learner_tensors(learner), 0, learner.updates, 1)


def test_the_acting_policy_is_the_exponential_mean_of_the_learning_one():
    learner = make_learner()
    networks = learner.networks
    mean, before = flat(networks.policy), flat(networks.quick_policy)
    np.testing.assert_array_equal(mean, before)
    for _ in updates(learner, range(4)):
        mean += RATE * (flat(networks.quick_policy) - mean)
        np.testing.assert_allclose(flat(networks.policy), mean, atol=1e-6)
    assert np.abs(flat(networks.quick_policy) - before).max() > 1e-3, "the quick policy learns"
    assert np.abs(flat(networks.quick_policy) - mean).max() > 1e-3, "the slow policy lags"
    acting = dict(acting_items(networks))
    for name, parameter in networks.policy.named_parameters():
        assert acting[f"policy.{name}"] is parameter
    assert flatten_acting(networks).size == sum(p.numel() for p in acting.values())


def test_a_restored_learner_continues_bit_identically():
    one, other = make_learner(), make_learner()
    list(updates(one, range(3)))
    restore_learner(other, checkpoint_of(one))
    for learner in (one, other):
        list(updates(learner, range(3, 5)))
    for name, value in one.networks.state_dict().items():
        torch.testing.assert_close(other.networks.state_dict()[name], value, rtol=0, atol=0)


def test_switching_slow_rate_on_or_off_keeps_the_acting_policy():
    without, slow = make_learner(rate=1.0), make_learner()
    list(updates(without, range(3)))
    restore_learner(slow, checkpoint_of(without))
    acting = flat(without.networks.policy)
    np.testing.assert_array_equal(flat(slow.networks.policy), acting)
    np.testing.assert_array_equal(flat(slow.networks.quick_policy), acting)
    list(updates(slow, range(3, 6)))
    without_again = make_learner(rate=1.0)
    restore_learner(without_again, checkpoint_of(slow))
    np.testing.assert_array_equal(flat(without_again.networks.policy), flat(slow.networks.policy))
    list(updates(without_again, range(6, 7)))


def test_a_rate_of_one_means_a_single_policy():
    networks = make_learner(rate=1.0).networks
    assert networks.quick_policy is None
    assert networks.learning_policy is networks.policy
    assert not any("quick" in name for name in networks.state_dict())


@pytest.mark.parametrize("preset", ["ppo", "world_models"])
def test_methods_without_a_slow_policy_refuse_the_setting(preset):
    with pytest.raises(BadInput, match=r"actor\.slow_rate 0\.5"):
        load_config(ROOT / "configs" / f"{preset}.yaml", ["actor.slow_rate=0.5"])
