"""Dreamer with model.normalize: the moments of the vector in updates, weights and checkpoints."""

import torch

from agent.networks.agent_networks import flatten_acting, view_acting
from agent.networks.patch_codec import to_patches
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.checkpoints import Checkpoint
from trainer.learners.dreamer import DreamerLearner
from trainer.learners.restore import learner_tensors, restore_learner

CONFIG = load_config(ROOT / "configs" / "tiny.yaml", ["model.normalize=true"])
SPACES = spaces_of(CONFIG)


def make_learner():
    return DreamerLearner(SPACES, CONFIG, torch.device("cpu"))


def test_body_and_restored_learner_normalise_like_the_learner():
    learner = make_learner()
    for seed in range(3):
        learner.update(random_batch(SPACES, (2, 8), (0, 3), seed))
    normalizer = learner.networks.encoder.felt
    assert normalizer.weight > 0
    moments = {id(p) for p in normalizer.parameters()}
    optimised = {id(p) for each in learner.optimizers.values() for p in each.parameters}
    assert not moments & optimised, "no optimiser changes the moments"
    acting = view_acting(SPACES, CONFIG, flatten_acting(learner.networks))
    batch = random_batch(SPACES, (2, 8), (0, 3), 9)
    patches = to_patches(batch.image)
    tokens = [each.encoder(patches, batch.vector) for each in (learner.networks, acting)]
    torch.testing.assert_close(tokens[0], tokens[1], rtol=0, atol=0)
    other = make_learner()
    restore_learner(other, Checkpoint(learner_tensors(learner), 0, learner.updates, 1))
    restored = other.networks.encoder.felt
    torch.testing.assert_close(restored(batch.vector), normalizer(batch.vector), rtol=0, atol=0)


def test_a_skipped_update_does_not_change_the_moments():
    learner = make_learner()
    learner.update(random_batch(SPACES, (2, 8), (0, 3), 0))
    before = learner.networks.encoder.felt.mean.clone()
    bad = random_batch(SPACES, (2, 8), (0, 3), 1)
    bad.vector[0, 4, 0] = float("nan")
    learner.update(bad)
    assert learner.guarded_step.skipped_updates == 1
    torch.testing.assert_close(learner.networks.encoder.felt.mean, before, rtol=0, atol=0)
