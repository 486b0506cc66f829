"""Driving: keys in a real terminal become the human action on the Board."""

import sys
import threading
from contextlib import nullcontext

import pytest
from rich.console import Console

from configs.actions import ActionConfig
from interfaces.ipc.board import Board
from interfaces.runtime.drive import FIRST_HOLD_S, REPEAT_HOLD_S, PressedKeys, drive, parse_keys
from tests.conftest import ROOT
from tests.polling import wait_until

ACTIONS = (
    ActionConfig(name="Vertical"),
    ActionConfig(name="LookHorizontal"),
    ActionConfig(name="Jump", kind="press"),
    ActionConfig(name="Mood", target="parameter"),
)


def test_keys_and_escape_sequences_of_a_terminal_are_parsed():
    assert parse_keys("wW \x1b[A\x1b[Dx") == ["w", "w", " ", "up", "left", "x"]
    assert parse_keys("\x1bOC\x1b") == ["right", "\x1b"]
    assert parse_keys("") == []


def test_key_counts_as_pressed_until_its_first_repeat_is_due():
    pressed = PressedKeys()
    pressed.press("w", 1.0)
    assert pressed.action(ACTIONS, 1.0 + FIRST_HOLD_S - 0.01).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert not pressed.action(ACTIONS, 1.0 + FIRST_HOLD_S + 0.01).any()


def test_repeating_key_is_released_soon_after_its_last_repeat():
    pressed = PressedKeys()
    for i in range(10):
        pressed.press("w", 1.0 + 0.05 * i)
    assert pressed.action(ACTIONS, 1.5).any()
    assert not pressed.action(ACTIONS, 1.45 + REPEAT_HOLD_S + 0.01).any()


def test_opposite_keys_cancel_and_other_actions_stay_at_zero():
    pressed = PressedKeys()
    for key in ("w", "s", "right", " ", "d"):
        pressed.press(key, 1.0)
    assert pressed.action(ACTIONS, 1.1).tolist() == [0.0, 0.6, 1.0, 0.0]
    pressed.release_all()
    assert not pressed.action(ACTIONS, 1.1).any()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminal on Windows")
def test_keys_in_a_real_terminal_drive_and_q_ends(tmp_path):
    import os
    import pty
    import subprocess

    board = Board(tmp_path / "board.mmap", create=True)
    board.heartbeat("guard")
    code = (
        "import sys, threading; from pathlib import Path; from rich.console import Console\n"
        "from configs.actions import ActionConfig; from interfaces.ipc.board import Board\n"
        "from interfaces.runtime.drive import drive\n"
        "drive(Board(Path(sys.argv[1])), (ActionConfig(name='Vertical'),), threading.Event(),"
        " Console())"
    )
    terminal, child_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "board.mmap")],
        cwd=ROOT,
        stdin=child_end,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: board["human_heartbeat_ns"] > 0, "a heartbeat")
        os.write(terminal, b"w")
        wait_until(lambda: board["human_action"][0] == 1.0, "forward")
        wait_until(lambda: board["human_action"][0] == 0.0, "the key counts as released")
        os.write(terminal, b"q")
        assert process.wait(10) == 0
        assert board["human_heartbeat_ns"] == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(child_end)


def test_driving_ends_with_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("interfaces.runtime.drive._keys", lambda: nullcontext(lambda: []))
    board, stopped = Board(tmp_path / "board.mmap", create=True), threading.Event()
    for has_heartbeat in (False, True):
        if has_heartbeat:
            board.heartbeat("guard")
            board["stop"] = 1
        console = Console(record=True)
        drive(board, ACTIONS, stopped, console)
        assert "the run has ended" in console.export_text()
        assert board["human_heartbeat_ns"] == 0
