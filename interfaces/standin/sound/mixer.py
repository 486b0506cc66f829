"""What two ears hear of the sounds around them: distance, direction and a ceiling. No devices.

VRChat's default voice falls off from 0 m on and ends at 25 m, after a boost of 15 dB
(creators.vrchat.com/worlds/udon/players/player-audio); intensity falls roughly with the inverse
square of the distance, faster near the end (.../worlds/components/vrc_spatialaudiosource). The
curve itself is not published. Ours is in amplitude, r in metres, moved down to end in silence:

    a(r) = (1 / max(r, 1) - 1 / 25) / (1 - 1 / 25)    and 0 beyond 25 m

so a sound is in full within 1 m, as 1/r has no value where VRChat's fall-off begins. The boost is
for quiet microphones; sounds here are loud already, and a gain of 1 is a voice after the boost.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Mono = NDArray[np.float32]
Stereo = NDArray[np.float32]

SAMPLE_RATE = 48000
NEAR_M = 1.0
FAR_M = 25.0
WIDTH_M = 0.5  # who is nearer than this moves towards the middle: no leap on walking through
RAMP_S = 0.01  # a gain takes so long to change
KNEE = 0.75  # louder is bent towards 1
_AMBIENT_HZ = 400.0  # the hum of a place is duller above this


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the ears are, metres east and north, and where the nose points, from north by east."""

    x: float
    z: float
    heading_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A sound that began, or will begin, at `start_sample` of the mixer's time.

    `samples` float32 (n,), in -1..1, must not change afterwards: the same array at the same start
    is the same sound, wherever it has moved. Raises ValueError for another kind of array.
    """

    x: float
    z: float
    samples: Mono
    start_sample: int
    gain: float = 1.0

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1:
            raise ValueError(
                f"samples must be float32 (n,), not {self.samples.dtype} {self.samples.shape}"
            )


def attenuation(distance_m: float) -> float:
    """How much of a sound's amplitude is left, 0..1."""
    silence = 1.0 / FAR_M
    return max(0.0, (1.0 / max(distance_m, NEAR_M) - silence) / (1.0 / NEAR_M - silence))


def ears(listener: Listener, source: Source) -> tuple[float, float]:
    """Gains of the left and the right ear: distance, and a pan of constant power.

    Behind sounds as in front: two loudspeakers cannot tell them apart.
    """
    east_m, north_m = source.x - listener.x, source.z - listener.z
    heading = math.radians(listener.heading_deg)
    right_m = east_m * math.cos(heading) - north_m * math.sin(heading)
    away_m = math.hypot(east_m, north_m)
    angle = 0.25 * math.pi * (1.0 + right_m / max(away_m, WIDTH_M))
    gain = source.gain * attenuation(away_m)
    return gain * math.cos(angle), gain * math.sin(angle)


def mix(
    listener: Listener,
    sources: Sequence[Source],
    at_sample: int,
    num_samples: int,
    sample_rate: int = SAMPLE_RATE,
) -> Stereo:
    """What a listener who stands still hears from `at_sample` on: float32 (num_samples, 2)."""
    return Mixer(sample_rate).mix(listener, sources, at_sample, num_samples)


def ambience(seed: int, seconds: float = 4.0, sample_rate: int = SAMPLE_RATE) -> Stereo:
    """The quiet hum of a place, float32 (n, 2), RMS 0.003: its end goes over into its beginning."""
    rng = np.random.Generator(np.random.PCG64([seed, 31]))
    count = max(2, round(seconds * sample_rate))
    hertz = np.fft.rfftfreq(count, 1.0 / sample_rate)
    strength = (hertz > 20.0) / (1.0 + (hertz / _AMBIENT_HZ) ** 2)
    angle = rng.uniform(0.0, 2.0 * math.pi, (2, hertz.size))
    hum = np.fft.irfft(strength * np.exp(1j * angle), count, axis=1).T
    hum *= 0.003 / max(float(np.sqrt(np.mean(hum**2))), 1e-12)
    return _frozen(hum.astype(np.float32))


@dataclass(slots=True)
class _Heard:
    """A sound and the gains its ears have reached."""

    source: Source
    gains: tuple[float, float]


