"""Decides what controls the avatar at a tick: the policy, a person, or neither."""

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.vrchat import ControlConfig
from interfaces.ipc.board import Board

HUMAN_TIMEOUT_S = 0.5  # without a heartbeat for this long, a person no longer drives
_BODY_SLACK_S = 0.15
_GUARD_TIMEOUT_S = 0.2  # its heartbeat comes fifty times per second
_IDLE_TURN, _IDLE_PERIOD_S = 0.15, 8.0  # share of full turning speed; one swing left and right


class ControlMode(IntEnum):
    """What controls the avatar."""

    POLICY = 0
    HUMAN = 1
    PAUSED = 2  # a person paused the policy
    FENCED = 3  # the guard holds the inputs: the body must send nothing at all
    UNGUARDED = 4  # no guard runs: the body releases the inputs itself


class ControlDecision(NamedTuple):
    """The mode of a tick, and its action in policy units, float32 (num_actions,).

    Without an action the inputs rest, except in mode POLICY, where the policy chooses.
    """

    mode: ControlMode
    action: NDArray[np.float32] | None = None


class ControlArbiter:
    """Reads from the Board what the guard and the commands of a person require.

    The guard comes before a person, and a person before the policy. `hz`: ticks per second.
    """

    def __init__(
        self, board: Board, config: ControlConfig, actions: Sequence[ActionConfig], hz: float
    ) -> None:
        self._board, self._hz, self._count = board, hz, len(actions)
        self._turns = np.array([action.name == "LookHorizontal" for action in actions], np.float32)
        self._looks_around = config.idle == "look_around" and bool(self._turns.any())

    def decide(self) -> ControlDecision:
        """The decision of this tick. Confirms a fence on the Board."""
        board = self._board
        if fence := int(board["fence"]):
            board["fence_seen"] = fence
            return ControlDecision(ControlMode.FENCED)
        if board.heartbeat_age_s("guard") > _GUARD_TIMEOUT_S:
            return ControlDecision(ControlMode.UNGUARDED)
        if board["human_heartbeat_ns"] and board.heartbeat_age_s("human") < HUMAN_TIMEOUT_S:
            action = board["human_action"][: self._count].astype(np.float32)
            return ControlDecision(ControlMode.HUMAN, action)
        if board["paused"]:  # after HUMAN: a person can drive a paused run
            idle_action = self._idle_action() if self._looks_around else None
            return ControlDecision(ControlMode.PAUSED, idle_action)
        return ControlDecision(ControlMode.POLICY)

    def _idle_action(self) -> NDArray[np.float32]:
        """A slow turn left and right."""
        angle = 2.0 * math.pi * int(self._board["ticks"]) / (self._hz * _IDLE_PERIOD_S)
        return self._turns * np.float32(_IDLE_TURN * math.sin(angle))


class PolicyOnly:
    """Control in lockstep: without a guard and without commands, the policy always acts."""

    def decide(self) -> ControlDecision:
        return ControlDecision(ControlMode.POLICY)


def body_timeout_s(hz: float) -> float:
    """Seconds without a heartbeat after which the body counts as hung: 2.5 ticks and some slack."""
    return 2.5 / hz + _BODY_SLACK_S
