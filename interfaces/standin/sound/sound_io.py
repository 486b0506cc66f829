"""Loudspeaker and microphone of the stand-in. PortAudio is loaded only when one is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.devices.audio_device import close_stream, open_stream
from interfaces.standin.sound.mixer import SAMPLE_RATE, Listener, Mixer, Mono, Source, Stereo

FULL_RMS = 0.25  # of level 1
# Noise of a microphone, -50 dB. Below it the level is 0.
SILENT_RMS = 0.003
WINDOW_S = 0.05  # of microphone sound, for level and viseme
SPEAKER_LATENCY_S = 0.06  # rendering a picture can hold the GIL for so long
MICROPHONE_LATENCY_S = 0.02
SILENCE, CH, SS, NN, AA, E, IH, OH, OU = 0, 6, 7, 8, 10, 11, 12, 13, 14


def level_of(samples: Mono) -> float:
    """Loudness 0..1: RMS divided by FULL_RMS; 0 below SILENT_RMS.

    VRChat documents Voice only as "microphone volume (0.0-1.0)"; this scale is our choice.
    """
    rms = _rms(samples)
    return 0.0 if rms < SILENT_RMS else min(1.0, rms / FULL_RMS)


def viseme_of(samples: Mono, sample_rate: int) -> int:
    """The mouth shape, as an Oculus viseme number like VRChat's, from the power spectrum.

    F is the band 0.2..1.1 kHz. The first rule that holds decides:

        RMS below SILENT_RMS                         0 silence
        most power above 3 kHz                       7 SS; 6 CH if centred below 5.5 kHz
        centred below 200 Hz                         8 nn, a hum
        power in 1.6..3.2 kHz over an eighth of F    11 E; 12 ih if F is centred below 400 Hz
        centre of F                                  below 480 Hz 14 ou, 640 Hz 13 oh; else 10 aa

    The centre of F approximates a vowel's first formant. Power in 1.6..3.2 kHz indicates a second
    formant far from it. The other shapes are too short for this method, so it never returns them.
    """
    if _rms(samples) < SILENT_RMS:
        return SILENCE
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    hertz = np.fft.rfftfreq(samples.size, 1.0 / sample_rate)
    edges_hz = (3000.0, sample_rate), (200.0, 1100.0), (1600.0, 3200.0)
    high, first, second = (slice(*np.searchsorted(hertz, edges)) for edges in edges_hz)
    if power[high].sum() > 0.5 * power.sum():
        return SS if _centre(power[high], hertz[high]) >= 5500.0 else CH
    if _centre(power, hertz) < 200.0:
        return NN
    open_hz = _centre(power[first], hertz[first])
    if power[second].sum() > 0.125 * power[first].sum():
        return IH if open_hz < 400.0 else E
    return OU if open_hz < 480.0 else OH if open_hz < 640.0 else AA


class Speaker:
    """Plays what a listener hears, always from the newest scene. No call waits for another.

    Time is counted in samples, from 0 at opening. A sound that begins now has
    start_sample = speaker.next_sample.
    """

    def __init__(
        self,
        device: str | int,
        sample_rate: int = SAMPLE_RATE,
        block: int = 480,
        *,
        ambient: Stereo | None = None,
        latency_s: float = SPEAKER_LATENCY_S,
    ) -> None:
        """Open the device and play. Raises NoSound if it cannot be opened.

        `block`: samples mixed at once; above 500, other busy threads cause gaps (see
        Mixer.mix_into).
        """
        self.block = block
        self.xruns = 0  # blocks that came too late, which are audible as gaps
        self._mixer = Mixer(sample_rate, ambient)
        self._scene: tuple[Listener, tuple[Source, ...]] = (Listener(0.0, 0.0, 0.0), ())
        self._position = 0
        self._error: Exception | None = None
        self._stream = open_stream("output", device, sample_rate, block, latency_s, 2, self._fill)

    @property
    def next_sample(self) -> int:
        """The first sample that a new scene affects. It is audible after about the latency."""
        return self._position + self.block

    @property
    def latency_s(self) -> float:
        """From the mixer to the device, as PortAudio reports it."""
        return float(self._stream.latency)

    def update(self, listener: Listener, sources: Sequence[Source]) -> None:
        """Set the scene to play from now on. Raises RuntimeError if mixing has failed."""
        if self._error is not None:
            raise RuntimeError("the loudspeaker's mixer failed") from self._error
        self._scene = (listener, tuple(sources))

    @property
    def alive(self) -> bool:
        """False once the device is lost or closed."""
        return bool(not self._stream.closed and self._stream.active)

    def close(self) -> None:
        """Stop playing. May be called more than once."""
        close_stream(self._stream)

    def _fill(self, out: NDArray[np.float32], frames: int, _time: object, status: Any) -> None:
        """Called by PortAudio's thread: an exception here would end the stream."""
        self.xruns += bool(status.output_underflow)
        try:
            listener, sources = self._scene
            self._mixer.mix_into(out, listener, sources, self._position)
        except Exception as error:
            out.fill(0.0)
            self._error = self._error or error  # update() raises it
        self._position += frames


class Microphone:
    """Keeps the newest WINDOW_S of sound, and measures its level and viseme."""

    def __init__(self, device: str | int, sample_rate: int = SAMPLE_RATE) -> None:
        """Open the device and listen. Raises NoSound if it cannot be opened."""
        self.xruns = 0  # how many times samples were lost
        self._sample_rate = sample_rate
        block = sample_rate // 100
        blocks = round(WINDOW_S * sample_rate / block)
        self._window = (np.zeros(block, np.float32),) * blocks
        latency_s = MICROPHONE_LATENCY_S
        self._stream = open_stream("input", device, sample_rate, block, latency_s, 1, self._take)

    @property
    def alive(self) -> bool:
        """False once the device is lost or closed."""
        return bool(not self._stream.closed and self._stream.active)

    def level(self) -> float:
        """The avatar parameter Voice, 0..1; 0 once the device is lost."""
        return level_of(self._newest()) if self.alive else 0.0

    def viseme(self) -> int:
        """The avatar parameter Viseme, 0..14; 0 once the device is lost."""
        return viseme_of(self._newest(), self._sample_rate) if self.alive else SILENCE

    def close(self) -> None:
        """Stop listening. May be called more than once."""
        close_stream(self._stream)

    def _newest(self) -> Mono:
        return np.concatenate(self._window)

    def _take(self, block: NDArray[np.float32], frames: int, _time: object, status: Any) -> None:
        """Called by PortAudio's thread. A new tuple, so that readers never see a partial one."""
        self.xruns += bool(status.input_overflow)
        self._window = (*self._window[1:], block[:, 0].copy())


def _rms(samples: Mono) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0


def _centre(power: NDArray[np.float64], hertz: NDArray[np.floating]) -> float:
    return float(power @ hertz / max(float(power.sum()), 1e-30))
