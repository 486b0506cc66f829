"""What is unusual now, told from the picture and the parameters, and what to do about it.

VRChat tells nobody that its menu is open, that a world loads or that one has fallen out of it:
those are concluded from what does not follow on what was sent.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.vrchat import SituationsConfig
from interfaces.core.world import Situation

# What the detectors need to feel, whatever the policy does.
WATCHED = ("VelocityX", "VelocityZ", "AngularY", "AFK", "MuteSelf")
_PUSH, _TURN = 0.2, 0.2  # shares of full deflection that should have an effect
_STANDS_M_S, _TURNS_DEG_S = 0.1, 1.0
_WALKS_M_S = 0.3
_PROBE = 3.0  # an open menu is looked for again after so many times menu_s
_LOADED_S = 12.0  # an avatar that comes so soon after black comes with another world
_CUT = 40.0  # mean difference of two pictures that no walking explains
_SMALL = (8, 8)


@dataclass(frozen=True, slots=True)
class Sight:
    """The newest picture, uint8 (height, width, 3), and what the camera noticed about it. `age_s`
    since it was grabbed; `same_s` for how long pictures have been the same."""

    picture: NDArray[np.uint8]
    age_s: float
    number: int
    brightness: float
    same_s: float


@dataclass(frozen=True, slots=True)
class Felt:
    """What the parameters say: speeds in m/s and deg/s."""

    right_m_s: float
    forward_m_s: float
    turn_deg_s: float
    afk: bool
    muted: bool
    avatar_changed: bool

    @property
    def speed_m_s(self) -> float:
        return math.hypot(self.right_m_s, self.forward_m_s)


@dataclass(slots=True)
class _Memory:
    """Since when something has been so, in seconds of the clock; none: it is not."""

    pushing_s: float | None = None
    turning_s: float | None = None
    moving_s: float | None = None
    menu_until_s: float = -math.inf
    black_s: float = -math.inf  # when it was last black
    number: int = 0
    calm: bool = False  # at the last beat it neither turned nor ran


class Situations:
    """Looks once a beat; remembers since when things have been so."""

    def __init__(self, config: SituationsConfig, stale_s: float) -> None:
        self._config, self._stale_s = config, stale_s
        self._memory = _Memory()
        self._before: NDArray[np.uint8] | None = None  # the picture of the beat before

    def look(
        self, sight: Sight | None, felt: Felt, push: float, turn: float, now: float
    ) -> Situation:
        """`push` and `turn`: how far the inputs for moving and turning were sent, 0..1, at the
        beat before."""
        config, memory = self._config, self._memory
        seen = Situation.NONE
        if sight is None or sight.age_s > self._stale_s:
            seen |= Situation.NO_FRAME
        elif sight.brightness < config.black_below:
            seen |= Situation.BLACK
            memory.black_s = now
        if felt.afk:
            seen |= Situation.AFK
        if felt.muted:
            seen |= Situation.MUTED
        if felt.avatar_changed:
            seen |= Situation.AVATAR_CHANGE
            if now - memory.black_s < _LOADED_S:
                seen |= Situation.WORLD_CHANGE
                memory.black_s = -math.inf
        seen |= self._pushing_in_vain(felt, push, turn, now)
        if sight is not None and not seen & (Situation.NO_FRAME | Situation.BLACK):
            seen |= self._picture(sight, felt, now)
        memory.calm = felt.speed_m_s < 1.0 and abs(felt.turn_deg_s) < _TURNS_DEG_S
        return seen

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: what is not finite is None."""
        fields = {name: getattr(self._memory, name) for name in _Memory.__slots__}
        for name in ("menu_until_s", "black_s"):
            fields[name] = fields[name] if math.isfinite(fields[name]) else None
        small = None if self._before is None else _smaller(self._before).tolist()
        return {"memory": fields, "before": small}

    def restore(self, snapshot: dict[str, Any]) -> None:
        fields = dict(snapshot["memory"])
        for name in ("menu_until_s", "black_s"):
            fields[name] = -math.inf if fields[name] is None else fields[name]
        self._memory = _Memory(**fields)
        small = snapshot["before"]
        self._before = None if small is None else np.asarray(small, np.uint8)

    def _pushing_in_vain(self, felt: Felt, push: float, turn: float, now: float) -> Situation:
        config, memory = self._config, self._memory
        turns_in_vain = turn >= _TURN and abs(felt.turn_deg_s) < _TURNS_DEG_S
        pushes_in_vain = push >= _PUSH and felt.speed_m_s < _STANDS_M_S
        memory.turning_s = _since(memory.turning_s, turns_in_vain, now)
        memory.pushing_s = _since(memory.pushing_s, pushes_in_vain, now)
        # A wall stops who walks, but nobody who turns: only a menu, or OSC switched off, does.
        if _for_s(memory.turning_s, now) >= config.menu_s:
            memory.menu_until_s = now + _PROBE * config.menu_s
            memory.turning_s = None
        # Once the inputs rest, nothing tells that it was closed: after a while one tries again.
        if felt.speed_m_s >= _STANDS_M_S or abs(felt.turn_deg_s) >= _TURNS_DEG_S:
            memory.menu_until_s = -math.inf
        if now < memory.menu_until_s:
            return Situation.MENU
        return Situation.STUCK if _for_s(memory.pushing_s, now) >= config.stuck_s else Situation(0)

    def _picture(self, sight: Sight, felt: Felt, now: float) -> Situation:
        memory = self._memory
        moves = felt.speed_m_s >= _WALKS_M_S or abs(felt.turn_deg_s) >= 10.0
        memory.moving_s = _since(memory.moving_s, moves, now)
        same_s = min(sight.same_s, _for_s(memory.moving_s, now))
        seen = Situation.FROZEN if same_s >= self._config.frozen_s else Situation(0)
        if sight.number == memory.number:
            return seen
        memory.number = sight.number
        before, self._before = self._before, sight.picture
        calm = memory.calm and abs(felt.turn_deg_s) < _TURNS_DEG_S and felt.speed_m_s < 1.0
        # Made small only here: most of the time it moves, and nothing is compared.
        if before is not None and calm and _difference(before, sight.picture) > _CUT:
            seen |= Situation.RESPAWN
        return seen


