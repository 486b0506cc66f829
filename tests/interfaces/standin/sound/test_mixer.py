"""What two ears hear: distance, direction, no clicks, never beyond 1."""

import itertools
import math

import numpy as np
import pytest

from interfaces.standin.sound.mixer import (
    FAR_M,
    KNEE,
    Listener,
    Mixer,
    Source,
    ambience,
    attenuation,
    ears,
    mix,
)

HERE = Listener(0.0, 0.0, 0.0)
BLOCK = 480
HALF = math.sqrt(0.5)


def steady(count: int = 48000, value: float = 1.0) -> np.ndarray:
    return np.full(count, value, np.float32)


def noise(count: int, seed: int, peak: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-peak, peak, count).astype(np.float32)


def ears_at(x: float, z: float, listener: Listener = HERE) -> tuple[float, float]:
    return ears(listener, Source(x, z, steady(1), 0))


def leap(heard: np.ndarray) -> float:
    return float(np.abs(np.diff(heard, axis=0)).max())


@pytest.mark.parametrize(
    ("distance_m", "left"),
    [
        (0.0, 1.0),
        (1.0, 1.0),
        (2.0, (1 / 2 - 1 / 25) / (24 / 25)),
        (5.0, (1 / 5 - 1 / 25) / (24 / 25)),
        (24.9, (1 / 24.9 - 1 / 25) / (24 / 25)),
        (25.0, 0.0),
        (1000.0, 0.0),
    ],
)
def test_the_distance_law(distance_m: float, left: float) -> None:
    assert attenuation(distance_m) == pytest.approx(left, abs=1e-12)


def test_farther_is_never_louder_and_the_end_is_silence() -> None:
    found = [attenuation(0.01 * i) for i in range(2600)]
    assert all(near >= far >= 0.0 for near, far in itertools.pairwise(found))
    assert not mix(HERE, [Source(0.0, FAR_M, steady(), 0)], 0, BLOCK).any()


@pytest.mark.parametrize(
    ("x", "z", "heading_deg", "gains"),
    [
        (-1.0, 0.0, 0.0, (1.0, 0.0)),
        (1.0, 0.0, 0.0, (0.0, 1.0)),
        (0.0, 1.0, 0.0, (HALF, HALF)),
        (0.0, -1.0, 0.0, (HALF, HALF)),  # behind
        (0.0, 1.0, 90.0, (1.0, 0.0)),  # facing east, north is to the left
        (1.0, 0.0, 90.0, (HALF, HALF)),
        (1.0, 0.0, 180.0, (1.0, 0.0)),
        (0.0, -1.0, 270.0, (1.0, 0.0)),
        (0.0, 0.0, 33.0, (HALF, HALF)),  # inside the head
    ],
)
def test_the_pan(x: float, z: float, heading_deg: float, gains: tuple[float, float]) -> None:
    assert ears_at(x, z, Listener(0.0, 0.0, heading_deg)) == pytest.approx(gains, abs=1e-12)


def test_all_around_the_power_is_the_same_and_the_listener_may_be_anywhere() -> None:
    for degree in range(360):
        angle = math.radians(degree)
        x, z = 3.0 * math.sin(angle), 3.0 * math.cos(angle)
        left, right = ears_at(x, z)
        assert math.hypot(left, right) == pytest.approx(attenuation(3.0))
        moved = ears_at(x - 7.0, z + 4.0, Listener(-7.0, 4.0, 0.0))
        assert moved == pytest.approx((left, right), abs=1e-9)


def test_who_walks_through_the_listener_does_not_leap_from_ear_to_ear() -> None:
    path = [ears_at(0.001 * i, 0.0) for i in range(-1000, 1001)]
    assert max(abs(b[0] - a[0]) for a, b in itertools.pairwise(path)) < 0.002


def test_samples_are_scaled_by_the_gains_and_begin_when_they_should() -> None:
    sound = noise(1000, 1, peak=0.5)
    heard = mix(HERE, [Source(-1.0, 0.0, sound, 100, 0.5)], 0, 2000)
    assert heard.shape == (2000, 2)
    assert heard.dtype == np.float32
    np.testing.assert_array_equal(heard[100:1100, 0], sound * np.float32(0.5))
    assert not heard[:100].any()
    assert not heard[1100:].any()
    assert np.abs(heard[:, 1]).max() < 1e-7


def test_a_sound_is_heard_from_its_middle_on() -> None:
    sound = noise(1000, 1, peak=0.5)
    heard = mix(HERE, [Source(-1.0, 0.0, sound, -400)], 0, 1000)
    np.testing.assert_array_equal(heard[:600, 0], sound[400:])
    assert not heard[600:].any()


