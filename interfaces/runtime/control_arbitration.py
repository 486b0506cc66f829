"""Decides what controls the avatar at a tick: the policy, a person, or neither."""

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.vrchat import ControlConfig
from interfaces.core.clock import uptime_ns
from interfaces.ipc.board import Board
from interfaces.safety.body_watch import body_timeout_s, confirm_fences

HUMAN_TIMEOUT_S = 0.5  # without a heartbeat for this long, a person no longer drives
_GUARD_TIMEOUT_S = 0.2  # its heartbeat comes fifty times per second
_IDLE_TURN, _IDLE_PERIOD_S = 0.15, 8.0  # share of full turning speed; one swing left and right


class ControlMode(IntEnum):
    """What controls the avatar."""

    POLICY = 0
    HUMAN = 1
    PAUSED = 2  # a person paused the policy
    FENCED = 3  # a watch holds the inputs: the body must send nothing at all
    UNGUARDED = 4  # no guard runs: the body releases the inputs itself
    AFTER_GAP = 5  # the body itself did not run: it releases the inputs before it acts again


class ControlDecision(NamedTuple):
    """The mode of a tick, and its action in policy units, float32 (num_actions,).

    Without an action the inputs rest, except in mode POLICY, where the policy chooses.
    """

    mode: ControlMode
    action: NDArray[np.float32] | None = None


class ControlArbiter:
    """Reads from the Board what the guard and the commands of a person require.

    The guard comes before a person, and a person before the policy. `hz`: ticks per second.

    It also notices when its own process did not run for as long as a body that hangs, as in a
    laptop that sleeps. Then all other processes may have slept too.
    """

    def __init__(
        self, board: Board, config: ControlConfig, actions: Sequence[ActionConfig], hz: float
    ) -> None:
        self._board, self._hz, self._count = board, hz, len(actions)
        self._turns = np.array([action.name == "LookHorizontal" for action in actions], np.float32)
        self._looks_around = config.idle == "look_around" and bool(self._turns.any())
        self._gap_ns = round(1e9 * body_timeout_s(hz))
        self._decided_ns = 0  # no decision yet

    def decide(self) -> ControlDecision:
        """The decision of this tick. Confirms a fence on the Board."""
        board = self._board
        after_gap = self.is_late()
        self._decided_ns = uptime_ns()
        if confirm_fences(board):
            return ControlDecision(ControlMode.FENCED)
        if after_gap:
            return ControlDecision(ControlMode.AFTER_GAP)
        if board.heartbeat_age_s("guard") > _GUARD_TIMEOUT_S:
            return ControlDecision(ControlMode.UNGUARDED)
        if board["human_heartbeat_ns"] and board.heartbeat_age_s("human") < HUMAN_TIMEOUT_S:
            action = board["human_action"][: self._count].astype(np.float32)
            return ControlDecision(ControlMode.HUMAN, action)
        if board["paused"]:  # after HUMAN: a person can drive a paused run
            idle_action = self._idle_action() if self._looks_around else None
            return ControlDecision(ControlMode.PAUSED, idle_action)
        return ControlDecision(ControlMode.POLICY)

    def is_late(self) -> bool:
        """Whether the last decision is so old that its action must not be sent any more."""
        return 0 < self._decided_ns < uptime_ns() - self._gap_ns

    def _idle_action(self) -> NDArray[np.float32]:
        """A slow turn left and right."""
        angle = 2.0 * math.pi * int(self._board["ticks"]) / (self._hz * _IDLE_PERIOD_S)
        return self._turns * np.float32(_IDLE_TURN * math.sin(angle))


class PolicyOnly:
    """Control in lockstep: without a guard and without commands, the policy always acts."""

    def decide(self) -> ControlDecision:
        return ControlDecision(ControlMode.POLICY)
