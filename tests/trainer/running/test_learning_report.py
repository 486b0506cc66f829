"""The learning report and the recovery from non-finite rewards, in lockstep and live."""

import errno
from dataclasses import replace

import pytest
import torch
from loguru import logger

from agent.networks.agent_networks import acting_shapes
from configs.load import load_config
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader
from interfaces.runtime.metrics import return_gap
from interfaces.runtime.run_folder import create_run
from interfaces.weights import Manifest, WeightsWriter
from tests.conftest import ROOT
from tests.worlds import PointWorld
from trainer.data.replay_buffer import ReplayBuffer
from trainer.evaluation.return_gap import ReturnGap
from trainer.learners.checkpoints import Checkpoints
from trainer.running.learner_setup import LearnerSetup
from trainer.running.learning_report import LearningReport
from trainer.running.live_loop import LiveTrainer
from trainer.running.lockstep import LockstepTrainer

STEPS = 260
EXPLOITS = "exploits errors of the world model"
# A small model that learns from the newest Steps only, with a report after every update.
OVERRIDES = [
    "model={deter: 8, stoch: 2, units: 8}",
    "dream={horizon: 3, starts: 8}",
    "trainer={batch: 2, length: 4, prefill: 50, train_ratio: 2, view_s: 1.0e-9}",
    "trainer={patience: 3, checkpoint_steps: 50, overshoot: 0}",
    "trainer={recent: 1.0, recent_steps: 1, holdout: 0.0}",
]


class NanRewardWorld(PointWorld):
    """From step `nan_from` on, the reward is NaN."""

    nan_from = 10**9
    observed = 0

    def observe(self):
        self.observed += 1
        observation = super().observe()
        is_finite = self.observed < self.nan_from
        return observation if is_finite else replace(observation, reward=float("nan"))


@pytest.fixture
def warnings():
    """The messages that were logged as warnings or errors."""
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    yield lines
    logger.remove(sink)


@pytest.fixture
def config():
    return load_config(ROOT / "tests" / "point.yaml", OVERRIDES)


def train_in_lockstep(config, folder, nan_from=10**9):
    run = create_run(folder / "run", config, "point", ROOT)
    world = NanRewardWorld(config, 0)
    world.nan_from = nan_from
    lockstep = LockstepTrainer(run, config, [world])
    lockstep.run(STEPS, lambda _: None, lambda: False)
    return run, world.spaces, lockstep


def train_live(run, spaces, config, learner, updates):
    """The live training loop, on the Steps that are in the journal."""
    board = Board(run.board)
    replay = ReplayBuffer(JournalReader(run.journal), spaces, config, torch.device("cpu"))
    report = LearningReport(run, config, spaces, learner, replay, board)
    weights = WeightsWriter(run.weights, Manifest(acting_shapes(learner.networks)))
    checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
    setup = LearnerSetup(learner, torch.device("cpu"), checkpoints, None)
    version = weights.last_version
    trainer = LiveTrainer(config.trainer, setup, replay, report, weights, version, board)
    until = learner.updates + updates
    calls = 0

    def done():
        nonlocal calls
        calls += 1
        assert calls < 1000, "no more update is due"
        return learner.updates >= until

    trainer.run(done)


def recoveries(warnings):
    return [line for line in warnings if "updates skipped in a row" in line]


def test_lockstep_training_restores_the_last_good_checkpoint(config, tmp_path, warnings):
    _, _, lockstep = train_in_lockstep(config, tmp_path, nan_from=200)
    assert recoveries(warnings), warnings
    assert "3 updates skipped in a row" in recoveries(warnings)[0]
    assert "restored the checkpoint of update" in recoveries(warnings)[0]
    assert lockstep.learner.guarded_step.skipped_updates > 3
    for parameter in lockstep.learner.networks.parameters():
        assert torch.isfinite(parameter).all()


def test_live_training_restores_the_last_good_checkpoint(config, tmp_path, warnings):
    run, spaces, lockstep = train_in_lockstep(config, tmp_path, nan_from=STEPS - 8)
    warnings.clear()
    trainer_config = config.trainer.model_copy(update={"train_ratio": 100.0})
    live_config = config.model_copy(update={"trainer": trainer_config})
    lockstep.learner._ratio = type(lockstep.learner._ratio)(trainer_config)
    lockstep.learner.guarded_step.consecutive_skips = 0
    train_live(run, spaces, live_config, lockstep.learner, 7)
    assert "restored the checkpoint of update" in recoveries(warnings)[0]


def test_live_training_goes_on_without_space_for_checkpoints(
    config, tmp_path, warnings, monkeypatch
):
    run, spaces, lockstep = train_in_lockstep(config, tmp_path)
    before = sorted(run.checkpoints.iterdir())
    trainer_config = config.trainer.model_copy(update={"train_ratio": 100.0, "checkpoint_s": 1e-9})
    live_config = config.model_copy(update={"trainer": trainer_config})
    lockstep.learner._ratio = type(lockstep.learner._ratio)(trainer_config)
    attempts = 0

    def no_space(_descriptor):
        nonlocal attempts
        attempts += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    warnings.clear()
    monkeypatch.setattr("interfaces.ipc.atomic_files.os.fsync", no_space)
    train_live(run, spaces, live_config, lockstep.learner, 7)
    assert attempts == 8, "after each update, and at the end"
    start = f"the checkpoint is not written to {run.checkpoints}: No space left on device, "
    lines = [line for line in warnings if line.startswith(start)]
    assert len(lines) == 2, "the first attempt and the last, within a minute"
    assert sorted(run.checkpoints.iterdir()) == before


def test_finite_rewards_restore_no_checkpoint(config, tmp_path, warnings):
    train_in_lockstep(config, tmp_path)
    assert not recoveries(warnings)


def exploiting_gap(*_):
    return ReturnGap(torch.ones(3), torch.zeros(3), torch.zeros(3), 0.0, 1.0)


def test_exploitation_is_logged_once_and_its_returns_are_on_the_board(
    config, tmp_path, warnings, monkeypatch
):
    monkeypatch.setattr("trainer.running.model_report.measure_return_gap", exploiting_gap)
    _, _, lockstep = train_in_lockstep(config, tmp_path)
    assert [line for line in warnings if EXPLOITS in line] == [
        "the policy exploits errors of the world model: over 3 steps the dreamed return is 1.00, "
        "the recorded return 0.00 (dreamed with the recorded actions: 0.00)"
    ]
    assert return_gap(lockstep.board) == {"dreamed": 1, "lived": 0, "replayed": 0, "gap": 1}


def test_return_gap_on_foreign_experience_gives_no_warning(config, tmp_path, warnings, monkeypatch):
    run, spaces, lockstep = train_in_lockstep(config, tmp_path)
    monkeypatch.setattr("trainer.running.model_report.measure_return_gap", exploiting_gap)
    replay = ReplayBuffer(JournalReader(run.journal), spaces, config, torch.device("cpu"))
    for own_experience in (False, True):
        report = LearningReport(
            run,
            config,
            spaces,
            lockstep.learner,
            replay,
            lockstep.board,
            own_experience=own_experience,
        )
        for _ in range(4):
            report.write_due(1)
        assert any(EXPLOITS in line for line in warnings) == own_experience


def test_return_gap_is_measured_during_training(config, tmp_path):
    _, _, lockstep = train_in_lockstep(config, tmp_path)
    gap = return_gap(lockstep.board)
    # The point is in -1..1, so that each of the three rewards is in -0.5..1.
    assert -1.5 <= gap["lived"] <= 3.0
    assert gap["lived"] != gap["dreamed"] != 0.0
