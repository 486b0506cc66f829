"""Taking over: keys of a real terminal become the Board's human action."""

import sys
import threading
import time
from contextlib import nullcontext

import pytest
from rich.console import Console

from configs.actions import ActionConfig
from interfaces.ipc.board import Board
from interfaces.runtime.drive import HELD_S, REPEATED_S, Held, drive, keys_in
from tests.conftest import ROOT

ACTIONS = (
    ActionConfig(name="Vertical"),
    ActionConfig(name="LookHorizontal"),
    ActionConfig(name="Jump", kind="press"),
    ActionConfig(name="Mood", target="parameter"),
)


def test_keys_of_a_terminal():
    assert keys_in("wW \x1b[A\x1b[Dx") == ["w", "w", " ", "up", "left", "x"]
    assert keys_in("\x1bOC\x1b") == ["right", "\x1b"]
    assert keys_in("") == []


def test_a_key_is_held_until_its_first_repeat_can_have_come():
    held = Held()
    held.press("w", 1.0)
    assert held.action(ACTIONS, 1.0 + HELD_S - 0.01).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert not held.action(ACTIONS, 1.0 + HELD_S + 0.01).any()


def test_a_repeating_key_is_let_go_soon_after_its_last_repeat():
    held = Held()
    for i in range(10):
        held.press("w", 1.0 + 0.05 * i)
    assert held.action(ACTIONS, 1.5).any()
    assert not held.action(ACTIONS, 1.45 + REPEATED_S + 0.01).any()


def test_opposite_keys_cancel_and_what_cannot_be_driven_is_left_alone():
    held = Held()
    for key in ("w", "s", "right", " ", "d"):
        held.press(key, 1.0)
    assert held.action(ACTIONS, 1.1).tolist() == [0.0, 0.6, 1.0, 0.0]
    held.release_all()
    assert not held.action(ACTIONS, 1.1).any()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminal on Windows")
def test_in_a_terminal(tmp_path):
    import os
    import pty
    import subprocess

    board = Board(tmp_path / "board.mmap", create=True)
    board.beat("guard")
    code = (
        "import sys, threading; from pathlib import Path; from rich.console import Console\n"
        "from configs.actions import ActionConfig; from interfaces.ipc.board import Board\n"
        "from interfaces.runtime.drive import drive\n"
        "drive(Board(Path(sys.argv[1])), (ActionConfig(name='Vertical'),), threading.Event(),"
        " Console())"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "board.mmap")],
        cwd=ROOT,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
    )
    try:
        _until(lambda: board["human_heartbeat_ns"] > 0)
        os.write(ours, b"w")
        _until(lambda: board["human_action"][0] == 1.0)
        _until(lambda: board["human_action"][0] == 0.0)  # a terminal does not tell of a key let go
        os.write(ours, b"q")
        assert process.wait(10) == 0
        assert board["human_heartbeat_ns"] == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_it_ends_with_the_life(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("interfaces.runtime.drive._keys", lambda: nullcontext(lambda: []))
    board, stopped = Board(tmp_path / "board.mmap", create=True), threading.Event()
    for heard_of in (False, True):
        if heard_of:
            board.beat("guard")
            board["stop"] = 1
        console = Console(record=True)
        drive(board, ACTIONS, stopped, console)
        assert "the life has ended" in console.export_text()
        assert board["human_heartbeat_ns"] == 0


def _until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