class Responses:
    """From what is unusual to whether the inputs rest, and whether something new begins."""

    def __init__(self, config: SituationsConfig) -> None:
        answers = {flag: getattr(config, (flag.name or "").lower()) for flag in ANSWERED}
        self._resting = _bits(answers, "rest") | _bits(answers, "wait") | ALWAYS_RESTING
        self._waiting = _bits(answers, "wait") | ALWAYS_RESTING
        self._first = _bits(answers, "first")
        self._before = Situation.NONE

    def of(self, situation: Situation) -> tuple[bool, bool]:
        """(rests, begins anew) at this Step."""
        before, self._before = self._before, situation
        came = situation & ~before
        over = bool(before & self._waiting) and not situation & self._waiting
        return bool(situation & self._resting), bool(came & self._first) or over

    def snapshot(self) -> int:
        return int(self._before)

    def restore(self, snapshot: int) -> None:
        self._before = Situation(snapshot)


ANSWERED = (
    *(Situation.NO_FRAME, Situation.BLACK, Situation.FROZEN, Situation.MENU, Situation.AFK),
    *(Situation.STUCK, Situation.MUTED, Situation.AVATAR_CHANGE, Situation.WORLD_CHANGE),
    Situation.RESPAWN,
)
ALWAYS_RESTING = Situation.STOPPED | Situation.FORBIDDEN | Situation.NO_CLIENT


def unlearned(config: SituationsConfig) -> int:
    """The bits of a Step's `situation` that keep it out of learning."""
    answers = {flag: getattr(config, (flag.name or "").lower()) for flag in ANSWERED}
    others = Situation.FENCED | Situation.PAUSED | Situation.FORGOTTEN | ALWAYS_RESTING
    return int(_bits(answers, "unlearned") | others)


def _bits(answers: dict[Situation, tuple[str, ...]], word: str) -> Situation:
    found = Situation.NONE
    for flag, words in answers.items():
        if word in words:
            found |= flag
    return found


def _since(begun_s: float | None, is_so: bool, now: float) -> float | None:
    return (now if begun_s is None else begun_s) if is_so else None


def _for_s(begun_s: float | None, now: float) -> float:
    return 0.0 if begun_s is None else now - begun_s


def _smaller(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of a small picture it is the picture itself: a snapshot keeps no more than is compared."""
    return np.asarray(cv2.resize(picture, _SMALL, interpolation=cv2.INTER_AREA), np.uint8)


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(_smaller(a).astype(np.int16) - _smaller(b)).mean())