class Mixer:
    """Sums what is heard; a gain that changed since the last block gets there within RAMP_S.

    A sound that is no longer given fades, one that is given after it began fades in. The same
    calls give the same samples, and a listener who stands still hears no borders of blocks.
    """

    def __init__(self, sample_rate: int = SAMPLE_RATE, ambient: Stereo | None = None) -> None:
        """`ambient` float32 (n, 2): repeats for ever."""
        self._ramp = max(1, round(RAMP_S * sample_rate))
        self._ambient = None if ambient is None else np.ascontiguousarray(ambient.T)
        self._heard: dict[tuple[int, int], _Heard] | None = None

    def mix(
        self, listener: Listener, sources: Sequence[Source], at_sample: int, num_samples: int
    ) -> Stereo:
        """The block from `at_sample` on: float32 (num_samples, 2), in -1..1."""
        both = np.empty((num_samples, 2), np.float32)
        self.mix_into(both, listener, sources, at_sample)
        return both

    def mix_into(
        self, out: Stereo, listener: Listener, sources: Sequence[Source], at_sample: int
    ) -> None:
        """The same, written over `out`.

        Each ear by itself: NumPy gives Python's lock away in loops of more than 500 samples, and
        a loudspeaker's thread waits up to 5 ms to get it back from a busy one, every time.
        """
        end = at_sample + len(out)
        wanted = _merged(listener, sources)
        before = wanted if self._heard is None else self._heard
        for ear in (0, 1):
            total = self._hum(ear, at_sample, len(out))
            for key, now in wanted.items():
                start = before[key].gains if key in before else now.gains
                if key not in before and now.source.start_sample < at_sample:
                    start = (0.0, 0.0)
                self._add(total, now.source, start[ear], now.gains[ear], at_sample)
            for key, last in before.items():
                if key not in wanted:
                    self._add(total, last.source, last.gains[ear], 0.0, at_sample)
            out[:, ear] = _limited(total)
        self._heard = {
            key: now
            for key, now in wanted.items()
            if now.source.start_sample < end < now.source.start_sample + now.source.samples.size
        }

    def _hum(self, ear: int, at_sample: int, num_samples: int) -> Mono:
        if self._ambient is None:
            return np.zeros(num_samples, np.float32)
        where = (at_sample + np.arange(num_samples)) % self._ambient.shape[1]
        return self._ambient[ear][where]

    def _add(
        self, total: Mono, source: Source, start_gain: float, gain: float, at_sample: int
    ) -> None:
        lead = source.start_sample - at_sample
        first, begin = max(0, lead), max(0, -lead)
        sound = source.samples[begin : begin + max(0, total.size - first)]
        last = first + sound.size
        if start_gain != gain:
            left = _ramp(self._ramp, total.size)[first:last]
            total[first:last] += sound * (np.float32(gain) - np.float32(gain - start_gain) * left)
        elif gain and sound.size:
            total[first:last] += sound * np.float32(gain)


def _merged(listener: Listener, sources: Sequence[Source]) -> dict[tuple[int, int], _Heard]:
    """By sound: who says the same at the same time is one sound from several places."""
    found: dict[tuple[int, int], _Heard] = {}
    for source in sources:
        key = (id(source.samples), source.start_sample)  # alive as long as _Heard keeps it
        left, right = ears(listener, source)
        if (same := found.get(key)) is not None:
            left, right = left + same.gains[0], right + same.gains[1]
        found[key] = _Heard(source, (left, right))
    return found


@lru_cache(maxsize=8)
def _ramp(ramp_samples: int, num_samples: int) -> NDArray[np.float32]:
    """What is left of the way from the last gain to the next: down to 0 with the block's end."""
    steps = min(ramp_samples, num_samples)
    left = 1.0 - np.arange(1, num_samples + 1) / steps
    return _frozen(np.maximum(left, 0.0).astype(np.float32))


def _limited(total: Mono) -> Mono:
    """Bent above KNEE by u / (1 + u): without a corner, and never beyond 1."""
    size = np.abs(total)
    if size.max(initial=0.0) <= KNEE:
        return total
    over = np.maximum(size - KNEE, 0.0) / (1.0 - KNEE)
    return np.copysign(np.minimum(size, KNEE) + (1.0 - KNEE) * (over / (1.0 + over)), total)


def _frozen(array: NDArray[np.float32]) -> NDArray[np.float32]:
    array.setflags(write=False)
    return array
