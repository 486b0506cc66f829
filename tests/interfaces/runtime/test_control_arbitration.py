"""Control: the guard comes before a person, and a person before the policy."""

import time

import numpy as np
import pytest

from configs.actions import ActionConfig
from configs.vrchat import ControlConfig
from interfaces.ipc.board import Board
from interfaces.runtime.control_arbitration import ControlArbiter, ControlMode, PolicyOnly

ACTIONS = (ActionConfig(name="Vertical"), ActionConfig(name="LookHorizontal"))


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "board.mmap", create=True)
    board.heartbeat("guard")
    return board


def decision(board, **config):
    return ControlArbiter(board, ControlConfig(**config), ACTIONS, hz=10).decide()


def test_policy_acts_by_default(board):
    assert decision(board).mode is ControlMode.POLICY
    assert PolicyOnly().decide().mode is ControlMode.POLICY


def test_fence_is_obeyed_and_confirmed(board):
    board["fence"], board["paused"] = 3, 1
    assert decision(board).mode is ControlMode.FENCED
    assert board["fence_seen"] == 3


def test_without_a_guard_the_policy_does_not_act(board):
    board["guard_heartbeat_ns"] = time.perf_counter_ns() - 500_000_000
    assert decision(board).mode is ControlMode.UNGUARDED


def test_fence_of_the_supervisor_is_obeyed_and_confirmed_too(board):
    board["fence_seen"], board["supervisor_fence"] = 2, 7
    assert decision(board).mode is ControlMode.FENCED
    assert board["supervisor_fence_seen"] == 7
    assert board["fence_seen"] == 2, "each fence is confirmed for itself"


def test_body_that_did_not_run_releases_before_it_acts_again(board, monkeypatch):
    """As in a laptop that sleeps: no other process can notice, because all of them sleep."""
    now_ns = time.perf_counter_ns()
    monkeypatch.setattr("interfaces.runtime.control_arbitration.uptime_ns", lambda: now_ns)
    control = ControlArbiter(board, ControlConfig(), ACTIONS, hz=10)
    assert control.decide().mode is ControlMode.POLICY, "a start is no pause"
    now_ns += 380_000_000
    assert not control.is_late()
    assert control.decide().mode is ControlMode.POLICY
    now_ns += 420_000_000
    assert control.is_late(), "what was decided before the pause must not be sent"
    assert control.decide().mode is ControlMode.AFTER_GAP
    assert not control.is_late()
    assert control.decide().mode is ControlMode.POLICY


def test_pause_rests_or_looks_around(board):
    board["paused"], board["ticks"] = 1, 20
    assert decision(board) == (ControlMode.PAUSED, None)
    mode, action = decision(board, idle="look_around")
    assert mode is ControlMode.PAUSED
    assert action[0] == 0.0
    assert 0.0 < action[1] < 0.2


def test_person_drives_until_the_heartbeat_stops(board):
    board["human_action"] = np.concatenate([[0.5, -1.0], np.zeros(62)])
    board.heartbeat("human")
    mode, action = decision(board)
    assert mode is ControlMode.HUMAN
    assert action.tolist() == [0.5, -1.0]
    board["human_heartbeat_ns"] = time.perf_counter_ns() - 700_000_000
    assert decision(board).mode is ControlMode.POLICY
    board["human_heartbeat_ns"] = 0
    assert decision(board).mode is ControlMode.POLICY


def test_person_can_drive_a_paused_body(board):
    board["paused"] = 1
    board.heartbeat("human")
    assert decision(board).mode is ControlMode.HUMAN
    board["human_heartbeat_ns"] = 0
    assert decision(board).mode is ControlMode.PAUSED
