"""Gymnasium environments as Worlds: spaces, alignment, ends, starts, going on from a snapshot."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from configs.errors import BadInput
from configs.load import load_config
from interfaces.gymnasium.action_space import leaves
from interfaces.gymnasium.gymnasium_world import GymnasiumWorld
from interfaces.runtime.lockstep_worlds import make_lockstep_world
from tests.conftest import ROOT


def config_of(name, *more):
    settings = ["world.kind=gymnasium", f"world.id={name}", *more]
    return load_config(ROOT / "configs" / "dreamer.yaml", settings)


def world(name, seed=0, *more):
    return GymnasiumWorld(config_of(name, *more), seed)


class Mixed(gymnasium.Env):
    """One of each kind of action; tells what it was told, ends after five steps."""

    observation_space = spaces.Dict({"a": spaces.Box(-1, 1, (2,)), "b": spaces.Discrete(3)})
    action_space = spaces.Dict(
        {
            "arm": spaces.Box(np.array([0, -4], np.float32), np.array([2, 4], np.float32)),
            "gear": spaces.Discrete(3),
            "lamps": spaces.MultiBinary(2),
            "modes": spaces.MultiDiscrete([2, 2]),
        }
    )
    told = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._step = 0
        return {"a": np.zeros(2, np.float32), "b": 1}, {}

    def step(self, action):
        Mixed.told = action
        self._step += 1
        seen = {"a": np.full(2, 0.1 * self._step, np.float32), "b": self._step % 3}
        return seen, float(self._step), False, self._step == 5, {}


gymnasium.register("YumeTest/Mixed-v0", entry_point=Mixed)


def test_every_kind_of_action_finds_its_place():
    made = world("YumeTest/Mixed-v0")
    kinds = [action.kind for action in made.spaces.actions]
    assert kinds == ["axis"] * 2 + ["hold"] * 9
    assert made.spaces.groups == ((2, 3, 4), (7, 8), (9, 10))
    assert len(made.spaces.features) == 5, "two numbers, and one of three"
    wanted = np.array([0.0, -1.0, 0.1, 0.9, 0.2, 0.8, 0.1, 0.3, 0.4, 0.6, 0.2], np.float32)
    sent = made.act(wanted)
    np.testing.assert_array_equal(sent, [0, -1, 0, 1, 0, 1, 0, 0, 1, 1, 0])
    np.testing.assert_allclose(Mixed.told["arm"], [1.0, -4.0])
    assert Mixed.told["gear"] == 1
    np.testing.assert_array_equal(Mixed.told["lamps"], [1, 0])
    np.testing.assert_array_equal(Mixed.told["modes"], [1, 0])


def test_axes_without_bounds_are_refused():
    with pytest.raises(BadInput, match="no bounds"):
        leaves(spaces.Box(-np.inf, np.inf, (1,)))


@pytest.mark.parametrize(
    "box",
    [
        spaces.Box(-0.1, 0.3, (2,), np.float64),
        spaces.Box(0.0, 0.1, (2,), np.float32),
        spaces.Box(-3, 5, (2,), np.int64),
    ],
)
def test_what_an_axis_tells_lies_within_its_box(box):
    (leaf,) = leaves(box)
    told = []
    for wanted in np.linspace(-1, 1, 801, dtype=np.float32):
        found, sent = leaf.take(np.full(2, wanted, np.float32))
        told.append(spaces.unflatten(box, found))
        assert box.contains(told[-1])
        assert sent[0] == wanted
    ends = np.stack(told)[[0, -1]]
    np.testing.assert_allclose(ends, np.stack([box.low, box.high]), rtol=1e-6)
    if box.dtype == np.int64:  # whole numbers: each as near, the ends half as wide
        counts = np.unique(np.stack(told)[:, 0], return_counts=True)[1]
        assert len(counts) == 9
        assert abs(counts[0] - counts[4] / 2) <= 2
        assert np.ptp(counts[1:-1]) <= 2


def test_bounds_too_far_apart_for_a_float_are_no_bounds():
    with pytest.raises(BadInput, match="no bounds"):
        leaves(spaces.Box(-3e38, 3e38, (1,), np.float32))


def test_rewards_answer_the_action_before_and_a_cut_is_no_end():
    made = world("YumeTest/Mixed-v0")
    rewards, lasts, firsts = [], [], []
    for _ in range(8):
        seen = made.observe()
        rewards.append(seen.reward)
        lasts.append((seen.is_last, seen.is_terminal))
        firsts.append(seen.is_first)
        sent = made.act(np.ones(11, np.float32))
        assert bool(sent.any()) == (not seen.is_last), "the action after the end is masked"
    assert rewards == [0, 1, 2, 3, 4, 5, 0, 1]
    assert [i for i, last in enumerate(lasts) if last == (True, False)] == [5]
    assert [i for i, first in enumerate(firsts) if first] == [0, 6]


def test_repeated_actions_add_up_and_stop_at_the_end():
    made = world("YumeTest/Mixed-v0", 0, "world.gymnasium.repeat=3")
    made.act(np.zeros(11, np.float32))
    assert made.observe().reward == 1 + 2 + 3
    made.act(np.zeros(11, np.float32))
    seen = made.observe()
    assert (seen.reward, seen.is_last) == (4 + 5, True)


def test_a_fallen_pole_is_a_true_end():
    made = world("CartPole-v1")
    for _ in range(100):
        seen = made.observe()
        if seen.is_last:
            break
        made.act(np.array([1.0, 0.0], np.float32))
    assert seen.is_terminal
    assert seen.reward == 1.0


def test_the_first_episode_begins_as_the_environment_itself_would():
    expected, _ = gymnasium.make("CartPole-v1").reset(seed=7)
    np.testing.assert_array_equal(world("CartPole-v1", 7).observe().vector[:4], expected)


def test_goes_on_from_a_snapshot_as_if_never_stopped():
    actions = np.random.default_rng(0).uniform(-1, 1, (120, 2)).astype(np.float32)

    def live(made, part):
        seen = []
        for action in part:
            seen.append(made.observe().vector.tobytes())
            made.act(action)
        return seen

    whole = live(world("CartPole-v1", 3), actions)
    first, second = world("CartPole-v1", 3), world("CartPole-v1", 4)
    live(first, actions[:70])
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert live(second, actions[70:]) == whole[70:]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["world.id=Nowhere-v9"], "world.id Nowhere-v9"),
        (["world.id=Pendulum-v1", "reward.parameters={HeadPat: 1.0}"], "reward.parameters.HeadPat"),
        (["world.id=dmc/nothing_at_all"], "world.id dmc/nothing_at_all"),
    ],
)
def test_what_cannot_be_is_refused_and_named(settings, said):
    config = load_config(ROOT / "configs" / "dreamer.yaml", ["world.kind=gymnasium", *settings])
    with pytest.raises(BadInput, match=said):
        make_lockstep_world(config, 0)


class Lamp(gymnasium.Env):
    """What it renders is a gradient, brighter by each action; what it says of itself is 7."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    observation_space = spaces.Box(-9, 9, (1,))
    action_space = spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode, self._lit = render_mode, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._lit = 0
        return np.full(1, 7, np.float32), {}

    def step(self, action):
        self._lit += int(action)
        return np.full(1, 7, np.float32), 0.0, False, False, {}

    def render(self):
        across = np.linspace(0, 100, 160, dtype=np.uint8)
        return np.broadcast_to(across[None, :, None], (120, 160, 3)) + np.uint8(50 * self._lit)


