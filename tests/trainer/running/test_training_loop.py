"""The training loop keeps one order, whoever drives it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from configs.training import TrainerConfig
from trainer.running import training_loop
from trainer.running.training_loop import CheckpointContent, TrainingLoop

FLAT = np.ones(3, np.float32)


class Parts:
    """A learner, its report, its context and its checkpoints that write down each call."""

    publishes_during_training = True
    takes_weights = True
    publish_updates = 2
    updates = 0
    disk_is_full = False

    def __init__(self, monkeypatch):
        self.calls = []
        self.saved = []
        self.due = 10
        self.networks = object()
        self.guarded_step = SimpleNamespace(consecutive_skips=0)
        self.board = {"weights_published": 0}
        monkeypatch.setattr(training_loop, "flatten_acting", lambda networks: FLAT)
        monkeypatch.setattr(training_loop, "learner_tensors", self.learner_tensors)
        monkeypatch.setattr(training_loop, "restore_last_good", self.restore)

    def loop(self, **config):
        setup = SimpleNamespace(learner=self, checkpoints=self)
        return TrainingLoop(
            TrainerConfig(**config), setup, "replay", self, self, self.board, version=5
        )

    @property
    def surprise_scale(self):
        return torch.tensor(float(self.updates))

    def learn(self, replay):
        assert replay == "replay"
        if self.updates == self.due:
            return None
        self.updates += 1
        self.calls.append("learn")
        return {"loss": self.updates}

    def record_update(self, metrics, surprise_scale):
        assert int(surprise_scale) == metrics["loss"] - 1, "the scale before the update"
        self.calls.append("record")

    def restore(self, learner, checkpoints):
        self.calls.append("restore")

    def send_weights(self, flat, version):
        assert flat is FLAT
        self.calls.append(f"send {version}")
        return self.takes_weights

    def published(self, version):
        self.calls.append(f"published {version}")

    def write_due(self, version):
        self.calls.append(f"report {version}")

    def finish(self, version):
        self.calls.append(f"finish {version}")

    def checkpoint_content(self):
        self.calls.append("content")
        return CheckpointContent(40, {"body": torch.ones(1)}, {"worlds": []})

    def learner_tensors(self, learner):
        assert self.calls[-1] == "content", "the context may still change the learner's state"
        return {"network": torch.zeros(1)}

    def save(self, checkpoint):
        if self.disk_is_full:
            raise OSError("full")
        self.saved.append(checkpoint)


@pytest.fixture
def parts(monkeypatch):
    return Parts(monkeypatch)


def test_an_update_is_recorded_published_and_reported_in_this_order(parts):
    loop = parts.loop()
    assert loop.update()
    assert loop.update()
    assert parts.calls == [
        *("learn", "record", "report 5"),
        *("learn", "record", "send 6", "published 6", "report 6"),
    ]
    assert parts.board["weights_published"] == 1


def test_skipped_updates_are_restored_before_the_weights_are_published(parts):
    loop = parts.loop(patience=3)
    parts.guarded_step.consecutive_skips, parts.publish_updates = 3, 1
    loop.update()
    assert parts.calls == ["learn", "record", "restore", "send 6", "published 6", "report 6"]


def test_nothing_happens_while_no_update_is_due(parts):
    parts.due = 0
    assert not parts.loop().update()
    assert parts.calls == []


def test_a_context_may_leave_publishing_to_its_driver(parts):
    parts.publishes_during_training, parts.publish_updates = False, 1
    loop = parts.loop()
    loop.update()
    assert parts.calls == ["learn", "record", "report 5"]
    loop.publish()
    loop.finish()
    assert parts.calls[3:] == ["send 6", "published 6", "finish 6"]


def test_refused_weights_do_not_use_up_a_version(parts):
    loop = parts.loop()
    parts.takes_weights = False
    loop.publish()
    parts.takes_weights = True
    loop.publish()
    assert parts.calls == ["send 6", "send 6", "published 6"]
    assert (loop.version, parts.board["weights_published"]) == (6, 1)


def test_a_checkpoint_holds_the_learner_and_the_content_of_the_context(parts):
    parts.guarded_step.consecutive_skips = 1
    parts.loop().save()
    (saved,) = parts.saved
    assert list(saved.tensors) == ["network", "body"]
    assert (saved.steps, saved.updates, saved.version) == (40, 0, 5)
    assert (saved.extra, saved.consecutive_skips) == ({"worlds": []}, 1)


def test_a_failed_save_is_due_again_after_the_interval(parts, monkeypatch):
    now = 100.0
    monkeypatch.setattr(training_loop, "time", SimpleNamespace(perf_counter=lambda: now))
    loop = parts.loop(checkpoint_s=10.0)
    assert not loop.save_is_due
    now = 110.0
    assert loop.save_is_due
    parts.disk_is_full = True
    with pytest.raises(OSError, match="full"):
        loop.save()
    assert not loop.save_is_due
    now = 120.0
    assert loop.save_is_due
