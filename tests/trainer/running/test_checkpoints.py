"""Checkpoints: whole or passed over, kept to the last N, exact."""

import pytest
import torch

from tests.trainer.objectives.test_gradients import batch_of, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.running.checkpoints import (
    Checkpoint,
    CheckpointError,
    Checkpoints,
    learner_tensors,
    mend,
    restore_learner,
)

CPU = torch.device("cpu")


def learned(config, updates):
    spaces = spaces_of(config)
    learner = DreamerLearner(spaces, config, CPU)
    for i in range(updates):
        learner.update(batch_of(config, spaces, i))
    return learner


def test_a_restored_learner_learns_on_exactly(tiny, tmp_path):
    spaces = spaces_of(tiny)
    whole = learned(tiny, 5)
    half = learned(tiny, 3)
    checkpoints = Checkpoints(tmp_path, keep=2)
    checkpoints.save(Checkpoint(learner_tensors(half), 100, half.updates, 1))
    other = DreamerLearner(spaces, tiny.model_copy(update={"seed": 99}), CPU)
    other._config = tiny  # another beginning, the same rules
    restore_learner(other, checkpoints.newest())
    for i in range(3, 5):
        other.update(batch_of(tiny, spaces, i))
    for name, tensor in whole.networks.state_dict().items():
        assert torch.equal(tensor, other.networks.state_dict()[name]), name


