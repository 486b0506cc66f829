"""The mix for two ears: distance, direction, no clicks, never above 1."""

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
    ear_gains,
    mix,
)

HERE = Listener(0.0, 0.0, 0.0)
BLOCK = 480
HALF = math.sqrt(0.5)


def steady(count: int = 48000, value: float = 1.0) -> np.ndarray:
    return np.full(count, value, np.float32)


def noise(count: int, seed: int, peak: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-peak, peak, count).astype(np.float32)


def gains_at(x: float, z: float, listener: Listener = HERE) -> tuple[float, float]:
    return ear_gains(listener, Source(x, z, steady(1), 0))


def largest_jump(sound: np.ndarray) -> float:
    """The largest difference between two successive samples."""
    return float(np.abs(np.diff(sound, axis=0)).max())


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
def test_attenuation_follows_its_formula(distance_m: float, left: float) -> None:
    assert attenuation(distance_m) == pytest.approx(left, abs=1e-12)


def test_a_farther_sound_is_never_louder_and_is_silent_at_25_m() -> None:
    gains = [attenuation(0.01 * i) for i in range(2600)]
    assert all(near >= far >= 0.0 for near, far in itertools.pairwise(gains))
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
def test_the_pan_follows_the_direction(
    x: float, z: float, heading_deg: float, gains: tuple[float, float]
) -> None:
    assert gains_at(x, z, Listener(0.0, 0.0, heading_deg)) == pytest.approx(gains, abs=1e-12)


def test_power_is_equal_in_all_directions_for_any_position() -> None:
    for degree in range(360):
        angle = math.radians(degree)
        x, z = 3.0 * math.sin(angle), 3.0 * math.cos(angle)
        left, right = gains_at(x, z)
        assert math.hypot(left, right) == pytest.approx(attenuation(3.0))
        moved = gains_at(x - 7.0, z + 4.0, Listener(-7.0, 4.0, 0.0))
        assert moved == pytest.approx((left, right), abs=1e-9)


def test_a_sound_that_crosses_the_listener_does_not_jump_between_ears() -> None:
    path = [gains_at(0.001 * i, 0.0) for i in range(-1000, 1001)]
    assert max(abs(b[0] - a[0]) for a, b in itertools.pairwise(path)) < 0.002


def test_samples_are_scaled_and_begin_at_their_start() -> None:
    sound = noise(1000, 1, peak=0.5)
    mixed = mix(HERE, [Source(-1.0, 0.0, sound, 100, 0.5)], 0, 2000)
    assert mixed.shape == (2000, 2)
    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed[100:1100, 0], sound * np.float32(0.5))
    assert not mixed[:100].any()
    assert not mixed[1100:].any()
    assert np.abs(mixed[:, 1]).max() < 1e-7


def test_a_sound_that_began_earlier_is_played_from_its_middle() -> None:
    sound = noise(1000, 1, peak=0.5)
    mixed = mix(HERE, [Source(-1.0, 0.0, sound, -400)], 0, 1000)
    np.testing.assert_array_equal(mixed[:600, 0], sound[400:])
    assert not mixed[600:].any()


