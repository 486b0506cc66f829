"""Pictures and numbers of environments that are not as declared are converted or named."""

from fractions import Fraction

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from configs.errors import BadInput
from configs.load import load_config
from interfaces.gymnasium.action_space import leaf_spaces
from interfaces.gymnasium.env_numbers import EnvNumbers, flag, reward_number
from interfaces.gymnasium.env_pictures import EnvPictures, is_picture_space
from interfaces.gymnasium.gymnasium_world import GymnasiumWorld
from tests.conftest import ROOT

RGB = np.arange(24 * 32 * 3, dtype=np.int64).reshape(24, 32, 3).astype(np.uint8)
GREY = RGB[..., 0]
GREY_RGB = np.repeat(GREY[..., None], 3, 2)
ALPHA = np.concatenate([RGB, np.full((24, 32, 1), 7, np.uint8)], 2)


def convert(picture, declared=None):
    lines = []
    return EnvPictures("world.id A", declared, lines.append).convert(picture), lines


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (RGB, RGB),
        (ALPHA, RGB),
        (GREY, GREY_RGB),
        (GREY[..., None], GREY_RGB),
        (np.moveaxis(RGB, 2, 0), RGB),
        (GREY[None], GREY_RGB),
        (np.stack([255 - RGB, RGB]), RGB),
        (np.stack([255 - GREY] * 3 + [GREY]), GREY_RGB),
        (np.moveaxis(np.stack([255 - RGB, RGB]), 3, 1), RGB),
        (RGB.astype(np.int64), RGB),
        (RGB / np.float32(255.0), RGB),
        (RGB.astype(np.float64), RGB),
        (GREY > 99, np.where(GREY_RGB > 99, 255, 0)),
        (RGB[..., ::-1], RGB[..., ::-1]),
    ],
)
def test_a_picture_with_a_plain_meaning_is_converted(picture, expected):
    got, lines = convert(picture)
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, expected)
    assert lines == [], "render() declares nothing"


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (None, "its picture is None"),
        ([], r"its picture is \(0,\) float64: a picture is \(height, width\)"),
        (np.zeros((24, 32, 2), np.uint8), r"its picture is \(24, 32, 2\) uint8: a picture is"),
        (np.zeros((0, 32, 3), np.uint8), r"its picture is \(0, 32, 3\) uint8"),
        ([[1, 2], [3]], "its picture is no array"),
        (RGB.astype(object), "object: a picture is"),
        (RGB.astype(np.uint16) * 200, "its picture is uint16 from 0 to 51000; 0 to 255 is allowed"),
        (RGB.astype(np.int32) - 5, "its picture is int32 from -5 to 250; 0 to 255"),
        (np.where(GREY > 200, np.nan, 0.5), "a value of its picture is NaN"),
        (np.full((24, 32), np.inf), "a value of its picture is infinite"),
    ],
)
def test_any_other_picture_is_named_with_what_is_allowed(picture, message):
    with pytest.raises(BadInput, match=f"world.id A: .*{message}"):
        convert(picture)


def test_a_declared_picture_is_compared_and_a_difference_is_logged_once():
    declared = spaces.Box(0, 255, (24, 32, 3), np.uint8)
    lines = []
    pictures = EnvPictures("world.id A", declared, lines.append)
    pictures.convert(RGB)
    assert lines == []
    for _ in range(3):
        np.testing.assert_array_equal(pictures.convert(ALPHA), RGB)
    assert lines == [
        "world.id A: its picture is (24, 32, 4) uint8, (24, 32, 3) uint8 was declared: "
        "it is converted"
    ]


def test_the_range_of_float_pictures_stays_what_it_was():
    pictures = EnvPictures("world.id A", None, print)
    assert pictures.convert(np.zeros((4, 4, 3))).max() == 0, "a black picture has no range"
    assert pictures.convert(np.full((4, 4, 3), 0.5)).min() == 128
    with pytest.raises(BadInput, match=r"float64 from 30 to 30; 0 to 1, as before, is allowed"):
        pictures.convert(np.full((4, 4, 3), 30.0))
    declared = EnvPictures("world.id A", spaces.Box(0, 255, (4, 4, 3), np.float32), print)
    dark = np.full((4, 4, 3), 1.0, np.float32)
    assert declared.convert(dark).max() == 1, "the declared range counts, not the first picture"


@pytest.mark.parametrize(
    ("box", "is_picture"),
    [
        (spaces.Box(0, 255, (7, 7, 3), np.uint8), True),
        (spaces.Box(0, 255, (64, 64, 4), np.uint8), True),
        (spaces.Box(0, 255, (3, 64, 64), np.uint8), True),
        (spaces.Box(0, 255, (64, 64), np.uint8), True),
        (spaces.Box(0, 255, (4, 84, 84), np.uint8), True),
        (spaces.Box(0, 255, (4, 64, 64, 3), np.uint8), True),
        (spaces.Box(0, 1, (64, 64, 3), np.float32), True),
        (spaces.Box(0, 1, (64, 64), np.float32), False),
        (spaces.Box(-1, 1, (64, 64, 3), np.float32), False),
        (spaces.Box(0, 255, (128,), np.uint8), False),
        (spaces.Box(0, 255, (4, 4), np.uint8), False),
        (spaces.Discrete(3), False),
        (None, False),
    ],
)
def test_which_spaces_are_pictures(box, is_picture):
    assert is_picture_space(box) == is_picture


MIXED = spaces.Dict(
    {
        "arm": spaces.Box(-1, 1, (2, 2), np.float32),
        "gear": spaces.Tuple((spaces.Discrete(3, start=-1), spaces.MultiDiscrete([2, 3]))),
        "lamps": spaces.MultiBinary(2),
    }
)


