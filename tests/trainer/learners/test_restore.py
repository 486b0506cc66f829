"""Restoring a learner: exactly, only into a matching configuration, and after skipped updates."""

import pytest
import torch

from tests.trainer.batches import spaces_of, training_batch
from trainer.learners.checkpoints import Checkpoint, CheckpointError, Checkpoints
from trainer.learners.dreamer import DreamerLearner
from trainer.learners.restore import (
    learner_tensors,
    restore_last_good,
    restore_learner,
    restore_newest,
)

CPU = torch.device("cpu")


def trained(config, updates):
    learner = DreamerLearner(spaces_of(config), config, CPU)
    for i in range(updates):
        learner.update(training_batch(config, i))
    return learner


def save(checkpoints, learner, steps, updates, **more):
    checkpoints.save(Checkpoint(learner_tensors(learner), steps, updates, 1, **more))


def test_a_restored_learner_continues_bit_identically(tiny, tmp_path):
    whole, half = trained(tiny, 5), trained(tiny, 3)
    checkpoints = Checkpoints(tmp_path, keep=2)
    save(checkpoints, half, 100, half.updates)
    other = DreamerLearner(spaces_of(tiny), tiny.model_copy(update={"seed": 99}), CPU)
    other._config = tiny  # other initial weights, the same settings
    restore_learner(other, checkpoints.newest())
    for i in range(3, 5):
        other.update(training_batch(tiny, i))
    for name, tensor in whole.networks.state_dict().items():
        assert torch.equal(tensor, other.networks.state_dict()[name]), name


def test_a_checkpoint_without_bias_correction_keeps_its_value_scale(tiny):
    saved = trained(tiny, 2)
    tensors = learner_tensors(saved)
    old = {name: tensor for name, tensor in tensors.items() if not name.endswith(".adapted")}
    assert len(old) < len(tensors)
    learner = DreamerLearner(spaces_of(tiny), tiny, CPU)
    restore_learner(learner, Checkpoint(old, 10, 2, 1))
    value = learner.networks.value
    before = float(value.mu)
    value.adapt(torch.full((100,), before + 50.0))
    assert abs(float(value.mu) - before - 1.0) < 1e-3, "a small step of rate 0.02"


def test_another_model_size_is_refused_and_the_setting_is_named(tiny):
    checkpoint = Checkpoint(learner_tensors(trained(tiny, 1)), 10, 1, 1)
    larger = tiny.model_copy(update={"model": tiny.model.model_copy(update={"deter": 48})})
    with pytest.raises(CheckpointError, match=r"model\.\*"):
        restore_learner(DreamerLearner(spaces_of(tiny), larger, CPU), checkpoint)


def test_another_optimiser_is_refused_and_the_setting_is_named(tiny):
    saved = Checkpoint(learner_tensors(trained(tiny, 1)), 100, 1, 1)
    trainer = tiny.trainer.model_copy(update={"optimizer": "laprop"})
    changed = tiny.model_copy(update={"trainer": trainer})
    other = DreamerLearner(spaces_of(changed), changed, CPU)
    with pytest.raises(CheckpointError, match=r"trainer\.optimizer"):
        restore_learner(other, saved)


def test_a_learner_with_nan_weights_is_restored_to_the_last_good_checkpoint(tiny, tmp_path):
    learner, checkpoints = trained(tiny, 3), Checkpoints(tmp_path, keep=2)
    save(checkpoints, learner, 100, learner.updates)
    good = {k: v.clone() for k, v in learner.networks.state_dict().items()}
    with torch.no_grad():
        next(learner.networks.world_model.parameters()).fill_(float("nan"))
    for i in range(3, 6):
        learner.update(training_batch(tiny, i))
    assert learner.guarded_step.consecutive_skips == 3
    assert "gradient of" in learner.guarded_step.skip_reason
    restore_last_good(learner, checkpoints)
    for name, tensor in learner.networks.state_dict().items():
        assert torch.equal(tensor, good[name]), name
    assert learner.updates == 6, "the counter continues, so that the noise differs"
    learner.update(training_batch(tiny, 6))
    assert learner.guarded_step.consecutive_skips == 0
    assert learner.guarded_step.skipped_updates == 3


