"""Whose will counts: the guard's before a person's, a person's before the policy's."""

import time

import numpy as np
import pytest

from configs.actions import ActionConfig
from configs.vrchat import ControlConfig
from interfaces.ipc.board import Board
from interfaces.runtime.control_arbitration import Controls, NoControls, Will

ACTIONS = (ActionConfig(name="Vertical"), ActionConfig(name="LookHorizontal"))


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "board.mmap", create=True)
    board.beat("guard")
    return board


def controls(board, **config):
    return Controls(board, ControlConfig(**config), ACTIONS, hz=10)


def test_the_policy_acts_when_nobody_else_wants_to(board):
    assert controls(board).order().will is Will.POLICY
    assert NoControls().order().will is Will.POLICY


def test_a_fence_is_noticed_and_answered(board):
    board["fence"], board["paused"] = 3, 1
    assert controls(board).order().will is Will.FENCED
    assert board["fence_seen"] == 3


def test_without_a_guard_nobody_acts(board):
    board["guard_heartbeat_ns"] = time.perf_counter_ns() - 500_000_000
    assert controls(board).order().will is Will.UNGUARDED


def test_a_pause_rests_or_looks_around(board):
    board["paused"], board["ticks"] = 1, 20
    assert controls(board).order() == (Will.PAUSED, None)
    will, action = controls(board, idle="look_around").order()
    assert will is Will.PAUSED
    assert action[0] == 0.0
    assert 0.0 < action[1] < 0.2


def test_a_person_drives_for_as_long_as_they_are_there(board):
    board["human_action"] = np.concatenate([[0.5, -1.0], np.zeros(62)])
    board.beat("human")
    will, action = controls(board).order()
    assert will is Will.HUMAN
    assert action.tolist() == [0.5, -1.0]
    board["human_heartbeat_ns"] = time.perf_counter_ns() - 700_000_000
    assert controls(board).order().will is Will.POLICY
    board["human_heartbeat_ns"] = 0
    assert controls(board).order().will is Will.POLICY


def test_a_person_drives_a_paused_body_too(board):
    board["paused"] = 1
    board.beat("human")
    assert controls(board).order().will is Will.HUMAN
    board["human_heartbeat_ns"] = 0
    assert controls(board).order().will is Will.PAUSED
