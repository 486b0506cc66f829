"""Audio input: the newest window of an audio device as log-mel bands."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.devices import AudioInputConfig
from interfaces.core.clock import Clock
from interfaces.devices.audio_device import NoSound, close_stream, open_stream

_FLOOR_DB = -80.0  # relative to full scale; anything quieter counts as silence
_LATENCY_S = 0.02
_LOST_S = 0.5  # a device that delivered nothing for so long is lost
_RETRY_S = 2.0
_SPECTRUM_S = 0.025  # shortest window of one spectrum, as is usual for speech


class LogMel:
    """Transforms sound (channels, samples) to log-mel bands (channels, frames, mels) in -1..1.

    Triangular filters are applied to the power spectrum of Hann windows. They are equally spaced in
    mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987). 1 is full scale (a sine of amplitude 1), and
    -1 is 80 dB below it or less.
    """

    def __init__(self, config: AudioInputConfig) -> None:
        rate = config.rate_hz
        self._hop = max(1, round(config.hop_s * rate))
        shortest = 1 << (round(_SPECTRUM_S * rate) - 1).bit_length()
        self._size = min(shortest, 1 << (samples(config).bit_length() - 1))
        frames = 1 + (samples(config) - self._size) // self._hop
        self.shape = (int(config.channels), frames, config.mels)
        self._hann = np.hanning(self._size + 1)[:-1].astype(np.float32)
        self._filters = _filters(config.mels, self._size, rate)
        self._full_scale = float(0.5 * self._hann.sum()) ** 2  # peak power of a full-scale sine

    def __call__(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = np.lib.stride_tricks.sliding_window_view(sound, self._size, -1)
        # Count the windows back from the newest sample, then restore the order of time.
        newest = windows[:, :: -self._hop][:, : self.shape[1]][:, ::-1]
        spectrum = np.fft.rfft(newest * self._hann, axis=-1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ self._filters
        decibel = 10.0 * np.log10(np.maximum(power / self._full_scale, 1e-10))
        return np.clip(1.0 - 2.0 * decibel / _FLOOR_DB, -1.0, 1.0).astype(np.float32)


def _filters(mels: int, size: int, rate: int) -> NDArray[np.float32]:
    """(bins, mels): triangles with peak 1. One narrower than a bin uses only the nearest bin."""
    hertz = np.fft.rfftfreq(size, 1.0 / rate)
    top = 2595.0 * np.log10(1.0 + 0.5 * rate / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, mels + 2) / 2595.0) - 1.0)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (hertz[:, None] - low) / (middle - low)
    falling = (high - hertz[:, None]) / (high - middle)
    filters = np.clip(np.minimum(rising, falling), 0.0, None)
    for band in np.flatnonzero(filters.sum(0) < 0.5):
        filters[np.abs(hertz - middle[band]).argmin(), band] = 1.0
    return filters.astype(np.float32)


def samples(config: AudioInputConfig) -> int:
    """Samples per channel in one window."""
    return round(config.window_s * config.rate_hz)


def raw_shape(config: AudioInputConfig) -> tuple[int, int]:
    """(channels, samples) of one window."""
    return int(config.channels), samples(config)


@dataclass(frozen=True, slots=True)
class AudioWindow:
    """The newest window of sound.

    `bands`: float32 (channels, frames, mels), see LogMel.
    `raw`: int16 (channels, samples), or None unless `keep_raw` is set.
    `age_s`: seconds since the newest sample arrived.
    """

    bands: NDArray[np.float32]
    raw: NDArray[np.int16] | None
    age_s: float


class AudioInput:
    """Keeps the newest window of an audio device.

    Without the device the window is silence, and one log line gives the reason. The device is
    opened again when it is back.
    """

    def __init__(self, config: AudioInputConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._mel = LogMel(config)
        self._block = max(1, round(config.hop_s * config.rate_hz))
        self._blocks = self._silence()
        self._arrived_s = -1e9
        self.overflows = 0  # how often the driver lost sound
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio input", daemon=True)
        self._thread.start()

    def newest(self) -> AudioWindow:
        """The newest window; zeros before the first sound and when the device is lost."""
        age_s = self._clock.now() - self._arrived_s
        blocks = self._blocks if age_s < _LOST_S else self._silence()
        sound = np.concatenate(blocks)[-samples(self._config) :].T
        raw = None
        if self._config.keep_raw:
            raw = np.rint(np.clip(sound, -1.0, 1.0) * 32767.0).astype(np.int16)
        return AudioWindow(self._mel(sound), raw, age_s)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _silence(self) -> tuple[NDArray[np.float32], ...]:
        count = -(-samples(self._config) // self._block)
        return (np.zeros((self._block, self._config.channels), np.float32),) * count

    def _run(self) -> None:
        """Keep the device open. Opening can take long or hang in a driver, so a thread does it."""
        last_reason = ""
        while not self._stop.is_set():
            try:
                stream = self._open()
            except Exception as error:  # a driver may raise anything; the run continues in silence
                reason = str(error) if isinstance(error, NoSound) else repr(error)
                if reason != last_reason:
                    logger.warning("no audio input: {}", reason)
                last_reason = reason
                self._stop.wait(_RETRY_S)
                continue
            last_reason, opened_s = "", self._clock.now()
            logger.info("audio input: {} at {} Hz", self._config.device, self._config.rate_hz)
            while not self._stop.wait(0.1):
                silent_s = self._clock.now() - max(self._arrived_s, opened_s)
                if not stream.active or silent_s > _LOST_S:
                    logger.warning(
                        "no audio input: {} stopped delivering; opening it again",
                        self._config.device,
                    )
                    break
            close_stream(stream)
            self._stop.wait(_RETRY_S)

    def _open(self) -> Any:
        config = self._config
        assert config.device is not None
        channels = int(config.channels)
        return open_stream(
            "input", config.device, config.rate_hz, self._block, _LATENCY_S, channels, self._take
        )

    def _take(self, block: NDArray[np.float32], frames: int, _time: object, status: Any) -> None:
        """Called by PortAudio's thread. Replaces the tuple, so a reader never sees half of it."""
        self.overflows += bool(status.input_overflow)
        self._blocks = (*self._blocks[1:], block.copy())
        self._arrived_s = self._clock.now()
