"""The voice: plays sounds into VRChat's microphone through a virtual cable, and unmutes it.

`tick_s` is the number of seconds per tick.
"""

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
_PRESS_TICKS = 2  # a press lasts two ticks, so that one lost packet does not drop it
_ANSWER_S = 1.0  # MuteSelf answers a press within this time
_MAX_PRESSES = 3
_TAIL_S = 0.3  # delay of the cable and the client: the microphone stays open this long

MonoSound = NDArray[np.float32]  # float32 (samples,)


def voice_rest_datagrams(config: VoiceConfig) -> list[bytes]:
    """The datagrams that release the input Voice: in no mode do they open the microphone."""
    if config.device is None or config.unmute == "never":
        return []
    return [encode(_ADDRESS, int(config.unmute == "push_to_mute"))]


class MuteSwitch:
    """Opens and closes the microphone by /input/Voice. Only MuteSelf says whether it is open.

    `toggle`: a press changes the state. If the switch opened the microphone, it closes it again.
    `push_to_talk`: open while the button is down. `push_to_mute`: closed while the button is down.
    `never`: the button is not used.
    """

    def __init__(
        self, mode: Literal["toggle", "push_to_talk", "push_to_mute", "never"], tick_s: float
    ) -> None:
        self._mode = mode
        self._answer_ticks = max(_PRESS_TICKS + 1, round(_ANSWER_S / tick_s))
        self.rest()

    def rest(self) -> None:
        """Drop an unfinished press."""
        self._ticks_waited = 0  # Ticks for which the microphone should be open but is not.
        self._ticks_pressed = 0  # Ticks since a press began; 0: no press is active.
        self._presses = 0  # Presses without effect.
        self._opened = False  # The switch opened the microphone and must close it.

    @property
    def given_up(self) -> bool:
        """Whether the microphone did not open for so long that waiting is useless."""
        return self._ticks_waited > _MAX_PRESSES * self._answer_ticks

    def tick(self, *, wanted: bool, muted: bool) -> bool:
        """Whether the button is down at this tick. `wanted`: the microphone should be open."""
        self._ticks_waited = self._ticks_waited + 1 if wanted and muted else 0
        if self._mode == "push_to_talk":
            return wanted
        if self._mode == "push_to_mute":
            return not wanted
        return self._mode == "toggle" and self._toggle(wanted, muted)

    def _toggle(self, wanted: bool, muted: bool) -> bool:
        if self._ticks_pressed:  # down for its ticks, then wait for the answer
            self._ticks_pressed += 1
            if self._ticks_pressed <= self._answer_ticks:
                return self._ticks_pressed <= _PRESS_TICKS
            self._ticks_pressed = 0
        if wanted != muted:  # the state is right
            self._presses = 0
            self._opened &= wanted
            return False
        if self._presses == _MAX_PRESSES or not (wanted or self._opened):
            return False  # a microphone that a person opened stays open
        self._presses += 1
        self._opened |= wanted
        self._ticks_pressed = 1
        return True


@dataclass(slots=True)
class _Playback:
    """A sound that plays. Only PortAudio's thread writes `position`, in samples, and `ended`."""

    sound: MonoSound
    position: int = 0
    ended: bool = False


class Voice:
    """Plays the sounds of the voice actions as soon as the microphone is open.

    Raises BadWav for a file that cannot be played. Without the device it plays nothing and logs
    the reason.
    """

    def __init__(self, config: VoiceConfig, actions: Sequence[ActionConfig], tick_s: float) -> None:
        names = [action.sound for action in actions if action.target == "voice"]
        self._sounds: dict[str, MonoSound] = {name: read_wav(name, RATE) for name in names}
        self._switch = MuteSwitch(config.unmute, tick_s)
        self._rest = voice_rest_datagrams(config)
        self._waiting: MonoSound | None = None  # waits for the microphone
        self._playback: _Playback | None = None
        self._tail_ticks = round(_TAIL_S / tick_s)
        self._tail_left = 0
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
        """Whether a sound waits or plays. No sound plays on a device that was removed."""
        playback = self._playback
        playing = playback is not None and not playback.ended and self._stream.active
        return self._waiting is not None or playing

    def say(self, text_or_sound: str) -> bool:
        """Play a sound as soon as the microphone is open. False: no device, or busy."""
        if self._stream is None or not self._stream.active or self.busy:
            return False
        self._waiting = self._sounds[text_or_sound]
        return True

    def tick(self, *, muted: bool) -> list[bytes]:
        """Operate the switch and start a waiting sound. Returns the datagrams of this tick.

        `muted`: the newest MuteSelf.
        """
        if self.busy:
            self._tail_left = self._tail_ticks
        elif self._tail_left:
            self._tail_left -= 1
        down = self._switch.tick(wanted=bool(self.busy or self._tail_left), muted=muted)
        if self._waiting is not None:
            if not muted:
                self._playback, self._waiting = _Playback(self._waiting), None
            elif self._switch.given_up:
                logger.warning("the microphone does not open: a sound was dropped")
                self._waiting = None
        return [encode(_ADDRESS, int(down))] if self._rest else []

    def rest(self) -> list[bytes]:
        """Stop the sound and release the switch. Returns the datagrams to send."""
        self._waiting = self._playback = None
        self._tail_left = 0
        self._switch.rest()
        return list(self._rest)

    def close(self) -> None:
        if self._stream is not None:
            close_stream(self._stream)

    def _fill(self, out: NDArray[np.float32], frames: int, _time: object, _status: Any) -> None:
        """Fill a block, float32 (frames, 1), in PortAudio's thread. An error ends the stream."""
        out.fill(0.0)
        if (playback := self._playback) is None:  # read once: the body may set it to None
            return
        part = playback.sound[playback.position : playback.position + frames]
        out[: part.size, 0] = part
        playback.position += frames
        playback.ended = playback.position >= playback.sound.size