def test_the_last_n_are_kept_and_the_newest_is_found(tiny, tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    assert checkpoints.newest() is None
    for steps in (10, 20, 30):
        checkpoints.save(Checkpoint({"x": torch.tensor([steps])}, steps, steps, 1))
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == [
        "000002-000000000020",
        "000003-000000000030",
    ]
    assert len(list(tmp_path.iterdir())) == 4
    assert checkpoints.newest().steps == 30


def test_where_none_is_whole_nobody_begins_anew_over_them(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    assert checkpoints.to_go_on() is None, "there are none"
    for steps in (10, 20):
        path = checkpoints.save(Checkpoint({"x": torch.tensor([steps])}, steps, steps, 1))
    path.with_suffix(".safetensors").write_bytes(b"")
    assert checkpoints.to_go_on().steps == 10
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"none of its checkpoints is whole \(2 are there\)"):
        checkpoints.to_go_on()


def test_the_newest_is_the_one_saved_last_whatever_the_steps(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for steps, updates in ((1000, 1), (1000, 2), (300, 3)):  # the journal stood still, went back
        checkpoints.save(Checkpoint({"x": torch.tensor([steps])}, steps, updates, 1))
    assert checkpoints.newest().updates == 3
    (tmp_path / "000003-000000000300.json").unlink()
    assert checkpoints.newest().updates == 2
    checkpoints.save(Checkpoint({"x": torch.tensor([1])}, 400, 4, 1))
    assert len(list(tmp_path.iterdir())) == 4, "tensors without their JSON are cleared away"


@pytest.mark.parametrize("damage", ["tensors", "json", "missing"])
def test_a_damaged_one_is_passed_over(tmp_path, damage):
    checkpoints = Checkpoints(tmp_path, keep=3)
    for steps in (10, 20):
        checkpoints.save(Checkpoint({"x": torch.arange(100.0)}, steps, steps, 1))
    newest = tmp_path / "000002-000000000020.safetensors"
    if damage == "tensors":
        content = bytearray(newest.read_bytes())
        content[-5] ^= 1
        newest.write_bytes(content)
    elif damage == "missing":
        newest.unlink()
    else:
        newest.with_suffix(".json").write_text("{", encoding="utf-8")
    assert checkpoints.newest().steps == 10


def test_another_configuration_is_refused_with_a_hint(tiny, tmp_path):
    checkpoint = Checkpoint(learner_tensors(learned(tiny, 1)), 10, 1, 1)
    larger = tiny.model_copy(update={"model": tiny.model.model_copy(update={"deter": 48})})
    with pytest.raises(CheckpointError, match=r"model\.\*"):
        restore_learner(DreamerLearner(spaces_of(tiny), larger, CPU), checkpoint)


def test_another_optimiser_is_refused_with_a_hint(tiny, tmp_path):
    learner = learned(tiny, 1)
    saved = Checkpoint(learner_tensors(learner), 100, 1, 1)
    trainer = tiny.trainer.model_copy(update={"optimizer": "laprop"})
    changed = tiny.model_copy(update={"trainer": trainer})
    other = DreamerLearner(spaces_of(changed), changed, CPU)
    with pytest.raises(CheckpointError, match=r"trainer\.optimizer"):
        restore_learner(other, saved)


def test_a_learner_that_has_lost_its_way_comes_back_to_the_last_good_checkpoint(tiny, tmp_path):
    spaces = spaces_of(tiny)
    learner, checkpoints = learned(tiny, 3), Checkpoints(tmp_path, keep=2)
    checkpoints.save(Checkpoint(learner_tensors(learner), 100, learner.updates, 1))
    good = {k: v.clone() for k, v in learner.networks.state_dict().items()}
    with torch.no_grad():
        next(learner.networks.world_model.parameters()).fill_(float("nan"))
    for i in range(3, 6):
        learner.update(batch_of(tiny, spaces, i))
    assert learner.descent.in_a_row == 3
    assert "gradient of" in learner.descent.why
    mend(learner, checkpoints)
    for name, tensor in learner.networks.state_dict().items():
        assert torch.equal(tensor, good[name]), name
    assert learner.updates == 6, "counts on, so that its noise is another"
    learner.update(batch_of(tiny, spaces, 6))
    assert (learner.descent.in_a_row, learner.descent.left_out) == (0, 3)


def test_without_a_checkpoint_it_tries_on(tiny, tmp_path):
    learner = learned(tiny, 1)
    learner.descent.in_a_row = 20
    mend(learner, Checkpoints(tmp_path, keep=2))
    assert learner.descent.in_a_row == 0


def spoiled(learner):
    """Finite, and of no use ever after."""
    with torch.no_grad():
        for parameter in learner.networks.world_model.parameters():
            parameter.fill_(1e30)


def test_what_was_saved_while_all_was_left_out_is_not_come_back_to(tiny, tmp_path):
    spaces, learner = spaces_of(tiny), learned(tiny, 2)
    checkpoints = Checkpoints(tmp_path, keep=2)
    checkpoints.save(Checkpoint(learner_tensors(learner), 100, 2, 1))
    spoiled(learner)
    for i in range(4):
        learner.update(batch_of(tiny, spaces, i))
        left_out = learner.descent.in_a_row
        assert left_out == i + 1
        checkpoints.save(Checkpoint(learner_tensors(learner), 101 + i, 3 + i, 1, left_out=left_out))
    assert checkpoints.newest().steps == 104
    assert checkpoints.good().steps == 100, "kept beside the two newest"
    assert len(list(tmp_path.glob("*.json"))) == 3
    mend(learner, checkpoints)
    learner.update(batch_of(tiny, spaces, 9))
    assert learner.descent.in_a_row == 0


def test_where_the_last_good_one_does_not_help_the_one_before_is_taken(tiny, tmp_path):
    spaces, learner = spaces_of(tiny), learned(tiny, 2)
    checkpoints = Checkpoints(tmp_path, keep=3)
    checkpoints.save(Checkpoint(learner_tensors(learner), 100, 2, 1))
    spoiled(learner)  # unnoticed: no update has met it yet
    checkpoints.save(Checkpoint(learner_tensors(learner), 101, 3, 1))
    for i in range(2):
        learner.update(batch_of(tiny, spaces, i))
        assert learner.descent.in_a_row == 1
        mend(learner, checkpoints)
    learner.update(batch_of(tiny, spaces, 9))
    assert learner.descent.in_a_row == 0


def test_a_streak_goes_on_after_a_resume(tiny, tmp_path):
    learner = learned(tiny, 1)
    checkpoints = Checkpoints(tmp_path, keep=2)
    checkpoints.save(Checkpoint(learner_tensors(learner), 100, 2, 1, left_out=7))
    restore_learner(learner, checkpoints.newest())
    assert learner.descent.in_a_row == 7