@pytest.mark.parametrize("block", [480, 77, 1, 5000])
def test_blocks_are_the_long_block(block: int) -> None:
    sources = [
        Source(-2.0, 1.0, noise(3000, 1), 0),
        Source(3.0, 0.5, noise(4000, 2), 1234),
        Source(0.3, -0.1, noise(900, 3), -300, 2.0),  # loud enough for the ceiling
        Source(0.0, 9.0, noise(100, 4), 4990),
    ]
    listener, hum = Listener(0.2, 0.1, 20.0), ambience(1, 0.05)
    whole = Mixer(ambient=hum).mix(listener, sources, 0, 5000)
    mixer = Mixer(ambient=hum)
    parts = [
        mixer.mix(listener, list(sources), at, min(block, 5000 - at))
        for at in range(0, 5000, block)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert np.abs(whole).max() > KNEE


def test_a_listener_who_turns_hears_no_click() -> None:
    sound, mixer = steady(), Mixer()
    heard = [
        mixer.mix(Listener(0.0, 0.0, heading), [Source(-1.0, 0.0, sound, 0, 0.7)], at, BLOCK)
        for at, heading in zip(range(0, 48000, BLOCK), itertools.cycle((0.0, 0.0, 180.0)))
    ]
    whole = np.concatenate(heard)
    assert leap(whole) < 1.01 * 0.7 / BLOCK
    np.testing.assert_allclose(heard[1][-1], (0.7, 0.0), atol=1e-6)
    np.testing.assert_allclose(heard[2][-1], (0.0, 0.7), atol=1e-6)  # it is there with the block


def test_a_long_block_ramps_for_a_hundredth_of_a_second() -> None:
    mixer, source = Mixer(), Source(-1.0, 0.0, steady(), 0, 0.7)
    mixer.mix(HERE, [source], 0, BLOCK)
    heard = mixer.mix(Listener(0.0, 0.0, 180.0), [source], BLOCK, 4800)
    assert 0.0 < heard[BLOCK - 2, 0] < 0.01
    np.testing.assert_allclose(heard[BLOCK - 1 :, 1], 0.7, rtol=1e-6)


def test_what_appears_late_or_vanishes_fades_and_what_begins_now_is_whole() -> None:
    mixer, late, now = Mixer(), Source(-1.0, 0.0, steady(), 0, 0.7), steady(value=0.5)
    mixer.mix(HERE, [], 0, BLOCK)
    first = mixer.mix(HERE, [late], BLOCK, BLOCK)
    second = mixer.mix(HERE, [], 2 * BLOCK, BLOCK)
    third = mixer.mix(HERE, [Source(1.0, 0.0, now, 3 * BLOCK)], 3 * BLOCK, BLOCK)
    assert leap(np.concatenate((np.zeros((1, 2)), first, second))) < 1.01 * 0.7 / BLOCK
    assert first[-1, 0] == pytest.approx(0.7)
    assert second[-1, 0] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_array_equal(third[:, 1], now[:BLOCK])


def test_a_sound_that_moved_goes_on_and_the_same_from_two_places_is_their_sum() -> None:
    mixer, sound = Mixer(), steady(value=0.25)
    mixer.mix(HERE, [Source(-1.0, 0.0, sound, 0)], 0, BLOCK)
    moved = mixer.mix(HERE, [Source(1.0, 0.0, sound, 0)], BLOCK, BLOCK)
    assert leap(moved) < 1.01 * 0.25 / BLOCK
    both = [Source(-1.0, 0.0, sound, 0), Source(1.0, 0.0, sound, 0)]
    np.testing.assert_allclose(mix(HERE, both, 0, BLOCK), 0.25, atol=1e-6)


def test_the_ceiling_is_soft_and_never_passed() -> None:
    loud = np.linspace(-8.0, 8.0, 4801, dtype=np.float32)
    heard = mix(HERE, [Source(-1.0, 0.0, loud, 0)], 0, loud.size)[:, 0]
    quiet = np.abs(loud) <= KNEE
    np.testing.assert_array_equal(heard[quiet], loud[quiet])
    assert np.abs(heard).max() <= 1.0
    assert (np.diff(heard) > 0).all()
    assert np.abs(np.diff(heard)).max() < 1.01 * 16.0 / 4800
    np.testing.assert_allclose(heard, -heard[::-1], atol=1e-6)


def test_the_same_calls_give_the_same_samples() -> None:
    def heard() -> np.ndarray:
        mixer = Mixer(ambient=ambience(3))
        sounds = [noise(9000, i) for i in range(4)]
        return np.concatenate(
            [
                mixer.mix(
                    Listener(0.01 * i, 0.0, 7.0 * i),
                    [Source(j - 1.5, 2.0, sounds[j], 700 * j) for j in range(4) if (i + j) % 5],
                    i * BLOCK,
                    BLOCK,
                )
                for i in range(20)
            ]
        )

    np.testing.assert_array_equal(heard(), heard())


def test_the_hum_of_a_place_is_quiet_wide_and_without_a_seam() -> None:
    hum = ambience(5, 0.5)
    assert hum.shape == (24000, 2)
    assert float(np.sqrt(np.mean(hum**2))) == pytest.approx(0.003, rel=1e-3)
    np.testing.assert_array_equal(hum, ambience(5, 0.5))
    assert not np.array_equal(hum, ambience(6, 0.5))
    assert abs(np.corrcoef(hum.T)[0, 1]) < 0.5
    assert np.abs(hum[0] - hum[-1]).max() <= leap(hum)
    heard = Mixer(ambient=hum).mix(HERE, [], 23000, 3000)
    np.testing.assert_array_equal(heard, np.concatenate((hum[23000:], hum[:2000])))


@pytest.mark.parametrize("samples", [np.zeros(4), np.zeros((4, 2), np.float32)])
def test_a_source_takes_one_channel_of_float32(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"float32 \(n,\)"):
        Source(0.0, 0.0, samples, 0)
