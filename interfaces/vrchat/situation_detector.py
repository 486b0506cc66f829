"""Detects unusual situations from frame and avatar parameters, and says how to respond.

VRChat does not report an open menu, a loading world or a respawn. The detector infers them: the
inputs that were sent do not have their usual effect.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.vrchat import SituationsConfig
from interfaces.core.situation_responses import ALWAYS_RESTING, situations_with
from interfaces.core.world import Situation

# The detector reads these parameters, whether or not they are part of the observation.
WATCHED_PARAMETERS = ("VelocityX", "VelocityZ", "AngularY", "AFK", "MuteSelf")
_MIN_MOVE, _MIN_TURN = 0.2, 0.2  # Shares of full deflection that should have an effect.
_MOVES_M_S, _TURNS_DEG_S = 0.1, 1.0  # Below these speeds the avatar does not move or turn.
_WALKS_M_S, _SWINGS_DEG_S = 0.3, 10.0  # At these speeds the picture must change.
_CALM_M_S = 1.0  # Below this speed walking does not explain another picture.
_MENU_RETRY = 3.0  # An open menu is assumed for this many times menu_s, then checked again.
_LOADED_S = 12.0  # An avatar change this soon after a black picture means another world.
_CUT = 40.0  # Mean difference of two pictures that walking cannot explain.
_SMALL = (8, 8)


@dataclass(frozen=True, slots=True)
class FrameSample:
    """The newest frame at a tick: `picture` is uint8 (height, width, 3).

    `age_s`: seconds since capture. `same_s`: for how many seconds the pictures have been the same.
    `brightness`: mean, 0..255.
    """

    picture: NDArray[np.uint8]
    age_s: float
    number: int
    brightness: float
    same_s: float


@dataclass(frozen=True, slots=True)
class AvatarState:
    """The avatar's speeds and flags, from its parameters."""

    right_m_s: float
    forward_m_s: float
    turn_deg_s: float
    afk: bool
    muted: bool
    avatar_changed: bool

    @property
    def speed_m_s(self) -> float:
        """Horizontal speed, m/s."""
        return math.hypot(self.right_m_s, self.forward_m_s)

    @property
    def moves(self) -> bool:
        """Whether the avatar clearly walks or turns."""
        return self.speed_m_s >= _WALKS_M_S or abs(self.turn_deg_s) >= _SWINGS_DEG_S


@dataclass(slots=True)
class _DetectorState:
    """When each condition began, in seconds of the clock; None: it does not hold.

    Snapshots store these field names.
    """

    pushing_s: float | None = None  # move inputs without effect
    turning_s: float | None = None  # turn inputs without effect
    moving_s: float | None = None  # the avatar moves or turns
    menu_until_s: float = -math.inf
    black_s: float = -math.inf  # when the picture was last black
    number: int = 0
    calm: bool = False  # at the last tick the avatar neither turned nor ran


