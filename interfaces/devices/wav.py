"""Reads WAV files."""

import math
import wave
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from configs.errors import BadInput

WAV_MAX_S = 120.0
_TAPS = 16  # filter taps on each side of a sample in resampling
_WAV_ALLOWED = (
    "a WAV file of uncompressed (PCM) samples with 8, 16, 24 or 32 bits, mono or stereo, "
    f"{WAV_MAX_S:g} s at most"
)


class BadWav(BadInput):
    """The sound file cannot be used."""


def read_wav(path: str | Path, sample_rate: int = 48000) -> NDArray[np.float32]:
    """Read the file as read-only float32 (samples,) in -1..1.

    Stereo is averaged, another sample rate is resampled. Raises BadWav with the name of the file
    and the supported formats.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if channels not in (1, 2) or width not in (1, 2, 3, 4) or rate < 1:
                raise _bad(path, f"channels: {channels}, bits: {8 * width}, rate: {rate} Hz")
            max_frames = int(WAV_MAX_S * rate)
            data = file.readframes(min(file.getnframes(), max_frames + 1))
    except FileNotFoundError as error:
        raise _bad(path, "no such file") from error
    except (OSError, EOFError, wave.Error) as error:
        raise _bad(
            path, getattr(error, "strerror", None) or str(error) or "it ends early"
        ) from error
    frames = len(data) // (channels * width)
    if not 0 < frames <= max_frames:
        raise _bad(path, "it has no sample" if frames == 0 else f"longer than {WAV_MAX_S:g} s")
    samples = _decoded(data[: frames * channels * width], width)
    sound = _resampled(samples.reshape(frames, channels).mean(1), rate, sample_rate)
    sound.setflags(write=False)
    return sound


def _decoded(data: bytes, width: int) -> NDArray[np.float32]:
    if width == 1:  # 8-bit samples are unsigned, wider ones signed
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    if width == 3:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data, width = wide.tobytes(), 4
    whole = np.frombuffer(data, f"<i{width}")
    return whole.astype(np.float32) / np.float32(1 << (8 * width - 1))


def _resampled(sound: NDArray[np.float32], rate: int, wanted_rate: int) -> NDArray[np.float32]:
    """Resample with a windowed sinc. The cutoff is half the lower sample rate."""
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
    for phase in range(min(up, count)):  # outputs `up` apart share one filter
        whole, part = divmod(phase * down, up)
        away = taps - part / up
        weights = np.sinc(cutoff * away) * np.cos(0.5 * math.pi * away / (reach + 1)) ** 2
        inputs = windows[whole::down][: -(-(count - phase) // up)]
        resampled[phase::up][: len(inputs)] = inputs @ (weights / weights.sum()).astype(np.float32)
    return np.clip(resampled, -1.0, 1.0)


def _bad(path: str | Path, reason: str) -> BadWav:
    return BadWav(f"{path} cannot be used as sound ({reason}): allowed is {_WAV_ALLOWED}")
