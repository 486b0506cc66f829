"""Who moves the avatar at this beat: the policy, a person, or nobody. The body asks once a beat."""

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.vrchat import ControlConfig
from interfaces.ipc.board import Board

HUMAN_GONE_S = 0.5  # a person who is not heard of for so long has let go
_SLACK_S = 0.15
_GUARD_GONE_S = 0.2  # it shows itself fifty times a second
_LOOK_AROUND, _LOOK_AROUND_S = 0.15, 8.0  # share of full turning speed, and once to and fro


class Will(IntEnum):
    """Whose will counts."""

    POLICY = 0
    HUMAN = 1
    PAUSED = 2  # a person paused it; `action` is what it idles with
    FENCED = 3  # the guard holds the inputs: the body must send nothing at all
    UNGUARDED = 4  # there is no guard: the body lets go by itself


class Order(NamedTuple):
    """`action` (num_actions,) in policy units, where it is not the policy's; None: rest."""

    will: Will
    action: NDArray[np.float32] | None = None


class Controls:
    """Reads the orders of guard and people from the Board."""

    def __init__(
        self, board: Board, config: ControlConfig, actions: Sequence[ActionConfig], hz: float
    ) -> None:
        self._board, self._hz, self._count = board, hz, len(actions)
        self._idle = np.array([action.name == "LookHorizontal" for action in actions], np.float32)
        self._looks_around = config.idle == "look_around" and bool(self._idle.any())

    def order(self) -> Order:
        """What holds at this beat."""
        board = self._board
        if fence := int(board["fence"]):
            board["fence_seen"] = fence
            return Order(Will.FENCED)
        if board.heartbeat_age_s("guard") > _GUARD_GONE_S:
            return Order(Will.UNGUARDED)
        if board["human_heartbeat_ns"] and board.heartbeat_age_s("human") < HUMAN_GONE_S:
            return Order(Will.HUMAN, board["human_action"][: self._count].astype(np.float32))
        if board["paused"]:  # a person drives all the same
            return Order(Will.PAUSED, self._idling() if self._looks_around else None)
        return Order(Will.POLICY)

    def _idling(self) -> NDArray[np.float32]:
        angle = 2.0 * math.pi * int(self._board["ticks"]) / (self._hz * _LOOK_AROUND_S)
        return self._idle * np.float32(_LOOK_AROUND * math.sin(angle))


class NoControls:
    """Lockstep: nobody to guard, nobody to obey."""

    def order(self) -> Order:
        return Order(Will.POLICY)


def silent_after_s(hz: float) -> float:
    """A body silent for so long is taken for hung: two and a half beats, and some."""
    return 2.5 / hz + _SLACK_S
