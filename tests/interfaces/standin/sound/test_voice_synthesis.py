"""Synthetic voices: the same for a seed, with syllables and silence around them."""

import time

import numpy as np
import pytest

from interfaces.standin.sound.voice_synthesis import PEAK, babble

RATE = 48000


def pitch_hz(voice: np.ndarray) -> float:
    """The median pitch of the loud parts, by autocorrelation."""
    pitches = []
    for part in voice[: voice.size // 2400 * 2400].reshape(-1, 2400).astype(np.float64):
        if np.abs(part).max() > 0.2:
            spectrum = np.abs(np.fft.rfft(part - part.mean(), 8192)) ** 2
            correlation = np.fft.irfft(spectrum)[RATE // 400 : RATE // 70]
            pitches.append(RATE / (RATE // 400 + int(correlation.argmax())))
    return float(np.median(pitches))


def test_the_seed_determines_the_voice() -> None:
    first = babble(3, 2.0)
    assert babble(3, 2.0) is first
    babble.cache_clear()
    again = babble(3, 2.0)
    assert again is not first
    np.testing.assert_array_equal(again, first)
    assert not np.array_equal(babble(4, 2.0), first)


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_another_phrase_has_the_same_pitch(seed: int) -> None:
    first, other = babble(seed, 3.0), babble(seed, 3.0, phrase=1)
    assert not np.array_equal(first, other)
    assert pitch_hz(other) == pytest.approx(pitch_hz(first), rel=0.15)


@pytest.mark.parametrize("seed", range(8))
def test_a_voice_has_syllables_with_silence_around_them(seed: int) -> None:
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


def test_pitches_differ_between_seeds() -> None:
    pitches = sorted(pitch_hz(babble(seed, 3.0)) for seed in range(12))
    assert 75.0 < pitches[0] < 140.0
    assert 170.0 < pitches[-1] < 300.0


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.13, 0.2])
def test_a_short_sound_has_the_requested_length(seconds: float) -> None:
    assert babble(0, seconds).shape == (round(seconds * RATE),)


def test_another_sample_rate_has_the_same_pitch() -> None:
    high, low = babble(2, 1.5), babble(2, 1.5, 16000)
    assert low.size == 24000
    assert pitch_hz(high) == pytest.approx(pitch_hz(np.repeat(low, 3)), rel=0.05)


def test_a_phrase_takes_less_than_a_tenth_of_a_second_to_make() -> None:
    durations_s = []
    for seed in range(5):
        babble.cache_clear()
        began_s = time.perf_counter()
        babble(seed, 3.0)
        durations_s.append(time.perf_counter() - began_s)
    assert min(durations_s) < 0.1