gymnasium.register("YumeTest/Lamp-v0", entry_point=Lamp)


def test_pixels_are_what_the_world_renders_at_the_size_of_the_camera():
    size = ["world.camera.width=48", "world.camera.height=32"]
    made = world("YumeTest/Lamp-v0", 0, "world.gymnasium.pixels=true", *size)
    assert made.spaces.image_shape == (32, 48, 3)
    assert made.spaces.features == (), "it sees, and does not feel"
    dark = made.observe().image
    assert dark.shape == (32, 48, 3)
    assert dark.dtype == np.uint8
    expected = np.linspace(0, 100, 48)
    assert np.abs(dark.mean((0, 2)) - expected).max() < 3, "the whole picture, made small"
    made.act(np.array([0.0, 1.0], np.float32))
    lit = made.observe().image
    np.testing.assert_allclose(lit.astype(int) - dark, 50, atol=1)
    felt = world("YumeTest/Lamp-v0")
    assert felt.spaces.image_shape[:2] == (0, 0)
    assert felt.observe().vector[0] == 7


def test_a_world_pays_by_itself_unless_told_otherwise():
    config = config_of("Pendulum-v1")
    assert (config.reward.parameters, config.reward.surprise) == ({}, 0.0)
    told = config_of("Pendulum-v1", "reward.surprise=0.1", "reward.parameters={observation0: 2.0}")
    assert told.reward.surprise == 0.1
    made = GymnasiumWorld(told, 0)
    assert made.spaces.features[0] == "observation0"


def test_control_suite_tells_its_task_in_numbers():
    pytest.importorskip("dm_control", reason="DeepMind Control comes with the extra dmc")
    made = world("dmc/cartpole_swingup", 5, "world.gymnasium.repeat=2")
    assert (len(made.spaces.features), made.spaces.num_actions) == (5, 1)
    steps = 0
    while not (seen := made.observe()).is_last:
        made.act(np.array([np.sin(0.3 * steps)], np.float32))
        steps += 1
    assert (steps, seen.is_terminal) == (500, False)
