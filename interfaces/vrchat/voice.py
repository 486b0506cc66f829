"""The voice: sounds into VRChat's microphone, a virtual cable, and the mute switch before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.actions import ActionConfig
from configs.vrchat import VoiceConfig
from interfaces.devices.audio_device import NoSound, close_stream, open_stream
from interfaces.devices.wav import read_wav
from interfaces.osc.message import encode

RATE = 48000
_BLOCK, _LATENCY_S = 480, 0.06
_ADDRESS = "/input/Voice"
_HELD_BEATS = 2  # a press spans two beats, so that one lost packet does not swallow it
_ANSWER_S = 1.0  # MuteSelf answers a press within
_TRIES = 3
_TAIL_S = 0.3  # the cable and the client are that far behind

Mono = NDArray[np.float32]


def voice_rest(config: VoiceConfig) -> list[bytes]:
    """The input Voice at rest: in every way it can be set, that opens no microphone."""
    if config.device is None or config.unmute == "never":
        return []
    return [encode(_ADDRESS, int(config.unmute == "push_to_mute"))]


class MuteSwitch:
    """Opens and closes the microphone by /input/Voice, and believes MuteSelf alone.

    Counted in beats. `toggle`: a press turns it over, and one that finds it closed leaves it closed
    again; `push_to_talk`: open while held; `push_to_mute`: closed while held; `never`: not touched.
    """

    def __init__(
        self, way: Literal["toggle", "push_to_talk", "push_to_mute", "never"], beat_s: float
    ) -> None:
        self._way = way
        self._answer_beats = max(_HELD_BEATS + 1, round(_ANSWER_S / beat_s))
        self.rest()

    def rest(self) -> None:
        """Forget what is under way."""
        self._waited = 0  # beats that it is wanted open, and is not
        self._pressed = 0  # beats since a press began; 0: none is under way
        self._presses = 0  # without effect
        self._opened = False  # by us: to be closed again

    @property
    def given_up(self) -> bool:
        """It has been wanted open for as long as makes sense."""
        return self._waited > _TRIES * self._answer_beats

    def beat(self, *, wanted: bool, muted: bool) -> bool:
        """Whether the button is down at this beat."""
        self._waited = self._waited + 1 if wanted and muted else 0
        if self._way == "push_to_talk":
            return wanted
        if self._way == "push_to_mute":
            return not wanted
        return self._way == "toggle" and self._toggle(wanted, muted)

    def _toggle(self, wanted: bool, muted: bool) -> bool:
        if self._pressed:  # down for its beats, then wait for the answer
            self._pressed += 1
            if self._pressed <= self._answer_beats:
                return self._pressed <= _HELD_BEATS
            self._pressed = 0
        if wanted != muted:  # as it should be
            self._presses = 0
            self._opened &= wanted
            return False
        if self._presses == _TRIES or not (wanted or self._opened):
            return False  # a microphone that a person has opened stays open
        self._presses += 1
        self._opened |= wanted
        self._pressed = 1
        return True


@dataclass(slots=True)
class _Playing:
    """A sound on its way out; how far it is, in samples, PortAudio's thread alone writes."""

    sound: Mono
    at: int = 0
    ended: bool = False


class Voice:
    """Plays the sounds of the voice actions, once the microphone is open.

    Raises BadWav for a file that cannot be played. Without the device it is mute, and says why.
    """

    def __init__(self, config: VoiceConfig, actions: Sequence[ActionConfig], beat_s: float) -> None:
        names = [action.sound for action in actions if action.target == "voice"]
        self._sounds: dict[str, Mono] = {name: read_wav(name, RATE) for name in names}
        self._switch = MuteSwitch(config.unmute, beat_s)
        self._rest = voice_rest(config)
        self._wanted: Mono | None = None  # waits for the microphone
        self._playing: _Playing | None = None
        self._tail_beats = round(_TAIL_S / beat_s)
        self._tail = 0
        self._stream: Any = None
        assert config.device is not None
        try:
            self._stream = open_stream(
                "output", config.device, RATE, _BLOCK, _LATENCY_S, 1, self._fill
            )
        except NoSound as error:
            logger.warning("no voice: {}", error)

    @property
    def busy(self) -> bool:
        """A sound waits or plays; on a device that is gone none does."""
        playing = self._playing is not None and not self._playing.ended and self._stream.active
        return self._wanted is not None or playing

    def say(self, what: str) -> bool:
        """Play it as soon as the microphone is open. False: there is no device, or it is busy."""
        if self._stream is None or not self._stream.active or self.busy:
            return False
        self._wanted = self._sounds[what]
        return True

    def beat(self, *, muted: bool) -> list[bytes]:
        """Once a beat: moves the switch, begins what waits. `muted`: MuteSelf, as told."""
        if self.busy:
            self._tail = self._tail_beats
        elif self._tail:
            self._tail -= 1
        down = self._switch.beat(wanted=bool(self.busy or self._tail), muted=muted)
        if self._wanted is not None:
            if not muted:
                self._playing, self._wanted = _Playing(self._wanted), None
            elif self._switch.given_up:
                logger.warning("the microphone does not open: a sound is not said")
                self._wanted = None
        return [encode(_ADDRESS, int(down))] if self._rest else []

    def rest(self) -> list[bytes]:
        """Fall silent and let go of the switch."""
        self._wanted = self._playing = None
        self._tail = 0
        self._switch.rest()
        return list(self._rest)

    def close(self) -> None:
        if self._stream is not None:
            close_stream(self._stream)

    def _fill(self, out: NDArray[np.float32], frames: int, _time: object, _status: Any) -> None:
        """Called by PortAudio's thread: whatever is raised here would end the stream."""
        out.fill(0.0)
        if (playing := self._playing) is None:  # read once: the body may take it away
            return
        part = playing.sound[playing.at : playing.at + frames]
        out[: part.size, 0] = part
        playing.at += frames
        playing.ended = playing.at >= playing.sound.size
