"""Offline training: it learns, resumes, and its run can be continued live."""

import math
import threading

import numpy as np
import pytest
import torch

from configs.errors import BadInput
from configs.load import load_config
from interfaces.core.learning_methods import learning_method
from tests.conftest import ROOT
from tests.trainer.running.import_recordings import import_recordings
from trainer.data.replay_buffer import ReplayBuffer
from trainer.data.train_ratio import TrainRatio
from trainer.learners.checkpoints import Checkpoints
from trainer.running.offline import OfflineTrainer, default_updates


def learn(offline, updates):
    offline.run(updates, lambda _: None, threading.Event())


def test_offline_training_lowers_the_held_out_loss(tmp_path, recordings):
    offline = OfflineTrainer(*import_recordings(tmp_path, recordings))
    before = [parameter.clone() for parameter in offline.learner.networks.parameters()]
    loss_before = offline.held_out_loss()
    learn(offline, 40)
    assert offline.held_out_loss() < loss_before
    changed = zip(before, offline.learner.networks.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in changed)


def test_offline_training_resumes_without_the_held_out_steps(tmp_path, recordings):
    run, config, imported = import_recordings(tmp_path, recordings)
    offline = OfflineTrainer(run, config, imported)
    learn(offline, 4)
    resumed = OfflineTrainer(run, config, imported)
    assert resumed.learner.updates == 4
    assert resumed.held_out_loss() == pytest.approx(offline.held_out_loss())
    for updates in (7, 9):
        learn(resumed, updates)
    assert Checkpoints(run.checkpoints, 3).newest().updates == 9
    assert resumed._replay.held_out_from == imported.held_out_from


def test_live_run_after_offline_training_counts_the_train_ratio_from_there(tmp_path, recordings):
    run, config, imported = import_recordings(tmp_path, recordings)
    learn(OfflineTrainer(run, config, imported), 45)
    newest = Checkpoints(run.checkpoints, 3).newest()
    steps, updates, free = imported.steps, newest.updates, newest.tensors["ratio/free"].clone()
    ratio = TrainRatio(config.trainer)
    assert not ratio.allows(steps, updates, free)
    replayed_per_update = learning_method(config).replayed_per_update(config)
    steps += math.ceil(3 * replayed_per_update / config.trainer.train_ratio)
    assert ratio.allows(steps, updates + 2, free)
    assert not ratio.allows(steps, updates + 3, free)
    # After the ratio is lowered, it counts from that point.
    lower = TrainRatio(config.trainer.model_copy(update={"train_ratio": 4.0}))
    assert not lower.allows(steps, updates + 3, free)
    steps += math.ceil(2 * replayed_per_update / 4.0)
    assert lower.allows(steps, updates + 4, free)
    assert not lower.allows(steps, updates + 5, free)


@pytest.mark.parametrize(
    ("steps", "updates"), [(300, 100), (3_000, 1000), (108_000, 1000), (384_000, 3000)]
)
def test_default_updates_sample_each_step_about_three_times_within_limits(steps, updates):
    """Preset records: batches of 8 x 48 Steps, and a train ratio of 128."""
    assert default_updates(steps, load_config(ROOT / "configs" / "records.yaml")) == updates


def test_offline_batches_are_uniform_over_the_recordings(tmp_path, recordings, monkeypatch):
    run, config, imported = import_recordings(
        tmp_path, recordings, "trainer.recent=0.5", "trainer.recent_steps=20"
    )
    sampled: list[int] = []
    windows = ReplayBuffer.windows

    def windows_spy(self, starts, length):
        sampled.extend(starts.tolist())
        return windows(self, starts, length)

    offline = OfflineTrainer(run, config, imported)
    monkeypatch.setattr(ReplayBuffer, "windows", windows_spy)
    for update in range(50):
        offline._replay.sample(update)
    last = imported.held_out_from - config.trainer.length
    assert len(sampled) == 50 * config.trainer.batch
    assert np.mean(np.array(sampled) < last / 2) == pytest.approx(0.5, abs=0.12)


def test_rewards_are_recomputed_with_the_new_configuration(tmp_path, recordings):
    offline = OfflineTrainer(
        *import_recordings(tmp_path, recordings, "reward.action_cost=5", "reward.surprise=0")
    )
    batch = offline._replay.windows(np.array([1, 30]), 8)
    assert float(batch.reward.mean()) < -0.5


def test_on_policy_method_is_refused(tmp_path, recordings):
    run = import_recordings(
        tmp_path, recordings, "method=ppo", "model.core=none", "reward.surprise=0"
    )
    with pytest.raises(BadInput, match="method ppo"):
        OfflineTrainer(*run)
