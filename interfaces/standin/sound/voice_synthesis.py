"""Synthetic voices of the people: speech-like sound from a seed."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Mono = NDArray[np.float32]

PEAK = 0.7
# First three formants of a, i, u, e, o for men, Hz (Peterson and Barney 1952, table II).
VOWELS_HZ = {
    "a": (730.0, 1090.0, 2440.0),
    "i": (270.0, 2290.0, 3010.0),
    "u": (300.0, 870.0, 2240.0),
    "e": (530.0, 1840.0, 2480.0),
    "o": (570.0, 840.0, 2410.0),
}
_BANDWIDTHS_HZ = (70.0, 100.0, 160.0)
_STRENGTHS = (1.0, 0.6, 0.3)
_RING_S = 0.02  # length of an impulse response: by then it is below 2 %
_GLIDE_S = 0.05  # transition from one vowel to the next


@lru_cache(maxsize=32)
def babble(seed: int, seconds: float, sample_rate: int = 48000, phrase: int = 0) -> Mono:
    """Speech-like sound, float32 (n,), peak 0.7, read-only. Each seed is another voice.

    `phrase` selects another phrase of the same voice. Each syllable is a train of glottal pulses
    through three parallel resonators: a pulse adds their impulse responses, damped sines (Klatt
    1980). The pitch falls along the phrase and varies by syllable. The sound begins and ends in
    silence.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 32]))
    count = max(0, round(seconds * sample_rate))
    pitch_hz = 95.0 * 2.6 ** rng.random()
    # A high voice usually has a short vocal tract.
    tract = 0.92 + 0.25 * math.log(pitch_hz / 95.0, 2.6) + rng.uniform(-0.06, 0.06)
    pace_s = rng.uniform(0.16, 0.24)
    rng = np.random.Generator(np.random.PCG64([seed, 33, phrase]))
    begin_s, end_s, vowel, loud = _syllables(rng, seconds, pace_s)
    if count == 0 or begin_s.size == 0:
        return _read_only(np.zeros(count, np.float32))

    time_s = np.arange(count) / sample_rate
    middle_s = 0.5 * (begin_s + end_s)
    accent = np.interp(time_s, middle_s, rng.uniform(0.9, 1.15, begin_s.size))
    fall = 1.08 - 0.16 * time_s / max(seconds, 1e-9)
    turns = np.cumsum(pitch_hz * accent * fall) / sample_rate
    pulse_s = np.interp(np.arange(1.0, turns[-1]), turns, time_s)
    pulse_s += rng.uniform(-0.01, 0.01, pulse_s.size) / pitch_hz
    strength = _envelope(pulse_s, begin_s, end_s, loud)
    pulse_s, strength = pulse_s[strength > 1e-3], strength[strength > 1e-3]

    formants_hz = tract * np.array(list(VOWELS_HZ.values()))[vowel]
    around_s = np.stack((begin_s + _GLIDE_S, end_s), 1).clip(None, end_s[:, None]).ravel()
    along_hz = [np.interp(pulse_s, around_s, hz.repeat(2)) for hz in formants_hz.T]
    sound = _pulses(pulse_s, strength, along_hz, count, sample_rate)
    sound += _hisses(rng, time_s, begin_s, float(np.abs(sound).max(initial=0.0)))
    sound *= np.minimum(1.0, (seconds - time_s) / 0.005)
    return _read_only((sound * (PEAK / max(float(np.abs(sound).max()), 1e-9))).astype(np.float32))


def _syllables(
    rng: np.random.Generator, seconds: float, pace_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Begin, end, vowel and loudness of each syllable; a short pause after 3 to 7 of them."""
    begin_s: list[float] = []
    end_s: list[float] = []
    now_s, left = 0.02, int(rng.integers(3, 8))
    while now_s + 0.08 < seconds:
        until_s = min(now_s + pace_s * rng.uniform(0.7, 1.4), seconds - 0.02)
        begin_s.append(now_s)
        end_s.append(until_s)
        now_s, left = until_s + rng.uniform(0.01, 0.05), left - 1
        if left == 0:
            now_s, left = now_s + rng.uniform(0.12, 0.3), int(rng.integers(3, 8))
    vowel = rng.integers(len(VOWELS_HZ), size=len(begin_s))
    return np.array(begin_s), np.array(end_s), vowel, rng.uniform(0.6, 1.0, len(begin_s))


def _envelope(
    at_s: NDArray[np.float64],
    begin_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    loud: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The amplitude: rises within 30 ms, falls within 50 ms, 0 between syllables."""
    which = np.clip(np.searchsorted(begin_s, at_s, side="right") - 1, 0, None)
    up = np.clip((at_s - begin_s[which]) / 0.03, 0.0, 1.0)
    down = np.clip((end_s[which] - at_s) / 0.05, 0.0, 1.0)
    return loud[which] * np.sin(0.5 * math.pi * up) ** 2 * np.sin(0.5 * math.pi * down) ** 2


def _pulses(
    pulse_s: NDArray[np.float64],
    strength: NDArray[np.float64],
    along_hz: list[NDArray[np.float64]],
    count: int,
    sample_rate: int,
) -> NDArray[np.float32]:
    """The sum of all impulse responses. `along_hz`: each resonator's frequency at each pulse."""
    length = round(_RING_S * sample_rate)
    first = np.ceil(pulse_s * sample_rate).astype(np.intp)
    late_s = (first / sample_rate - pulse_s).astype(np.float32)[
        :, None
    ]  # pulses lie between samples
    ring_s = (np.arange(length) / sample_rate).astype(np.float32)
    edge = np.minimum(1.0, (length - np.arange(length)) / (0.2 * length))
    answer = np.zeros((pulse_s.size, length), np.float32)
    for hertz, wide_hz, share in zip(along_hz, _BANDWIDTHS_HZ, _STRENGTHS, strict=True):
        turn = (2.0 * math.pi * hertz).astype(np.float32)[:, None]
        decay = (share * edge * np.exp(-math.pi * wide_hz * ring_s)).astype(np.float32)
        answer += np.sin(turn * (ring_s + late_s)) * decay
    answer *= strength.astype(np.float32)[:, None]
    sound = np.zeros(count + length, np.float32)
    for at, ring in zip(first.tolist(), answer, strict=True):
        sound[at : at + length] += ring[: sound.size - at]
    return sound[:count]


def _hisses(
    rng: np.random.Generator,
    time_s: NDArray[np.float64],
    begin_s: NDArray[np.float64],
    peak: float,
) -> NDArray[np.float32]:
    """A noise consonant before about every third syllable."""
    sound = np.zeros(time_s.size, np.float32)
    for at_s in begin_s[rng.random(begin_s.size) < 0.35].tolist():
        first, last = np.searchsorted(time_s, (at_s - 0.02, at_s + 0.05)).tolist()
        noise = np.diff(rng.standard_normal(last - first), prepend=0.0)
        swell = np.sin(np.linspace(0.0, math.pi, last - first)) ** 2
        sound[first:last] += (0.06 * peak * rng.random() * noise * swell).astype(np.float32)
    return sound


def _read_only(sound: NDArray[np.float32]) -> Mono:
    sound.setflags(write=False)
    return sound
