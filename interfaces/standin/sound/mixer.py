"""Mixes sounds for a listener's two ears: distance, direction and a soft limit. No devices.

VRChat's default voice gets quieter from 0 m to 25 m, after a boost of 15 dB
(creators.vrchat.com/worlds/udon/players/player-audio). Its intensity falls roughly with the inverse
square of the distance, faster near the end (.../worlds/components/vrc_spatialaudiosource).
The curve itself is not published. This module uses the amplitude a at distance r in metres:

    a(r) = (1 / max(r, 1) - 1 / 25) / (1 - 1 / 25)    and 0 beyond 25 m

So a sound has its full amplitude within 1 m, because 1/r diverges at 0. VRChat's boost is for quiet
microphones. The sounds here are loud already: a gain of 1 is a voice after the boost.
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
# A nearer sound pans towards the middle, so that it does not jump when it crosses the listener.
WIDTH_M = 0.5
RAMP_S = 0.01  # duration of a change of gain
KNEE = 0.75  # larger amplitudes are compressed towards 1
_AMBIENT_HZ = 400.0  # cut-off frequency of the ambient sound


@dataclass(frozen=True, slots=True)
class Listener:
    """Position in metres east and north; heading in degrees, clockwise from north."""

    x: float
    z: float
    heading_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A sound that begins at `start_sample` of the mixer's time, in the past or the future.

    `samples` float32 (n,), in -1..1, must not change afterwards. The same array with the same start
    is the same sound, even if it has moved. Raises ValueError for another kind of array.
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
    """The share of a sound's amplitude that is left, 0..1."""
    silence = 1.0 / FAR_M
    return max(0.0, (1.0 / max(distance_m, NEAR_M) - silence) / (1.0 / NEAR_M - silence))


def ear_gains(listener: Listener, source: Source) -> tuple[float, float]:
    """Gains of the left and the right ear: distance, and a pan of constant power.

    A sound behind the listener has the same gains as in front: stereo cannot distinguish them.
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
    """What a listener at rest hears from `at_sample` on: float32 (num_samples, 2)."""
    return Mixer(sample_rate).mix(listener, sources, at_sample, num_samples)


def ambience(seed: int, seconds: float = 4.0, sample_rate: int = SAMPLE_RATE) -> Stereo:
    """The quiet ambient sound of a place, float32 (n, 2), RMS 0.003. It loops without a seam."""
    rng = np.random.Generator(np.random.PCG64([seed, 31]))
    count = max(2, round(seconds * sample_rate))
    hertz = np.fft.rfftfreq(count, 1.0 / sample_rate)
    strength = (hertz > 20.0) / (1.0 + (hertz / _AMBIENT_HZ) ** 2)
    angle = rng.uniform(0.0, 2.0 * math.pi, (2, hertz.size))
    sound = np.fft.irfft(strength * np.exp(1j * angle), count, axis=1).T
    sound *= 0.003 / max(float(np.sqrt(np.mean(sound**2))), 1e-12)
    return _read_only(sound.astype(np.float32))


@dataclass(slots=True)
class _ActiveSound:
    """A sound and the gains that the two ears have reached."""

    source: Source
    gains: tuple[float, float]


class Mixer:
    """Sums all sounds, block by block. A changed gain reaches its new value within RAMP_S.

    A sound that is no longer in the scene fades out. A sound that enters after its start fades in.
    The same calls give the same samples. Without motion, block borders have no effect.
    """

    def __init__(self, sample_rate: int = SAMPLE_RATE, ambient: Stereo | None = None) -> None:
        """`ambient` float32 (n, 2) repeats without end."""
        self._ramp = max(1, round(RAMP_S * sample_rate))
        self._ambient = None if ambient is None else np.ascontiguousarray(ambient.T)
        self._active: dict[tuple[int, int], _ActiveSound] | None = None

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
        """Like mix(), but writes to `out`, float32 (num_samples, 2).

        Mixes one ear after the other, because NumPy releases the GIL in loops of more than 500
        samples. Each time, the loudspeaker's thread would wait up to 5 ms for a busy thread.
        """
        end = at_sample + len(out)
        wanted = _merged(listener, sources)
        before = wanted if self._active is None else self._active
        for ear in (0, 1):
            total = self._ambient_block(ear, at_sample, len(out))
            for key, now in wanted.items():
                start = before[key].gains if key in before else now.gains
                if key not in before and now.source.start_sample < at_sample:
                    start = (0.0, 0.0)
                self._add(total, now.source, start[ear], now.gains[ear], at_sample)
            for key, last in before.items():
                if key not in wanted:
                    self._add(total, last.source, last.gains[ear], 0.0, at_sample)
            out[:, ear] = _limited(total)
        self._active = {
            key: now
            for key, now in wanted.items()
            if now.source.start_sample < end < now.source.start_sample + now.source.samples.size
        }

    def _ambient_block(self, ear: int, at_sample: int, num_samples: int) -> Mono:
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


def _merged(listener: Listener, sources: Sequence[Source]) -> dict[tuple[int, int], _ActiveSound]:
    """The gains of each sound. The same sound from several positions is summed up."""
    merged: dict[tuple[int, int], _ActiveSound] = {}
    for source in sources:
        key = (
            id(source.samples),
            source.start_sample,
        )  # _ActiveSound keeps the array alive, so its id is unique
        left, right = ear_gains(listener, source)
        if (same := merged.get(key)) is not None:
            left, right = left + same.gains[0], right + same.gains[1]
        merged[key] = _ActiveSound(source, (left, right))
    return merged


@lru_cache(maxsize=8)
def _ramp(ramp_samples: int, num_samples: int) -> NDArray[np.float32]:
    """The share of a change of gain that is still to come, for each sample of a block."""
    steps = min(ramp_samples, num_samples)
    left = 1.0 - np.arange(1, num_samples + 1) / steps
    return _read_only(np.maximum(left, 0.0).astype(np.float32))


def _limited(total: Mono) -> Mono:
    """Compressed above KNEE by u / (1 + u): smooth, and never above 1."""
    size = np.abs(total)
    if size.max(initial=0.0) <= KNEE:
        return total
    over = np.maximum(size - KNEE, 0.0) / (1.0 - KNEE)
    return np.copysign(np.minimum(size, KNEE) + (1.0 - KNEE) * (over / (1.0 + over)), total)


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    array.setflags(write=False)
    return array
