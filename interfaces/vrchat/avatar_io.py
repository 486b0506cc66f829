"""The avatar's input and output: datagrams to observations, and actions to datagrams.

No sockets and no threads: the live world and the lockstep world both use it, with the same bytes.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.world_settings import WorldConfig
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation, Situation
from interfaces.vrchat.action_encoder import ActionEncoder
from interfaces.vrchat.avatar_parameters import LOADING_S, AvatarParameters
from interfaces.vrchat.avatar_senses import AvatarSenses
from interfaces.vrchat.situation_detector import (
    WATCHED_PARAMETERS,
    AvatarState,
    FrameSample,
    SituationDetector,
    SituationResponder,
)
from interfaces.vrchat.voice import Voice

_MOVES = ("Vertical", "Horizontal", "MoveForward", "MoveBackward", "MoveLeft", "MoveRight")
_TURNS = ("LookHorizontal", "LookLeft", "LookRight")
_LOADING = Situation.BLACK | Situation.NO_FRAME


class AvatarIO:
    """Combines parameters, frame and situations into observations, and encodes actions.

    `tick_s`: seconds per tick. `last_sent`: the last action as sent, float32 (num_actions,).
    """

    def __init__(
        self,
        config: WorldConfig,
        spaces: Spaces,
        now: Callable[[], float],
        tick_s: float,
        voice: Voice | None = None,
    ) -> None:
        stop = config.control.stop_parameter
        self._config, self._now, self._stop = config, now, stop
        self.senses = AvatarSenses(config, tick_s)
        self.parameters = AvatarParameters(
            config.parameters,
            (*WATCHED_PARAMETERS, *([stop] if stop else [])),
            config.ranges,
            now,
            self.senses or None,
        )
        self._voice = voice
        self.encoder = ActionEncoder(
            config.actions, config.limits, tick_s, voice, config.measured.turn_deg_s
        )
        self._detector = SituationDetector(config.situations, config.camera.stale_s)
        self._responder = SituationResponder(config.situations)
        self._moves, self._turns = (
            [i for i, a in enumerate(spaces.actions) if a.target == "input" and a.name in names]
            for names in (_MOVES, _TURNS)
        )
        self._black = np.zeros(spaces.image_shape, np.uint8)
        self.last_sent = np.zeros(spaces.num_actions, np.float32)
        self._avatar_changes = 0
        self._first, self._introduced = True, False
        # Whether the stop parameter holds, and the time of the last message that it is on.
        self._stopped, self._on_s = False, math.nan
        self.world_allowed = not config.limits.worlds  # set by the reader of the client's log
        self.client_gone = False  # set by the sender of the datagrams

    def observe(self, frame: FrameSample | None) -> Observation:
        """The observation of this tick. Without a frame the image is black."""
        parameters = self.parameters
        changes, changed = parameters.avatar_changes, not self._first
        changed &= changes != self._avatar_changes
        self._avatar_changes = changes
        avatar = AvatarState(
            right_m_s=parameters["VelocityX"],
            forward_m_s=parameters["VelocityZ"],
            turn_deg_s=parameters["AngularY"],
            afk=parameters["AFK"] != 0.0,
            muted=parameters["MuteSelf"] != 0.0,
            avatar_changed=changed,
        )
        sent: list[float] = self.last_sent.tolist()
        move = max([abs(sent[i]) for i in self._moves], default=0.0)
        turn = max([abs(sent[i]) for i in self._turns], default=0.0)
        situation = self._detector.detect(frame, avatar, move, turn, self._now())
        situation |= self._restrictions()
        resting, starts_episode = self._responder.respond(situation)
        self.encoder.chat.silent = bool(situation & _LOADING)
        is_first, self._first = self._first or starts_episode, False
        return Observation(
            image=self._black if frame is None else frame.picture,
            vector=np.concatenate(
                [
                    parameters.vector(),
                    *self.senses.vectors(moves=avatar.moves, avatar_id=parameters.avatar_id),
                    self.last_sent,
                ]
            ),
            is_first=is_first,
            frame_age_s=0.0 if frame is None else frame.age_s,
            frame_number=0 if frame is None else frame.number,
            situation=situation,
            resting=resting,
        )

    def act(self, action: NDArray[np.float32]) -> list[bytes]:
        """The datagrams of an action, float32 (num_actions,). Sets `last_sent`."""
        introduction = self._config.limits.introduction
        if introduction and not self._introduced:
            self._introduced = self.encoder.chat.say(introduction)
        datagrams, self.last_sent = self.encoder.encode(action)
        if self._voice is not None:
            datagrams = datagrams + self._voice.tick(muted=self._microphone_muted())
        return datagrams

    def rest(self) -> list[bytes]:
        """Release every input and stop the voice. Returns the datagrams to send."""
        self.last_sent = np.zeros_like(self.last_sent)
        datagrams = self.encoder.rest()
        return datagrams if self._voice is None else datagrams + self._voice.rest()

    def close(self) -> None:
        if self._voice is not None:
            self._voice.close()

    def snapshot(self) -> dict[str, Any]:
        return {
            "feelings": self.parameters.snapshot(),
            "hands": self.encoder.snapshot(),
            "situations": self._detector.snapshot(),
            "responses": self._responder.snapshot(),
            "last_sent": self.last_sent.tolist(),
            "avatar_changes": self._avatar_changes,
            "first": self._first,
            "introduced": self._introduced,
            "stopped": [self._stopped],
            "stop_on_s": None if math.isnan(self._on_s) else self._on_s,
            **self.senses.snapshot(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self.parameters.restore(snapshot["feelings"])
        self.encoder.restore(snapshot["hands"])
        self._detector.restore(snapshot["situations"])
        self._responder.restore(snapshot["responses"])
        self.last_sent = np.asarray(snapshot["last_sent"], np.float32)
        self._avatar_changes = int(snapshot["avatar_changes"])
        self._first, self._introduced = bool(snapshot["first"]), bool(snapshot["introduced"])
        self._stopped = bool(snapshot["stopped"][0])
        on_s = snapshot.get("stop_on_s")  # missing in older snapshots
        self._on_s = math.nan if on_s is None else float(on_s)
        self.senses.restore(snapshot)

    def _restrictions(self) -> Situation:
        """STOPPED, FORBIDDEN and NO_CLIENT, as far as they hold."""
        situation = Situation.NONE
        if self._stop is not None and self._is_stopped(self._stop):
            situation |= Situation.STOPPED
        avatars = self._config.limits.avatars
        if (avatars and self.parameters.avatar_id not in avatars) or not self.world_allowed:
            situation |= Situation.FORBIDDEN
        if self.client_gone:
            situation |= Situation.NO_CLIENT
        return situation

    def _is_stopped(self, parameter: str) -> bool:
        """Whether the stop parameter stops the agent.

        It stops at once, and until a person switches it off. The load of an avatar is no person:
        the new avatar may lack the parameter, or load with it off. So a message that it is off
        counts if this avatar sent that it was on, or has been loaded for LOADING_S. It counts
        LOADING_S later, because the message may precede another change of avatar.
        """
        parameters, message_s = self.parameters, self.parameters.message_s(parameter)
        if parameters[parameter] != 0.0:
            self._stopped, self._on_s = True, message_s
        elif self._stopped:
            changed_s = parameters.changed_s
            if math.isnan(changed_s):
                changed_s = -math.inf
            # NaN fails each comparison: a parameter without a message is not switched off.
            by_person = self._on_s >= changed_s or message_s > changed_s + LOADING_S
            self._stopped = not (by_person and self._now() - message_s > LOADING_S)
        return self._stopped

    def _microphone_muted(self) -> bool:
        """Before the first MuteSelf message it counts as muted, because VRChat joins muted."""
        unknown = math.isnan(self.parameters.age_s("MuteSelf"))
        return unknown or self.parameters["MuteSelf"] != 0.0