def test_numbers_are_those_of_gymnasiums_flatten():
    numbers = EnvNumbers("world.id A", MIXED, pytest.fail)
    MIXED.seed(0)
    for _ in range(20):
        observed = MIXED.sample()
        np.testing.assert_array_equal(numbers.convert(observed), spaces.flatten(MIXED, observed))


def good(**changes):
    arm = np.zeros((2, 2), np.float32)
    return {"arm": arm, "gear": (0, np.array([1, 2])), "lamps": [0, 1]} | changes


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (good(arm=np.array([0, np.nan, 0, 0])), r"observation1 \(arm\) is NaN"),
        (good(arm=np.array([0, 0, 0, 1e300])), r"observation3 \(arm\) is infinite"),
        (good(arm=np.zeros(3)), r"its observation\['arm'\] is \(3,\) float64, \(2, 2\) was decl"),
        (good(arm=None), r"its observation\['arm'\] is None, which is no number"),
        (good(gear=(5, np.zeros(2))), r"its observation\['gear'\]\[0\] is 5, Discrete\(3, start="),
        (good(gear=(-2, np.zeros(2))), r"its observation\['gear'\]\[0\] is -2, Discrete"),
        (good(gear=(0,)), r"its observation\['gear'\] has no entry 1, as declared"),
        (good(gear=(0, np.array([1, 3]))), r"its observation\['gear'\]\[1\] is \[1, 3\], MultiD"),
        ({"arm": np.zeros((2, 2))}, "its observation has no entry 'gear', as declared"),
        (None, "its observation has no entry 'arm'"),
    ],
)
def test_a_wrong_number_is_named_with_its_entry(observed, message):
    with pytest.raises(BadInput, match=f"world.id A: {message}"):
        EnvNumbers("world.id A", MIXED, print).convert(observed)


def test_a_number_outside_its_range_is_used_and_logged_once():
    lines = []
    numbers = EnvNumbers("world.id A", spaces.Box(-1, 1, (3,), np.float32), lines.append)
    for _ in range(3):
        np.testing.assert_array_equal(numbers.convert(np.array([0, 3.5, -2])), [0, 3.5, -2])
    assert lines == ["world.id A: observation1 is 3.5; -1 to 1 was declared: it is used as it is"]


@pytest.mark.parametrize(
    "space",
    [
        spaces.Text(5),
        spaces.Sequence(spaces.Discrete(2)),
        spaces.Dict({"a": spaces.Discrete(2), "mission": spaces.Text(5)}),
        None,
    ],
)
def test_a_space_without_numbers_is_named_with_what_works(space):
    with pytest.raises(BadInput, match=r"(Text|Sequence|NoneType) .*What works: Box, .*pix"):
        EnvNumbers("world.id A", space, print)
    with pytest.raises(BadInput, match=r"no policy can choose actions of .*What works: Box"):
        leaf_spaces(space)


def test_a_reward_is_one_finite_number():
    for reward in (2, 2.0, np.int64(2), np.array([2.0]), np.float32(2), np.array(2), Fraction(2)):
        assert reward_number("A", reward) == 2.0
    assert reward_number("A", np.True_) == 1.0
    for reward in (None, "2", np.nan, np.inf, [1, 2], np.array([])):
        with pytest.raises(BadInput, match=r"A: its reward is .*; allowed is"):
            reward_number("A", reward)


def test_a_flag_is_true_or_false():
    assert [flag("A", "terminated", each) for each in (np.True_, 0.0, np.array([True]))] == [
        *(True, False, True)
    ]
    for value in (None, "no", np.array([True, False]), np.nan):
        with pytest.raises(BadInput, match=r"A: terminated is .*; allowed is true or false"):
            flag("A", "terminated", value)


class Odd(gymnasium.Env):
    """Declares three numbers; `result` is what its step returns."""

    observation_space = spaces.Box(-1, 1, (3,), np.float32)
    action_space = spaces.Discrete(2)
    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    result = (np.zeros(3), np.array([1]), np.False_, np.True_, None)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        return [0, 0.5, 1], None

    def step(self, action):
        return self.result

    def render(self):
        return np.full((48, 64), 99, np.uint8)


class Old(Odd):
    """An environment of the old package: step returns four values."""

    result = (np.zeros(3), 1.0, False, {})


class Hole(Odd):
    """One number is NaN after the first action."""

    result = (np.array([0, 0, np.nan]), 1.0, False, False, {})


for odd in (Odd, Old, Hole):
    gymnasium.register(f"YumeTest/{odd.__name__}-v0", entry_point=odd)


def make(name, *more):
    words = ["world.kind=gymnasium", f"world.id=YumeTest/{name}-v0", *more]
    return GymnasiumWorld(load_config(ROOT / "configs" / "dreamer.yaml", words), 0)


def test_info_none_integer_rewards_and_numpy_flags_are_used():
    world = make("Odd")
    np.testing.assert_array_equal(world.observe().vector[:3], [0, 0.5, 1])
    world.act(np.zeros(2, np.float32))
    observation = world.observe()
    assert (observation.reward, observation.is_last, observation.is_terminal) == (1.0, True, False)


def test_a_grey_render_is_an_rgb_image():
    world = make("Odd", "world.gymnasium.pixels=true")
    np.testing.assert_array_equal(world.observe().image, np.full((64, 64, 3), 99))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Old", "step returned 4 values, and Gymnasium has 5: observation, reward, .*shimmy"),
        ("Hole", "observation2 is NaN"),
    ],
)
def test_a_failing_environment_is_named(name, message):
    world = make(name)
    with pytest.raises(BadInput, match=f"world.id YumeTest/{name}-v0: {message}"):
        world.act(np.zeros(2, np.float32))