@pytest.mark.parametrize("block", [480, 77, 1, 5000])
def test_many_blocks_equal_one_long_block(block: int) -> None:
    sources = [
        Source(-2.0, 1.0, noise(3000, 1), 0),
        Source(3.0, 0.5, noise(4000, 2), 1234),
        Source(0.3, -0.1, noise(900, 3), -300, 2.0),  # loud enough for the limit
        Source(0.0, 9.0, noise(100, 4), 4990),
    ]
    listener, ambient = Listener(0.2, 0.1, 20.0), ambience(1, 0.05)
    whole = Mixer(ambient=ambient).mix(listener, sources, 0, 5000)
    mixer = Mixer(ambient=ambient)
    parts = [
        mixer.mix(listener, list(sources), at, min(block, 5000 - at))
        for at in range(0, 5000, block)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert np.abs(whole).max() > KNEE


def test_a_turn_of_the_listener_makes_no_click() -> None:
    sound, mixer = steady(), Mixer()
    mixed = [
        mixer.mix(Listener(0.0, 0.0, heading), [Source(-1.0, 0.0, sound, 0, 0.7)], at, BLOCK)
        for at, heading in zip(range(0, 48000, BLOCK), itertools.cycle((0.0, 0.0, 180.0)))
    ]
    whole = np.concatenate(mixed)
    assert largest_jump(whole) < 1.01 * 0.7 / BLOCK
    np.testing.assert_allclose(mixed[1][-1], (0.7, 0.0), atol=1e-6)
    np.testing.assert_allclose(
        mixed[2][-1], (0.0, 0.7), atol=1e-6
    )  # reached at the end of the block


def test_a_gain_changes_within_a_hundredth_of_a_second() -> None:
    mixer, source = Mixer(), Source(-1.0, 0.0, steady(), 0, 0.7)
    mixer.mix(HERE, [source], 0, BLOCK)
    mixed = mixer.mix(Listener(0.0, 0.0, 180.0), [source], BLOCK, 4800)
    assert 0.0 < mixed[BLOCK - 2, 0] < 0.01
    np.testing.assert_allclose(mixed[BLOCK - 1 :, 1], 0.7, rtol=1e-6)


def test_late_and_removed_sounds_fade_and_new_sounds_are_complete() -> None:
    mixer, late, now = Mixer(), Source(-1.0, 0.0, steady(), 0, 0.7), steady(value=0.5)
    mixer.mix(HERE, [], 0, BLOCK)
    first = mixer.mix(HERE, [late], BLOCK, BLOCK)
    second = mixer.mix(HERE, [], 2 * BLOCK, BLOCK)
    third = mixer.mix(HERE, [Source(1.0, 0.0, now, 3 * BLOCK)], 3 * BLOCK, BLOCK)
    assert largest_jump(np.concatenate((np.zeros((1, 2)), first, second))) < 1.01 * 0.7 / BLOCK
    assert first[-1, 0] == pytest.approx(0.7)
    assert second[-1, 0] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_array_equal(third[:, 1], now[:BLOCK])


def test_a_moved_sound_continues_and_a_sound_from_two_places_is_summed() -> None:
    mixer, sound = Mixer(), steady(value=0.25)
    mixer.mix(HERE, [Source(-1.0, 0.0, sound, 0)], 0, BLOCK)
    moved = mixer.mix(HERE, [Source(1.0, 0.0, sound, 0)], BLOCK, BLOCK)
    assert largest_jump(moved) < 1.01 * 0.25 / BLOCK
    both = [Source(-1.0, 0.0, sound, 0), Source(1.0, 0.0, sound, 0)]
    np.testing.assert_allclose(mix(HERE, both, 0, BLOCK), 0.25, atol=1e-6)


def test_the_limit_is_smooth_and_never_exceeded() -> None:
    loud = np.linspace(-8.0, 8.0, 4801, dtype=np.float32)
    mixed = mix(HERE, [Source(-1.0, 0.0, loud, 0)], 0, loud.size)[:, 0]
    quiet = np.abs(loud) <= KNEE
    np.testing.assert_array_equal(mixed[quiet], loud[quiet])
    assert np.abs(mixed).max() <= 1.0
    assert (np.diff(mixed) > 0).all()
    assert np.abs(np.diff(mixed)).max() < 1.01 * 16.0 / 4800
    np.testing.assert_allclose(mixed, -mixed[::-1], atol=1e-6)


def test_the_same_calls_give_the_same_samples() -> None:
    def mix_twenty_blocks() -> np.ndarray:
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

    np.testing.assert_array_equal(mix_twenty_blocks(), mix_twenty_blocks())


def test_ambient_sound_is_quiet_wide_and_loops_without_a_seam() -> None:
    ambient = ambience(5, 0.5)
    assert ambient.shape == (24000, 2)
    assert float(np.sqrt(np.mean(ambient**2))) == pytest.approx(0.003, rel=1e-3)
    np.testing.assert_array_equal(ambient, ambience(5, 0.5))
    assert not np.array_equal(ambient, ambience(6, 0.5))
    assert abs(np.corrcoef(ambient.T)[0, 1]) < 0.5
    assert np.abs(ambient[0] - ambient[-1]).max() <= largest_jump(ambient)
    mixed = Mixer(ambient=ambient).mix(HERE, [], 23000, 3000)
    np.testing.assert_array_equal(mixed, np.concatenate((ambient[23000:], ambient[:2000])))


@pytest.mark.parametrize("samples", [np.zeros(4), np.zeros((4, 2), np.float32)])
def test_a_source_takes_one_channel_of_float32(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"float32 \(n,\)"):
        Source(0.0, 0.0, samples, 0)
