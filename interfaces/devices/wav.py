"""Sound from a WAV file."""

import math
import wave
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from configs.errors import BadInput

WAV_MAX_S = 120.0
_TAPS = 16  # each side of a sample, in resampling
_WAV_ALLOWED = (
    "a WAV file of uncompressed (PCM) samples of 8, 16, 24 or 32 bits, mono or stereo, "
    f"{WAV_MAX_S:g} s at most"
)


class BadWav(BadInput):
    """A sound file that cannot be used."""


def read_wav(path: str | Path, sample_rate: int = 48000) -> NDArray[np.float32]:
    """The file as float32 (n,) in -1..1, read-only: stereo is averaged, another rate resampled.

    Raises BadWav, which names the file and what is allowed.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if channels not in (1, 2) or width not in (1, 2, 3, 4) or rate < 1:
                raise _bad(path, f"channels: {channels} of {8 * width} bits at {rate} Hz")
            most = int(WAV_MAX_S * rate)
            data = file.readframes(min(file.getnframes(), most + 1))
    except FileNotFoundError as error:
        raise _bad(path, "no such file") from error
    except (OSError, EOFError, wave.Error) as error:
        raise _bad(
            path, getattr(error, "strerror", None) or str(error) or "it ends early"
        ) from error
    frames = len(data) // (channels * width)
    if not 0 < frames <= most:
        raise _bad(path, "no sample in it" if frames == 0 else f"longer than {WAV_MAX_S:g} s")
    samples = _decoded(data[: frames * channels * width], width)
    sound = _resampled(samples.reshape(frames, channels).mean(1), rate, sample_rate)
    sound.setflags(write=False)
    return sound


def _decoded(data: bytes, width: int) -> NDArray[np.float32]:
    if width == 1:  # the only unsigned one
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    if width == 3:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data, width = wide.tobytes(), 4
    whole = np.frombuffer(data, f"<i{width}")
    return whole.astype(np.float32) / np.float32(1 << (8 * width - 1))


def _resampled(sound: NDArray[np.float32], rate: int, wanted_rate: int) -> NDArray[np.float32]:
    """By a windowed sinc at every output sample, its cutoff at the lower of both rates."""
    if rate == wanted_rate:
        return np.ascontiguousarray(sound, np.float32)
    common = math.gcd(rate, wanted_rate)
    up, down = wanted_rate // common, rate // common
    cutoff = min(1.0, wanted_rate / rate)
    reach = math.ceil(_TAPS / cutoff)
    count = max(1, round(sound.size * up / down))
    windows = sliding_window_view(np.pad(sound, (reach, reach + 1)), 2 * reach + 1)
    taps = np.arange(-reach, reach + 1)
    resampled = np.zeros(count, np.float32)
    for phase in range(min(up, count)):  # outputs `up` apart lie alike between inputs
        whole, part = divmod(phase * down, up)
        away = taps - part / up
        weights = np.sinc(cutoff * away) * np.cos(0.5 * math.pi * away / (reach + 1)) ** 2
        found = windows[whole::down][: -(-(count - phase) // up)]
        resampled[phase::up][: len(found)] = found @ (weights / weights.sum()).astype(np.float32)
    return np.clip(resampled, -1.0, 1.0)


def _bad(path: str | Path, why: str) -> BadWav:
    return BadWav(f"{path} cannot be used as sound ({why}): allowed is {_WAV_ALLOWED}")
