"""Checkpoint files: the newest intact one is found, and only the last N are kept."""

import json
import zlib

import pytest
import torch

from trainer.learners.checkpoints import Checkpoint, CheckpointError, Checkpoints


def save(checkpoints, steps, updates=0, **more):
    return checkpoints.save(Checkpoint({"x": torch.tensor([steps])}, steps, updates, 1, **more))


def test_only_the_last_n_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    assert checkpoints.newest() is None
    for steps in (10, 20, 30):
        save(checkpoints, steps)
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == [
        "000002-000000000020",
        "000003-000000000030",
    ]
    assert len(list(tmp_path.iterdir())) == 4
    assert checkpoints.newest().steps == 30


def test_the_last_good_one_is_kept_besides_the_last_n(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    save(checkpoints, 100)
    for i in range(4):
        save(checkpoints, 101 + i, consecutive_skips=i + 1)
    assert checkpoints.newest().steps == 104
    assert checkpoints.newest_good().steps == 100
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_good_checkpoints_before_a_serial(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=3)
    for steps in (10, 20):
        save(checkpoints, steps)
    assert checkpoints.newest_good().serial == 2
    assert checkpoints.newest_good(before_serial=2).steps == 10
    assert checkpoints.newest_good(before_serial=1) is None


def test_a_run_with_only_damaged_checkpoints_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    assert checkpoints.newest_or_fail() is None, "a run without checkpoints may start"
    for steps in (10, 20):
        path = save(checkpoints, steps)
    path.with_suffix(".safetensors").write_bytes(b"")
    assert checkpoints.newest_or_fail().steps == 10
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"all checkpoints are damaged \(2\)"):
        checkpoints.newest_or_fail()


def test_the_newest_is_the_one_saved_last_whatever_its_steps(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for steps, updates in ((1000, 1), (1000, 2), (300, 3)):  # no new steps, then a damaged journal
        save(checkpoints, steps, updates)
    assert checkpoints.newest().updates == 3
    (tmp_path / "000003-000000000300.json").unlink()
    assert checkpoints.newest().updates == 2
    save(checkpoints, 400, 4)
    assert len(list(tmp_path.iterdir())) == 4, "tensors without their JSON are removed"


@pytest.mark.parametrize("damage", ["tensors", "json", "missing"])
def test_a_damaged_checkpoint_is_ignored(tmp_path, damage):
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


def forge(path, **changes):
    """Change the JSON as a stranger would: without a checksum."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("checksum")
    path.write_text(json.dumps(content | changes), encoding="utf-8")


NOT_TENSORS = b"\x00\x00\x00\x00\x00\x08\x00\x00{}"  # a header of 8 TiB


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": "20"},
        {"steps": 1e999},
        {"updates": -1},
        {"version": None},
        {"extra": []},
        {"left_out": [1]},
        {"crc32": zlib.crc32(NOT_TENSORS), "bytes": len(NOT_TENSORS)},
        {"bytes": 8 * 2**40},
    ],
    ids=str,
)
def test_a_checkpoint_of_another_form_does_not_hide_the_one_before_it(tmp_path, changes):
    checkpoints = Checkpoints(tmp_path, keep=3)
    for steps in (10, 20):
        path = save(checkpoints, steps)
    if "crc32" in changes:
        path.with_suffix(".safetensors").write_bytes(NOT_TENSORS)
    forge(path, **changes)
    assert checkpoints.newest_or_fail().steps == 10
    assert checkpoints.newest_good().steps == 10


def test_a_changed_number_is_noticed_and_an_old_checkpoint_has_no_checksum(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=3)
    for steps in (10, 20):
        path = save(checkpoints, steps, updates=7)
    forge(path)
    assert checkpoints.newest().steps == 20
    path = save(checkpoints, 30, updates=7)
    path.write_text(path.read_text().replace('"updates": 7', '"updates": 5'))
    assert checkpoints.newest().steps == 20


def test_files_with_other_names_are_left_alone(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1)
    for name in ("0abc-1.json", "holiday.safetensors", "9-9.json"):
        (tmp_path / name).write_text("mine")
    for steps in (10, 20):
        save(checkpoints, steps)
    assert checkpoints.newest().serial == 2
    assert (tmp_path / "holiday.safetensors").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 5