def test_without_a_checkpoint_the_learner_continues(tiny, tmp_path):
    learner = trained(tiny, 1)
    learner.guarded_step.consecutive_skips = 20
    restore_last_good(learner, Checkpoints(tmp_path, keep=2))
    assert learner.guarded_step.consecutive_skips == 0


def make_weights_useless(learner):
    """Finite weights, but every later gradient is not finite."""
    with torch.no_grad():
        for parameter in learner.networks.world_model.parameters():
            parameter.fill_(1e30)


def test_checkpoints_saved_during_skipped_updates_are_not_restored(tiny, tmp_path):
    learner, checkpoints = trained(tiny, 2), Checkpoints(tmp_path, keep=2)
    save(checkpoints, learner, 100, 2)
    make_weights_useless(learner)
    for i in range(4):
        learner.update(training_batch(tiny, i))
        skips = learner.guarded_step.consecutive_skips
        assert skips == i + 1
        save(checkpoints, learner, 101 + i, 3 + i, consecutive_skips=skips)
    restore_last_good(learner, checkpoints)
    learner.update(training_batch(tiny, 9))
    assert learner.guarded_step.consecutive_skips == 0


def test_an_older_checkpoint_is_restored_if_the_last_one_does_not_help(tiny, tmp_path):
    learner, checkpoints = trained(tiny, 2), Checkpoints(tmp_path, keep=3)
    save(checkpoints, learner, 100, 2)
    make_weights_useless(learner)  # no update has failed yet, so the next checkpoint counts as good
    save(checkpoints, learner, 101, 3)
    for i in range(2):
        learner.update(training_batch(tiny, i))
        assert learner.guarded_step.consecutive_skips == 1
        restore_last_good(learner, checkpoints)
    learner.update(training_batch(tiny, 9))
    assert learner.guarded_step.consecutive_skips == 0


def test_the_number_of_consecutive_skips_is_restored(tiny, tmp_path):
    learner, checkpoints = trained(tiny, 1), Checkpoints(tmp_path, keep=2)
    save(checkpoints, learner, 100, 2, consecutive_skips=7)
    restore_learner(learner, checkpoints.newest())
    assert learner.guarded_step.consecutive_skips == 7


def test_a_stray_checkpoint_of_another_model_does_not_hide_the_own_one(tiny, tmp_path):
    larger = tiny.model_copy(update={"model": tiny.model.model_copy(update={"deter": 48})})
    own, stray = trained(tiny, 1), DreamerLearner(spaces_of(tiny), larger, CPU)
    checkpoints = Checkpoints(tmp_path, keep=5)
    learner = DreamerLearner(spaces_of(tiny), tiny, CPU)

    def restore(checkpoint):
        restore_learner(learner, checkpoint)

    assert restore_newest(checkpoints, restore) is None
    save(checkpoints, stray, 50, 0)
    with pytest.raises(CheckpointError, match=r"model\.\*"):
        restore_newest(checkpoints, restore)
    save(checkpoints, own, 100, own.updates)
    save(checkpoints, stray, 200, 0)
    assert restore_newest(checkpoints, restore).steps == 100
    assert learner.updates == 1


def test_a_state_of_an_optimiser_with_another_shape_is_refused(tiny):
    tensors = learner_tensors(trained(tiny, 1))
    name = next(n for n in tensors if n.startswith("optimizer/") and tensors[n].dim() == 2)
    tensors[name] = torch.zeros(3, 5)
    with pytest.raises(CheckpointError, match=r"optimi[sz]er"):
        restore_learner(DreamerLearner(spaces_of(tiny), tiny, CPU), Checkpoint(tensors, 1, 1, 1))
