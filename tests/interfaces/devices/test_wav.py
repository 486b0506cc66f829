"""WAV files: every supported format is read, and errors name what is wrong."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInput
from interfaces.devices.wav import WAV_MAX_S, BadWav, read_wav

RATE = 48000


def write_wav(
    path: Path, samples: np.ndarray, width: int, channels: int = 1, rate: int = RATE
) -> Path:
    """`samples`: int64 in the range of the width; with two channels, left and right alternate."""
    wide = samples.astype("<i8").view(np.uint8).reshape(-1, 8)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(wide[:, :width].tobytes())
    return path


def tone(rate: int, seconds: float, hertz: float = 440.0) -> np.ndarray:
    return np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_sample_width_is_read_exactly(awkward_path: Path, width: int, channels: int) -> None:
    top = 1 << (8 * width - 1)
    frames = np.array([[0, 0], [top - 1, top - 1], [-top, -top], [top // 2, -top // 4]])
    written = frames[:, :channels].ravel() + (128 if width == 1 else 0)
    read = read_wav(write_wav(awkward_path / "声.wav", written, width, channels), RATE)
    assert read.dtype == np.float32
    want = frames[:, :channels].mean(1) / top
    np.testing.assert_allclose(read, want, atol=1e-7)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 96000])
def test_another_sample_rate_is_resampled(tmp_path: Path, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", np.round(20000 * tone(rate, 0.48)), 2, rate=rate)
    read = read_wav(path, RATE)
    want = 20000 / 32768 * tone(RATE, 0.48)
    assert read.shape == want.shape
    np.testing.assert_allclose(read[500:-500], want[500:-500], atol=1e-3)


def test_resampling_removes_frequencies_above_the_new_limit(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.round(20000 * tone(RATE, 0.5, 7000.0)), 2)
    assert np.abs(read_wav(path, 8000)[200:-200]).max() < 0.01


def test_a_truncated_file_is_read_up_to_its_end(tmp_path: Path) -> None:
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
    ("content", "reason"),
    [
        (b"", "it ends early"),
        (b"RIFF", "it ends early"),
        (b"ID3 this is an mp3, says its name" * 9, "RIFF"),
        (header(3, 1, 4, RATE), "unknown format: 3"),  # floating point
        (header(1, 3, 2, RATE), "channels: 3, bits: 16, rate: 48000 Hz"),
        (header(1, 1, 8, RATE), "channels: 1, bits: 64"),
        (header(1, 1, 2, 0), "rate: 0 Hz"),
        (header(1, 1, 2, RATE, b""), "it has no sample"),
        (header(1, 1, 2, RATE, b"\0"), "it has no sample"),
        (header(1, 1, 1, 100, b"\0" * (100 * int(WAV_MAX_S) + 1)), "longer than 120 s"),
    ],
)
def test_an_unsupported_file_is_refused_with_the_reason(
    awkward_path: Path, content: bytes, reason: str
) -> None:
    path = awkward_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(BadWav) as caught:
        read_wav(path, RATE)
    message = str(caught.value)
    assert isinstance(caught.value, BadInput)
    assert str(path) in message
    assert reason in message
    assert "8, 16, 24 or 32 bits, mono or stereo, 120 s at most" in message


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadWav, match="no such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(BadWav, match="cannot be used as sound"):
        read_wav(str(tmp_path))
