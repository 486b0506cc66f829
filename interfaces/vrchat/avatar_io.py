"""The avatar as its driver knows it: what it feels, what is unusual, what its inputs were told.

No sockets, no threads: life and lockstep both go through here, with the same OSC bytes.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.schema import WorldConfig
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation, Situation
from interfaces.vrchat.action_encoder import Hands
from interfaces.vrchat.avatar_parameters import Feelings
from interfaces.vrchat.situation_detector import WATCHED, Felt, Responses, Sight, Situations
from interfaces.vrchat.voice import Voice

_MOVES = ("Vertical", "Horizontal", "MoveForward", "MoveBackward", "MoveLeft", "MoveRight")
_TURNS = ("LookHorizontal", "LookLeft", "LookRight")
_LOADING = Situation.BLACK | Situation.NO_FRAME


class Presence:
    """Hears datagrams, makes Observations, turns actions into datagrams."""

    def __init__(
        self,
        config: WorldConfig,
        spaces: Spaces,
        now: Callable[[], float],
        beat_s: float,
        voice: Voice | None = None,
    ) -> None:
        stop = config.control.stop_parameter
        self._config, self._now, self._stop = config, now, stop
        self.feelings = Feelings(
            config.parameters, (*WATCHED, *([stop] if stop else [])), config.ranges, now
        )
        self._voice = voice
        self.hands = Hands(
            config.actions, config.manners, beat_s, voice, config.measured.turn_deg_s
        )
        self._situations = Situations(config.situations, config.camera.stale_s)
        self._responses = Responses(config.situations)
        self._moves, self._turns = (
            [i for i, a in enumerate(spaces.actions) if a.target == "input" and a.name in names]
            for names in (_MOVES, _TURNS)
        )
        self._dark = np.zeros(spaces.image_shape, np.uint8)
        self.last_sent = np.zeros(spaces.num_actions, np.float32)
        self._avatar_changes = 0
        self._first, self._introduced = True, False
        self._stopped, self._stopped_in = False, 0  # and in which avatar it was last told so
        self.world_allowed = not config.manners.worlds  # told by who reads the client's log
        self.client_gone = False  # told by who sends

    def observe(self, sight: Sight | None) -> Observation:
        """What is felt and seen at this beat."""
        feelings = self.feelings
        changes, changed = feelings.avatar_changes, not self._first
        changed &= changes != self._avatar_changes
        self._avatar_changes = changes
        felt = Felt(
            right_m_s=feelings["VelocityX"],
            forward_m_s=feelings["VelocityZ"],
            turn_deg_s=feelings["AngularY"],
            afk=feelings["AFK"] != 0.0,
            muted=feelings["MuteSelf"] != 0.0,
            avatar_changed=changed,
        )
        sent: list[float] = self.last_sent.tolist()
        push = max([abs(sent[i]) for i in self._moves], default=0.0)
        turn = max([abs(sent[i]) for i in self._turns], default=0.0)
        situation = self._situations.look(sight, felt, push, turn, self._now())
        situation |= self._ordered()
        resting, begins = self._responses.of(situation)
        self.hands.chat.silent = bool(situation & _LOADING)
        is_first, self._first = self._first or begins, False
        return Observation(
            image=self._dark if sight is None else sight.picture,
            vector=np.concatenate([feelings.vector(), self.last_sent]),
            is_first=is_first,
            frame_age_s=0.0 if sight is None else sight.age_s,
            frame_number=0 if sight is None else sight.number,
            situation=situation,
            resting=resting,
        )

    def act(self, action: NDArray[np.float32]) -> list[bytes]:
        """The datagrams of an action; `last_sent` is then what they really say."""
        introduction = self._config.manners.introduction
        if introduction and not self._introduced:
            self._introduced = self.hands.chat.say(introduction)
        datagrams, self.last_sent = self.hands.move(action)
        if self._voice is not None:
            datagrams = datagrams + self._voice.beat(muted=self._muted())
        return datagrams

    def rest(self) -> list[bytes]:
        """Let go of everything."""
        self.last_sent = np.zeros_like(self.last_sent)
        datagrams = self.hands.rest()
        return datagrams if self._voice is None else datagrams + self._voice.rest()

    def close(self) -> None:
        if self._voice is not None:
            self._voice.close()

    def snapshot(self) -> dict[str, Any]:
        return {
            "feelings": self.feelings.snapshot(),
            "hands": self.hands.snapshot(),
            "situations": self._situations.snapshot(),
            "responses": self._responses.snapshot(),
            "last_sent": self.last_sent.tolist(),
            "avatar_changes": self._avatar_changes,
            "first": self._first,
            "introduced": self._introduced,
            "stopped": [self._stopped, self._stopped_in],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self.feelings.restore(snapshot["feelings"])
        self.hands.restore(snapshot["hands"])
        self._situations.restore(snapshot["situations"])
        self._responses.restore(snapshot["responses"])
        self.last_sent = np.asarray(snapshot["last_sent"], np.float32)
        self._avatar_changes = int(snapshot["avatar_changes"])
        self._first, self._introduced = bool(snapshot["first"]), bool(snapshot["introduced"])
        self._stopped, self._stopped_in = snapshot["stopped"]

    def _ordered(self) -> Situation:
        """What people forbid, or nobody hears."""
        ordered = Situation.NONE
        if self._stop is not None and self._told_to_stop(self._stop):
            ordered |= Situation.STOPPED
        avatars = self._config.manners.avatars
        if (avatars and self.feelings.avatar_id not in avatars) or not self.world_allowed:
            ordered |= Situation.FORBIDDEN
        if self.client_gone:
            ordered |= Situation.NO_CLIENT
        return ordered

    def _told_to_stop(self, parameter: str) -> bool:
        """Once on, it stays on until it is turned off in the avatar it was on in: another avatar
        may lack the parameter, or load with it off, and nobody has let the agent go by that."""
        avatar = self.feelings.avatar_changes
        if self.feelings[parameter] != 0.0:
            self._stopped, self._stopped_in = True, avatar
        elif self._stopped_in == avatar:
            self._stopped = False
        return self._stopped

    def _muted(self) -> bool:
        """A microphone of which nothing has been heard counts as closed: VRChat joins muted."""
        return math.isnan(self.feelings.age_s("MuteSelf")) or self.feelings["MuteSelf"] != 0.0