class SituationDetector:
    """Detects situations once per tick, and keeps since when each condition holds."""

    def __init__(self, config: SituationsConfig, stale_s: float) -> None:
        self._config, self._stale_s = config, stale_s
        self._state = _DetectorState()
        self._last_picture: NDArray[np.uint8] | None = None

    def detect(
        self, frame: FrameSample | None, avatar: AvatarState, move: float, turn: float, now: float
    ) -> Situation:
        """The situations of this tick.

        `move` and `turn`: the largest move and turn input sent at the last tick, 0..1. `now` in
        seconds.
        """
        config, state = self._config, self._state
        situation = Situation.NONE
        if frame is None or frame.age_s > self._stale_s:
            situation |= Situation.NO_FRAME
        elif frame.brightness < config.black_below:
            situation |= Situation.BLACK
            state.black_s = now
        if avatar.afk:
            situation |= Situation.AFK
        if avatar.muted:
            situation |= Situation.MUTED
        if avatar.avatar_changed:
            situation |= Situation.AVATAR_CHANGE
            if now - state.black_s < _LOADED_S:
                situation |= Situation.WORLD_CHANGE
                state.black_s = -math.inf
        situation |= self._inputs_without_effect(avatar, move, turn, now)
        if frame is not None and not situation & (Situation.NO_FRAME | Situation.BLACK):
            situation |= self._frozen_or_cut(frame, avatar, now)
        state.calm = avatar.speed_m_s < _CALM_M_S and abs(avatar.turn_deg_s) < _TURNS_DEG_S
        return situation

    def snapshot(self) -> dict[str, Any]:
        """The state as JSON; infinite times are None."""
        fields = {name: getattr(self._state, name) for name in _DetectorState.__slots__}
        for name in ("menu_until_s", "black_s"):
            fields[name] = fields[name] if math.isfinite(fields[name]) else None
        small = None if self._last_picture is None else _shrink(self._last_picture).tolist()
        return {"memory": fields, "before": small}

    def restore(self, snapshot: dict[str, Any]) -> None:
        fields = dict(snapshot["memory"])
        for name in ("menu_until_s", "black_s"):
            fields[name] = -math.inf if fields[name] is None else fields[name]
        self._state = _DetectorState(**fields)
        small = snapshot["before"]
        self._last_picture = None if small is None else np.asarray(small, np.uint8)

    def _inputs_without_effect(
        self, avatar: AvatarState, move: float, turn: float, now: float
    ) -> Situation:
        """MENU or STUCK: the inputs are sent, but the avatar does not move."""
        config, state = self._config, self._state
        no_turn = turn >= _MIN_TURN and abs(avatar.turn_deg_s) < _TURNS_DEG_S
        no_move = move >= _MIN_MOVE and avatar.speed_m_s < _MOVES_M_S
        state.turning_s = _start_time(state.turning_s, no_turn, now)
        state.pushing_s = _start_time(state.pushing_s, no_move, now)
        # A wall stops walking but not turning. Only a menu, or OSC switched off, stops turning.
        if _duration_s(state.turning_s, now) >= config.menu_s:
            state.menu_until_s = now + _MENU_RETRY * config.menu_s
            state.turning_s = None
        # With inputs at rest nothing shows that the menu was closed: the agent tries again later.
        if avatar.speed_m_s >= _MOVES_M_S or abs(avatar.turn_deg_s) >= _TURNS_DEG_S:
            state.menu_until_s = -math.inf
        if now < state.menu_until_s:
            return Situation.MENU
        stuck = _duration_s(state.pushing_s, now) >= config.stuck_s
        return Situation.STUCK if stuck else Situation(0)

    def _frozen_or_cut(self, frame: FrameSample, avatar: AvatarState, now: float) -> Situation:
        """FROZEN: the picture stays the same although the avatar moves. RESPAWN: it jumps."""
        state = self._state
        state.moving_s = _start_time(state.moving_s, avatar.moves, now)
        same_s = min(frame.same_s, _duration_s(state.moving_s, now))
        situation = Situation.FROZEN if same_s >= self._config.frozen_s else Situation(0)
        if frame.number == state.number:
            return situation
        state.number = frame.number
        before, self._last_picture = self._last_picture, frame.picture
        calm = state.calm and abs(avatar.turn_deg_s) < _TURNS_DEG_S and avatar.speed_m_s < _CALM_M_S
        # Shrunk only here: most of the time the avatar moves, and no pictures are compared.
        if before is not None and calm and _difference(before, frame.picture) > _CUT:
            situation |= Situation.RESPAWN
        return situation


class SituationResponder:
    """Says whether the inputs rest in a situation, and whether a new episode starts."""

    def __init__(self, config: SituationsConfig) -> None:
        self._waiting = situations_with(config, "wait") | ALWAYS_RESTING
        self._resting = situations_with(config, "rest") | self._waiting
        self._first = situations_with(config, "first")
        self._before = Situation.NONE

    def respond(self, situation: Situation) -> tuple[bool, bool]:
        """(the inputs rest, a new episode starts) at this Step."""
        before, self._before = self._before, situation
        new = situation & ~before
        wait_ended = bool(before & self._waiting) and not situation & self._waiting
        return bool(situation & self._resting), bool(new & self._first) or wait_ended

    def snapshot(self) -> int:
        return int(self._before)

    def restore(self, snapshot: int) -> None:
        self._before = Situation(snapshot)


def _start_time(started_s: float | None, holds: bool, now: float) -> float | None:
    """When a condition began to hold; None if it does not hold now."""
    return (now if started_s is None else started_s) if holds else None


def _duration_s(started_s: float | None, now: float) -> float:
    return 0.0 if started_s is None else now - started_s


def _shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (8, 8, 3). A picture that already has this size, as in a snapshot, stays the same."""
    return np.asarray(cv2.resize(picture, _SMALL, interpolation=cv2.INTER_AREA), np.uint8)


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(_shrink(a).astype(np.int16) - _shrink(b)).mean())
