"""What is heard: the newest window of a sound device, as log-mel bands. Nobody waits for it."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.devices import EarsConfig
from interfaces.core.clock import Clock
from interfaces.devices.audio_device import NoSound, close_stream, open_stream

_FLOOR_DB = -80.0  # below full scale: what is fainter is silence
_LATENCY_S = 0.02
_SILENT_S = 0.5  # a device that delivered nothing for so long is gone
_AGAIN_S = 2.0
_SPECTRUM_S = 0.025  # of sound in one spectrum, at least: as is usual for speech


class LogMel:
    """Sound (channels, samples) into log-mel bands (channels, frames, mels) of -1..1.

    Triangular filters, equally spaced in mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987), over
    the power spectrum of Hann windows. 1 is full scale (a sine of amplitude 1), -1 is 80 dB below
    it and less.
    """

    def __init__(self, config: EarsConfig) -> None:
        rate = config.rate_hz
        self._hop = max(1, round(config.hop_s * rate))
        shortest = 1 << (round(_SPECTRUM_S * rate) - 1).bit_length()
        self._size = min(shortest, 1 << (samples(config).bit_length() - 1))
        frames = 1 + (samples(config) - self._size) // self._hop
        self.shape = (int(config.channels), frames, config.mels)
        self._hann = np.hanning(self._size + 1)[:-1].astype(np.float32)
        self._filters = _filters(config.mels, self._size, rate)
        self._full = float(0.5 * self._hann.sum()) ** 2  # what a full-scale sine has at its peak

    def __call__(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = np.lib.stride_tricks.sliding_window_view(sound, self._size, -1)
        newest = windows[:, :: -self._hop][:, : self.shape[1]][:, ::-1]  # the last one ends now
        spectrum = np.fft.rfft(newest * self._hann, axis=-1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ self._filters
        decibel = 10.0 * np.log10(np.maximum(power / self._full, 1e-10))
        return np.clip(1.0 - 2.0 * decibel / _FLOOR_DB, -1.0, 1.0).astype(np.float32)


def _filters(mels: int, size: int, rate: int) -> NDArray[np.float32]:
    """(bins, mels), each triangle 1 at its middle; one narrower than a bin takes the nearest."""
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


def samples(config: EarsConfig) -> int:
    """Samples of one window and channel."""
    return round(config.window_s * config.rate_hz)


def raw_shape(config: EarsConfig) -> tuple[int, int]:
    return int(config.channels), samples(config)


@dataclass(frozen=True, slots=True)
class Heard:
    """bands: as LogMel has them; raw: int16 (channels, samples), None unless kept; age_s: since the
    newest sample came."""

    bands: NDArray[np.float32]
    raw: NDArray[np.int16] | None
    age_s: float


class Ears:
    """Holds the newest window of a device. Without the device there is silence, and one line of
    why; it is opened again when it comes back."""

    def __init__(self, config: EarsConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._mel = LogMel(config)
        self._block = max(1, round(config.hop_s * config.rate_hz))
        self._blocks = self._silence()
        self._came_s = -1e9
        self.overflows = 0  # times that the driver lost sound
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_open, name="ears", daemon=True)
        self._thread.start()

    def newest(self) -> Heard:
        """The newest window, zeros where nothing was heard yet or any more."""
        age_s = self._clock.now() - self._came_s
        blocks = self._blocks if age_s < _SILENT_S else self._silence()
        sound = np.concatenate(blocks)[-samples(self._config) :].T
        raw = None
        if self._config.keep_raw:
            raw = np.rint(np.clip(sound, -1.0, 1.0) * 32767.0).astype(np.int16)
        return Heard(self._mel(sound), raw, age_s)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _silence(self) -> tuple[NDArray[np.float32], ...]:
        count = -(-samples(self._config) // self._block)
        return (np.zeros((self._block, self._config.channels), np.float32),) * count

    def _keep_open(self) -> None:
        """Opening can take long, and may hang in a driver: never in the body's own thread."""
        told = ""
        while not self._stop.is_set():
            try:
                stream = self._open()
            except Exception as error:  # whatever a driver raises, there is life without ears
                why = str(error) if isinstance(error, NoSound) else repr(error)
                if why != told:
                    logger.warning("no ears: {}", why)
                told = why
                self._stop.wait(_AGAIN_S)
                continue
            told, opened_s = "", self._clock.now()
            logger.info("ears: {} at {} Hz", self._config.device, self._config.rate_hz)
            while not self._stop.wait(0.1):
                silent_s = self._clock.now() - max(self._came_s, opened_s)
                if not stream.active or silent_s > _SILENT_S:
                    logger.warning("no ears: {} fell silent; opening it again", self._config.device)
                    break
            close_stream(stream)
            self._stop.wait(_AGAIN_S)

    def _open(self) -> Any:
        config = self._config
        assert config.device is not None
        channels = int(config.channels)
        return open_stream(
            "input", config.device, config.rate_hz, self._block, _LATENCY_S, channels, self._take
        )

    def _take(self, block: NDArray[np.float32], frames: int, _time: object, status: Any) -> None:
        """Called by PortAudio's thread: a new tuple each time, so that nobody sees half of one."""
        self.overflows += bool(status.input_overflow)
        self._blocks = (*self._blocks[1:], block.copy())
        self._came_s = self._clock.now()
