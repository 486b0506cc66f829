"""actor.slow_rate: what acts follows, slowly, what learns in dreams."""

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import acting_items, flatten_acting
from configs.errors import BadInput
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.running.checkpoints import Checkpoint, learner_tensors, restore_learner

RATE = 0.25


def learner(rate=RATE):
    config = load_config(
        ROOT / "configs" / "tiny.yaml", [f"actor.slow_rate={rate}", "trainer.policy_lr=1e-2"]
    )
    return DreamerLearner(spaces_of(config), config, torch.device("cpu"))


def flat(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()]).numpy().astype(np.float64)


def updated(learner, seeds):
    spaces = spaces_of(learner._config)
    for seed in seeds:
        learner.update(random_batch(spaces, (2, 8), (0, 3), seed))
        yield


def test_what_acts_is_the_exponential_mean_of_what_learned():
    dreamer = learner()
    networks = dreamer.networks
    mean, before = flat(networks.policy), flat(networks.quick_policy)
    np.testing.assert_array_equal(mean, before)
    for _ in updated(dreamer, range(4)):
        mean += RATE * (flat(networks.quick_policy) - mean)
        np.testing.assert_allclose(flat(networks.policy), mean, atol=1e-6)
    assert np.abs(flat(networks.quick_policy) - before).max() > 1e-3, "it learns"
    assert np.abs(flat(networks.quick_policy) - mean).max() > 1e-3, "and the slow one lags"
    acting = dict(acting_items(networks))
    for name, parameter in networks.policy.named_parameters():
        assert acting[f"policy.{name}"] is parameter
    assert flatten_acting(networks).size == sum(p.numel() for p in acting.values())


def test_it_goes_on_from_a_checkpoint_bit_for_bit():
    one, another = learner(), learner()
    list(updated(one, range(3)))
    checkpoint = Checkpoint(learner_tensors(one), 0, one.updates, 1)
    restore_learner(another, checkpoint)
    for dreamer in (one, another):
        list(updated(dreamer, range(3, 5)))
    for name, value in one.networks.state_dict().items():
        torch.testing.assert_close(another.networks.state_dict()[name], value, rtol=0, atol=0)


def test_a_life_goes_on_as_it_acts_where_the_policy_becomes_slow_or_one_again():
    before, slow = learner(rate=1.0), learner()
    list(updated(before, range(3)))
    restore_learner(slow, Checkpoint(learner_tensors(before), 0, before.updates, 1))
    acts = flat(before.networks.policy)
    np.testing.assert_array_equal(flat(slow.networks.policy), acts)
    np.testing.assert_array_equal(flat(slow.networks.quick_policy), acts)
    list(updated(slow, range(3, 6)))
    again = learner(rate=1.0)
    restore_learner(again, Checkpoint(learner_tensors(slow), 0, slow.updates, 1))
    np.testing.assert_array_equal(flat(again.networks.policy), flat(slow.networks.policy))
    list(updated(again, range(6, 7)))


def test_at_one_there_is_but_one_policy():
    networks = learner(rate=1.0).networks
    assert networks.quick_policy is None
    assert networks.learning_policy is networks.policy
    assert not any("quick" in name for name in networks.state_dict())


@pytest.mark.parametrize("preset", ["ppo", "world_models"])
def test_a_method_without_it_refuses_it(preset):
    with pytest.raises(BadInput, match=r"actor\.slow_rate 0\.5"):
        load_config(ROOT / "configs" / f"{preset}.yaml", ["actor.slow_rate=0.5"])
