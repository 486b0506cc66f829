"""The Dreamer learner: one update, excluded Steps, and updates that are not finite."""

import pytest
import torch

from tests.trainer.batches import spaces_of, training_batch
from trainer.learners.dreamer import DreamerLearner


@pytest.fixture(params=["gaussian", "categorical"])
def config(tiny, request):
    model = tiny.model.model_copy(update={"latent": request.param})
    return tiny.model_copy(update={"model": model})


def make_learner(config):
    return DreamerLearner(spaces_of(config), config, torch.device("cpu"))


def test_updates_change_every_network_and_repeat_bit_identically(config):
    runs = []
    for _ in range(2):
        learner = make_learner(config)
        before = {k: v.clone() for k, v in learner.networks.state_dict().items()}
        metrics = [learner.update(training_batch(config, seed)) for seed in range(2)]
        after = learner.networks.state_dict()
        changed = {k.split(".")[0] for k in after if not torch.equal(before[k], after[k])}
        parts = {"encoder", "decoder", "dynamics", "policy", "value", "reward", "continues"}
        assert changed == {*parts, "slow_value"}
        runs.append((after, metrics))
    for name, tensor in runs[0][0].items():
        assert torch.equal(tensor, runs[1][0][name]), name
    assert runs[0][1] == runs[1][1]


def test_an_extreme_reward_skips_one_update_and_changes_no_weight(config):
    learner = make_learner(config)
    learner.update(training_batch(config))
    before = [p.detach().clone() for p in learner.networks.world_model.parameters()]
    good = training_batch(config, seed=1)
    learner.update(good._replace(reward=good.reward * 1e38))
    assert learner.guarded_step.skipped_updates == 1
    for old, new in zip(before, learner.networks.world_model.parameters(), strict=True):
        assert torch.equal(old, new)
    learner.update(good)
    assert learner.guarded_step.skipped_updates == 1
    assert all(p.isfinite().all() for p in learner.networks.parameters())


def test_an_infinite_vector_skips_one_update_and_leaves_the_scales_finite(config):
    model = config.model.model_copy(update={"normalize": False})  # else the vector is bounded
    config = config.model_copy(update={"model": model})
    learner = make_learner(config)
    learner.update(training_batch(config))
    good = training_batch(config, seed=1)
    bad = good.vector.clone()
    bad[0, 2, 0] = float("inf")
    learner.update(good._replace(vector=bad))
    skipped = learner.guarded_step.skipped_updates
    assert skipped > 0
    learner.update(good)
    assert learner.guarded_step.skipped_updates == skipped, "the next update is not skipped"
    for scale in (learner.return_scale.high, learner.return_scale.low, learner.surprise_mean.mean):
        assert scale.isfinite()


@pytest.mark.parametrize("replay_weight", [0.0, 0.3])
def test_the_content_of_an_excluded_step_does_not_change_the_update(config, replay_weight):
    critic = config.critic.model_copy(update={"replay_weight": replay_weight})
    config = config.model_copy(update={"critic": critic})
    batch = training_batch(config)
    loss_mask = torch.ones(batch.reward.shape, dtype=torch.bool)
    loss_mask[:, -1] = False  # no later state depends on the last row
    other = batch._replace(
        image=batch.image.clone(), reward=batch.reward.clone(), vector=batch.vector.clone()
    )
    other.image[:, -1], other.reward[:, -1], other.vector[:, -1] = 0, 50.0, 3.0

    def weights(given):
        learner = make_learner(config)
        learner.update(given)
        return torch.cat([p.detach().flatten() for p in learner.networks.parameters()])

    masked, other_masked = (each._replace(loss_mask=loss_mask) for each in (batch, other))
    assert torch.equal(weights(masked), weights(other_masked))
    assert not torch.equal(weights(batch), weights(other)), "without the mask it changes them"
    all_included = batch._replace(loss_mask=torch.ones_like(loss_mask))
    torch.testing.assert_close(weights(batch), weights(all_included))
