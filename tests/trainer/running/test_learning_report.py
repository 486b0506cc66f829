"""What a trainer tells of itself: whether its dreams are honest, and that it came back from numbers
that were none. In lockstep and in life, with a real journal."""

import threading
from dataclasses import replace

import pytest
import torch
from loguru import logger

from agent.networks.agent_networks import acting_shapes
from configs.load import load_config
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run
from interfaces.weights import Manifest, WeightsWriter
from tests.conftest import ROOT
from tests.worlds import PointWorld
from trainer.data.replay_buffer import Replay
from trainer.evaluation.return_gap import Honesty
from trainer.running.checkpoints import Checkpoints
from trainer.running.learning_report import Report
from trainer.running.live_loop import LiveTrainer
from trainer.running.lockstep import Lockstep

STEPS = 260
# Small, without a rest between two looks, and learning from what was just lived alone.
WORDS = [
    "model={deter: 8, stoch: 2, units: 8}",
    "dream={horizon: 3, starts: 8}",
    "trainer={batch: 2, length: 4, prefill: 50, train_ratio: 2, view_s: 1.0e-9}",
    "trainer={patience: 3, checkpoint_steps: 50, overshoot: 0}",
    "trainer={recent: 1.0, recent_steps: 1, holdout: 0.0}",
]


class Poisoned(PointWorld):
    """From `sick_from` on what it pays is no number."""

    sick_from = 10**9
    lived = 0

    def observe(self):
        self.lived += 1
        seen = super().observe()
        return seen if self.lived < self.sick_from else replace(seen, reward=float("nan"))


@pytest.fixture
def said():
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    yield lines
    logger.remove(sink)


@pytest.fixture
def config():
    return load_config(ROOT / "tests" / "point.yaml", WORDS)


def live(config, folder, sick_from=10**9):
    run = create_run(folder / "run", config, "point", ROOT)
    world = Poisoned(config, 0)
    world.sick_from = sick_from
    lockstep = Lockstep(run, config, [world])
    lockstep.run(STEPS, lambda _: None, lambda: False)
    return run, world.spaces, lockstep


def go_on_living(run, spaces, config, learner, updates):
    """The trainer of a life, over what is in the journal."""
    board = Board(run.board)
    replay = Replay(JournalReader(run.journal), spaces, config, torch.device("cpu"))
    report = Report(run, config, spaces, learner, replay, board)
    weights = WeightsWriter(run.weights, Manifest(acting_shapes(learner.networks)))
    checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
    trainer = LiveTrainer(
        config.trainer,
        learner,
        replay,
        report,
        weights,
        weights.last_version,
        checkpoints,
        board,
    )
    over = threading.Event()
    most = learner.updates + updates
    asked = 0

    def done():
        nonlocal asked
        asked += 1
        assert asked < 1000, "it learns no more"
        return over.is_set() or learner.updates >= most

    trainer.run(done)


def came_back(said):
    return [line for line in said if "updates in a row left out" in line]


def test_in_lockstep_it_comes_back_to_the_last_good_checkpoint(config, tmp_path, said):
    _, _, lockstep = live(config, tmp_path, sick_from=200)
    assert came_back(said), said
    assert "3 updates in a row left out" in came_back(said)[0]
    assert "back to the checkpoint of update" in came_back(said)[0]
    assert lockstep.learner.descent.left_out > 3
    for parameter in lockstep.learner.networks.parameters():
        assert torch.isfinite(parameter).all()


def test_so_it_does_in_life(config, tmp_path, said):
    run, spaces, lockstep = live(config, tmp_path, sick_from=STEPS - 8)
    said.clear()
    more = config.trainer.model_copy(update={"train_ratio": 100.0})
    eager = config.model_copy(update={"trainer": more})
    lockstep.learner._ratio = type(lockstep.learner._ratio)(more)
    lockstep.learner.descent.in_a_row = 0
    go_on_living(run, spaces, eager, lockstep.learner, 7)
    assert "back to the checkpoint of update" in came_back(said)[0]


def test_healthy_numbers_need_no_checkpoint(config, tmp_path, said):
    live(config, tmp_path)
    assert not came_back(said)


def cheating(*_):
    return Honesty(torch.ones(3), torch.zeros(3), torch.zeros(3), 0.0, 1.0)


def test_a_cheated_dream_is_said_once_and_its_numbers_are_on_the_board(
    config, tmp_path, said, monkeypatch
):
    monkeypatch.setattr("trainer.running.learning_report.measure_honesty", cheating)
    _, _, lockstep = live(config, tmp_path)
    told = [line for line in said if "cheat its dream" in line]
    assert told == [
        "the policy begins to cheat its dream: 3 steps promise 1.00 and pay 0.00 (the dream of the "
        "same actions: 0.00)"
    ]
    assert lockstep.board["honesty_measured"] > 3
    assert lockstep.board["return_dreamed"] == 1.0


def test_of_another_life_nobody_is_warned(config, tmp_path, said, monkeypatch):
    run, spaces, lockstep = live(config, tmp_path)
    monkeypatch.setattr("trainer.running.learning_report.measure_honesty", cheating)
    replay = Replay(JournalReader(run.journal), spaces, config, torch.device("cpu"))
    for own_life in (False, True):
        report = Report(
            run, config, spaces, lockstep.learner, replay, lockstep.board, own_life=own_life
        )
        for _ in range(4):
            report.every_second(1)
        assert any("cheat its dream" in line for line in said) == own_life


def test_honesty_is_really_measured(config, tmp_path):
    _, _, lockstep = live(config, tmp_path)
    assert lockstep.board["honesty_measured"] > 0
    # Of a point on -1..1 each of three steps pays between -0.5 and 1.
    assert -1.5 <= lockstep.board["return_lived"] <= 3.0
    assert lockstep.board["return_lived"] != lockstep.board["return_dreamed"] != 0.0
