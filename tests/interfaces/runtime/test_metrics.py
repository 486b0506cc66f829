"""Lines of metrics, the summary and the dashboard show what is on the Board."""

import io
import json
import math

import pytest
from rich.console import Console

from configs.load import load_config
from configs.schema import RewardConfig
from interfaces.ipc.board import Board
from interfaces.runtime.dashboard import live_view, plain_line
from interfaces.runtime.metric_table import (
    METRICS,
    PAGE,
    find_metric,
    metric_name,
    with_metrics,
)
from interfaces.runtime.metrics import LOSSES, losses, metrics_line, reward_per_step, summary
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "board", create=True)


def test_a_line_has_every_old_key_before_the_first_update(board):
    line = metrics_line(board, RewardConfig(), 1.0)
    assert line["losses"] == dict.fromkeys(LOSSES, 0.0)
    assert (line["surprise"], line["dream_return"], line["entropy"]) == (0.0, 0.0, 0.0)
    assert set(line["prediction_psnr"].values()) | set(line["honesty"].values()) == {None}
    assert line["reward_per_step"] == {"recorded": None, "curiosity": None}
    assert line["metrics"] == {}


def test_every_metric_is_in_the_line_and_the_known_ones_at_their_old_keys(board):
    written = {
        "loss/model": 2.0,
        "loss/cloning": 3.0,
        "model/surprise": 4.0,
        "dream/return": 5.0,
        "policy/entropy": 6.0,
        "model/psnr": 7.0,
        "model/psnr_last_frame": 8.0,
        "model/psnr_mean_frame": 9.0,
        "return_gap/dreamed": 3.0,
        "return_gap/recorded": 1.0,
        "return_gap/replayed": 2.0,
        "method/new": math.nan,
    }
    for name, value in written.items():
        board.metrics.write(name, value)
    line = metrics_line(board, RewardConfig(), 1.0)
    assert line["metrics"] == written | {"method/new": None}
    assert line["losses"] == dict.fromkeys(LOSSES, 0.0) | {"model": 2.0, "cloning": 3.0}
    assert line["losses"] == losses(board)
    assert (line["surprise"], line["dream_return"], line["entropy"]) == (4.0, 5.0, 6.0)
    assert line["prediction_psnr"] == {"model": 7.0, "last_frame": 8.0, "mean_frame": 9.0}
    assert line["honesty"] == {"dreamed": 3.0, "lived": 1.0, "replayed": 2.0, "gap": 2.0}
    json.dumps(line, allow_nan=False)


def test_curiosity_is_shown_beside_the_reward_of_a_step(board, tmp_path):
    board.metrics.write("reward/sum", 60.0)
    board.metrics.write("reward/curiosity", 15.0)
    board["ticks"] = board["session_updates"] = board["first_tick_ns"] = 1
    assert reward_per_step(board) == {"recorded": 0.2, "curiosity": 0.05}
    content = summary(
        board,
        RewardConfig(),
        exit_word="clean",
        seconds=1.0,
        acting_s=1.0,
        steps=1,
        train_ratio=1.0,
        first_losses={},
        restarts={},
        memory_mb={},
    )
    assert content["reward_per_step"] == {"recorded": 0.2, "curiosity": 0.05}
    assert "per step +0.2000, curiosity +0.0500" in plain_line(board, 1.0)
    config = load_config(ROOT / "configs" / "tiny.yaml")
    run = create_run(tmp_path / "run", config, "tiny", ROOT)
    screen = Console(width=80, record=True, file=io.StringIO())
    screen.print(live_view(board, run, config, 1.0, ""))
    shown = " ".join(screen.export_text().split())
    assert "reward per step +0.2000 curiosity +0.0500" in shown


def test_the_page_explains_every_metric():
    """Otherwise: python -m interfaces.runtime.metric_table"""
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_metrics(page)
    assert all(f"| `{metric.name}` |" in page for metric in METRICS)


def test_metrics_have_one_group_one_name_and_one_sentence():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(name.count("/") == 1 for name in names)
    assert all(metric.help.endswith(".") and "|" not in metric.help for metric in METRICS)


@pytest.mark.parametrize(
    ("key", "name", "row"),
    [
        ("loss_replay_value", "loss/replay_value", "loss/replay_value"),
        ("surprise", "model/surprise", "model/surprise"),
        ("policy_kl", "policy/kl", "policy/kl"),
        ("critic/norm", "critic/norm", None),
        ("other", "method/other", "method/NAME"),
        ("reward/sum", "reward/sum", "reward/sum"),
        ("reward/parameters.Head Pat", "reward/parameters.Head Pat", "reward/TERM"),
        ("return_gap/dreamed_005", "return_gap/dreamed_005", "return_gap/dreamed_NNN"),
    ],
)
def test_a_metric_of_a_learner_gets_its_group(key, name, row):
    assert metric_name(key) == name
    found = find_metric(name)
    assert (found.name if found else None) == row
