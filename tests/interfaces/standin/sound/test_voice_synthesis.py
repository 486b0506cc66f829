"""Voices by seed, and WAV files of every kind that is allowed and of many that are not."""

import struct
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInput
from interfaces.devices.wav import WAV_MAX_S, BadWav, read_wav
from interfaces.standin.sound.voice_synthesis import PEAK, babble

RATE = 48000


def pitch_hz(voice: np.ndarray) -> float:
    """The median over the loud parts, by autocorrelation."""
    found = []
    for part in voice[: voice.size // 2400 * 2400].reshape(-1, 2400).astype(np.float64):
        if np.abs(part).max() > 0.2:
            spectrum = np.abs(np.fft.rfft(part - part.mean(), 8192)) ** 2
            alike = np.fft.irfft(spectrum)[RATE // 400 : RATE // 70]
            found.append(RATE / (RATE // 400 + int(alike.argmax())))
    return float(np.median(found))


def write_wav(
    path: Path, samples: np.ndarray, width: int, channels: int = 1, rate: int = RATE
) -> Path:
    """`samples` int64 in the range of the width; for two channels, left and right alternate."""
    wide = samples.astype("<i8").view(np.uint8).reshape(-1, 8)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(wide[:, :width].tobytes())
    return path


def tone(rate: int, seconds: float, hertz: float = 440.0) -> np.ndarray:
    return np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def test_a_voice_is_given_by_its_seed() -> None:
    first = babble(3, 2.0)
    assert babble(3, 2.0) is first
    babble.cache_clear()
    again = babble(3, 2.0)
    assert again is not first
    np.testing.assert_array_equal(again, first)
    assert not np.array_equal(babble(4, 2.0), first)


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_who_says_something_else_keeps_the_voice(seed: int) -> None:
    first, other = babble(seed, 3.0), babble(seed, 3.0, phrase=1)
    assert not np.array_equal(first, other)
    assert pitch_hz(other) == pytest.approx(pitch_hz(first), rel=0.15)


@pytest.mark.parametrize("seed", range(8))
def test_a_voice_has_a_peak_syllables_and_silence_around(seed: int) -> None:
    voice = babble(seed, 3.0)
    assert voice.shape == (3 * RATE,)
    assert voice.dtype == np.float32
    assert float(np.abs(voice).max()) == pytest.approx(PEAK, abs=1e-4)
    assert np.abs(voice[:10]).max() < 1e-3
    assert np.abs(voice[-10:]).max() < 1e-2
    loud = np.sqrt(np.mean(voice.reshape(-1, 480).astype(np.float64) ** 2, axis=1)) > 0.02
    syllables = int((np.diff(loud.astype(int)) == 1).sum())
    assert 6 <= syllables <= 24
    assert 0.4 < loud.mean() < 0.95
    with pytest.raises(ValueError, match="read-only"):
        voice[0] = 1.0


def test_people_sound_different() -> None:
    found = sorted(pitch_hz(babble(seed, 3.0)) for seed in range(12))
    assert 75.0 < found[0] < 140.0
    assert 170.0 < found[-1] < 300.0


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.13, 0.2])
def test_short_ones_are_as_long_as_asked(seconds: float) -> None:
    assert babble(0, seconds).shape == (round(seconds * RATE),)


def test_another_rate_is_the_same_voice() -> None:
    high, low = babble(2, 1.5), babble(2, 1.5, 16000)
    assert low.size == 24000
    assert pitch_hz(high) == pytest.approx(pitch_hz(np.repeat(low, 3)), rel=0.05)


def test_a_phrase_is_made_at_once() -> None:
    taken_s = []
    for seed in range(5):
        babble.cache_clear()
        began_s = time.perf_counter()
        babble(seed, 3.0)
        taken_s.append(time.perf_counter() - began_s)
    assert min(taken_s) < 0.1


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_width_reads_as_it_was_written(awkward_path: Path, width: int, channels: int) -> None:
    top = 1 << (8 * width - 1)
    frames = np.array([[0, 0], [top - 1, top - 1], [-top, -top], [top // 2, -top // 4]])
    written = frames[:, :channels].ravel() + (128 if width == 1 else 0)
    read = read_wav(write_wav(awkward_path / "声.wav", written, width, channels), RATE)
    assert read.dtype == np.float32
    want = frames[:, :channels].mean(1) / top
    np.testing.assert_allclose(read, want, atol=1e-7)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 96000])
def test_another_rate_is_resampled(tmp_path: Path, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", np.round(20000 * tone(rate, 0.48)), 2, rate=rate)
    read = read_wav(path, RATE)
    want = 20000 / 32768 * tone(RATE, 0.48)
    assert read.shape == want.shape
    np.testing.assert_allclose(read[500:-500], want[500:-500], atol=1e-3)


def test_what_a_lower_rate_cannot_hold_is_gone(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.round(20000 * tone(RATE, 0.5, 7000.0)), 2)
    assert np.abs(read_wav(path, 8000)[200:-200]).max() < 0.01


def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.arange(1000), 2, channels=2)
    path.write_bytes(path.read_bytes()[:-1003])
    assert read_wav(path, RATE).size == 249


def header(tag: int, channels: int, width: int, rate: int, data: bytes = b"\0" * 96) -> bytes:
    body = struct.pack(
        "<HHIIHH", tag, channels, rate, rate * channels * width, channels * width, 8 * width
    )
    return (
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", len(body))
    ) + (body + b"data" + struct.pack("<I", len(data)) + data)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it ends early"),
        (b"RIFF", "it ends early"),
        (b"ID3 this is an mp3, says its name" * 9, "RIFF"),
        (header(3, 1, 4, RATE), "unknown format: 3"),  # floating point
        (header(1, 3, 2, RATE), "3 of 16 bits at 48000 Hz"),
        (header(1, 1, 8, RATE), "channels: 1 of 64 bits"),
        (header(1, 1, 2, 0), "at 0 Hz"),
        (header(1, 1, 2, RATE, b""), "no sample in it"),
        (header(1, 1, 2, RATE, b"\0"), "no sample in it"),
        (header(1, 1, 1, 100, b"\0" * (100 * int(WAV_MAX_S) + 1)), "longer than 120 s"),
    ],
)
def test_what_is_not_allowed_is_named(awkward_path: Path, content: bytes, why: str) -> None:
    path = awkward_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(BadWav) as caught:
        read_wav(path, RATE)
    told = str(caught.value)
    assert isinstance(caught.value, BadInput)
    assert str(path) in told
    assert why in told
    assert "8, 16, 24 or 32 bits, mono or stereo, 120 s at most" in told


def test_no_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadWav, match="no such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(BadWav, match="cannot be used as sound"):
        read_wav(str(tmp_path))
