"""Gymnasium environments as Worlds: spaces, alignment, episode ends and starts, snapshots."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from configs.errors import BadInput
from configs.load import load_config
from interfaces.gymnasium.action_space import leaf_spaces
from interfaces.gymnasium.gymnasium_world import GymnasiumWorld
from interfaces.runtime.worlds import make_lockstep_world
from tests.conftest import ROOT


def config_of(name, *more):
    settings = ["world.kind=gymnasium", f"world.id={name}", *more]
    return load_config(ROOT / "configs" / "dreamer.yaml", settings)


def world(name, seed=0, *more):
    return GymnasiumWorld(config_of(name, *more), seed)


class Mixed(gymnasium.Env):
    """One action of each kind. Keeps the last action; an episode is truncated after five steps."""

    observation_space = spaces.Dict({"a": spaces.Box(-1, 1, (2,)), "b": spaces.Discrete(3)})
    action_space = spaces.Dict(
        {
            "arm": spaces.Box(np.array([0, -4], np.float32), np.array([2, 4], np.float32)),
            "gear": spaces.Discrete(3),
            "lamps": spaces.MultiBinary(2),
            "modes": spaces.MultiDiscrete([2, 2]),
        }
    )
    last_action = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._step = 0
        return {"a": np.zeros(2, np.float32), "b": 1}, {}

    def step(self, action):
        Mixed.last_action = action
        self._step += 1
        observation = {"a": np.full(2, 0.1 * self._step, np.float32), "b": self._step % 3}
        return observation, float(self._step), False, self._step == 5, {}


gymnasium.register("YumeTest/Mixed-v0", entry_point=Mixed)


def test_every_kind_of_action_is_mapped_to_its_space():
    made = world("YumeTest/Mixed-v0")
    kinds = [action.kind for action in made.spaces.actions]
    assert kinds == ["axis"] * 2 + ["hold"] * 9
    assert [part.indices for part in made.spaces.parts] == [
        *((0, 1), (5, 6)),  # axes, buttons
        *((2, 3, 4), (7, 8), (9, 10)),  # groups
    ]
    assert len(made.spaces.features) == 5, "two numbers, and a choice of three"
    requested = np.array([0.0, -1.0, 0.1, 0.9, 0.2, 0.8, 0.1, 0.3, 0.4, 0.6, 0.2], np.float32)
    sent = made.act(requested)
    np.testing.assert_array_equal(sent, [0, -1, 0, 1, 0, 1, 0, 0, 1, 1, 0])
    np.testing.assert_allclose(Mixed.last_action["arm"], [1.0, -4.0])
    assert Mixed.last_action["gear"] == 1
    np.testing.assert_array_equal(Mixed.last_action["lamps"], [1, 0])
    np.testing.assert_array_equal(Mixed.last_action["modes"], [1, 0])


def test_box_without_bounds_is_refused():
    with pytest.raises(BadInput, match="no bounds"):
        leaf_spaces(spaces.Box(-np.inf, np.inf, (1,)))


@pytest.mark.parametrize(
    "box",
    [
        spaces.Box(-0.1, 0.3, (2,), np.float64),
        spaces.Box(0.0, 0.1, (2,), np.float32),
        spaces.Box(-3, 5, (2,), np.int64),
    ],
)
def test_axis_values_lie_within_their_box(box):
    (leaf,) = leaf_spaces(box)
    env_actions = []
    for requested in np.linspace(-1, 1, 801, dtype=np.float32):
        flat, sent = leaf.convert(np.full(2, requested, np.float32))
        env_actions.append(spaces.unflatten(box, flat))
        assert box.contains(env_actions[-1])
        assert sent[0] == requested
    ends = np.stack(env_actions)[[0, -1]]
    np.testing.assert_allclose(ends, np.stack([box.low, box.high]), rtol=1e-6)
    if box.dtype == np.int64:  # equal shares of the axis, half a share at the ends
        counts = np.unique(np.stack(env_actions)[:, 0], return_counts=True)[1]
        assert len(counts) == 9
        assert abs(counts[0] - counts[4] / 2) <= 2
        assert np.ptp(counts[1:-1]) <= 2


def test_bounds_too_far_apart_for_float32_are_refused():
    with pytest.raises(BadInput, match="no bounds"):
        leaf_spaces(spaces.Box(-3e38, 3e38, (1,), np.float32))


def test_reward_belongs_to_the_previous_action_and_truncation_is_not_terminal():
    made = world("YumeTest/Mixed-v0")
    rewards, lasts, firsts = [], [], []
    for _ in range(8):
        observation = made.observe()
        rewards.append(observation.reward)
        lasts.append((observation.is_last, observation.is_terminal))
        firsts.append(observation.is_first)
        sent = made.act(np.ones(11, np.float32))
        assert bool(sent.any()) == (not observation.is_last), "no action is sent after the end"
    assert rewards == [0, 1, 2, 3, 4, 5, 0, 1]
    assert [i for i, last in enumerate(lasts) if last == (True, False)] == [5]
    assert [i for i, first in enumerate(firsts) if first] == [0, 6]


def test_rewards_of_repeated_actions_add_up_until_the_episode_ends():
    made = world("YumeTest/Mixed-v0", 0, "world.gymnasium.repeat=3")
    made.act(np.zeros(11, np.float32))
    assert made.observe().reward == 1 + 2 + 3
    made.act(np.zeros(11, np.float32))
    observation = made.observe()
    assert (observation.reward, observation.is_last) == (4 + 5, True)


def test_fallen_pole_is_terminal():
    made = world("CartPole-v1")
    for _ in range(100):
        observation = made.observe()
        if observation.is_last:
            break
        made.act(np.array([1.0, 0.0], np.float32))
    assert observation.is_terminal
    assert observation.reward == 1.0


def test_first_episode_starts_with_the_seed_of_the_world():
    expected, _ = gymnasium.make("CartPole-v1").reset(seed=7)
    np.testing.assert_array_equal(world("CartPole-v1", 7).observe().vector[:4], expected)


def test_restored_world_continues_bit_identically():
    actions = np.random.default_rng(0).uniform(-1, 1, (120, 2)).astype(np.float32)

    def run(made, part):
        vectors = []
        for action in part:
            vectors.append(made.observe().vector.tobytes())
            made.act(action)
        return vectors

    uninterrupted = run(world("CartPole-v1", 3), actions)
    first, second = world("CartPole-v1", 3), world("CartPole-v1", 4)
    run(first, actions[:70])
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert run(second, actions[70:]) == uninterrupted[70:]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["world.id=Nowhere-v9"], "world.id Nowhere-v9"),
        (["world.id=Pendulum-v1", "reward.parameters={HeadPat: 1.0}"], "reward.parameters.HeadPat"),
        (["world.id=dmc/nothing_at_all"], "world.id dmc/nothing_at_all"),
    ],
)
def test_unknown_world_or_reward_is_refused_and_named(settings, message):
    config = load_config(ROOT / "configs" / "dreamer.yaml", ["world.kind=gymnasium", *settings])
    with pytest.raises(BadInput, match=message):
        make_lockstep_world(config, 0)


class Lamp(gymnasium.Env):
    """Renders a gradient that gets brighter with each action; its observation is always 7."""

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


def test_pixels_are_the_rendered_image_at_the_size_of_the_camera():
    size = ["world.camera.width=48", "world.camera.height=32"]
    made = world("YumeTest/Lamp-v0", 0, "world.gymnasium.pixels=true", *size)
    assert made.spaces.image_shape == (32, 48, 3)
    assert made.spaces.features == (), "an image and no features"
    dark = made.observe().image
    assert dark.shape == (32, 48, 3)
    assert dark.dtype == np.uint8
    expected = np.linspace(0, 100, 48)
    assert np.abs(dark.mean((0, 2)) - expected).max() < 3, "the whole image, resized"
    made.act(np.array([0.0, 1.0], np.float32))
    lit = made.observe().image
    np.testing.assert_allclose(lit.astype(int) - dark, 50, atol=1)
    without_pixels = world("YumeTest/Lamp-v0")
    assert without_pixels.spaces.image_shape[:2] == (0, 0)
    assert without_pixels.observe().vector[0] == 7


def test_reward_is_the_worlds_own_unless_configured():
    config = config_of("Pendulum-v1")
    assert (config.reward.parameters, config.reward.surprise) == ({}, 0.0)
    words = ("reward.surprise=0.1", "reward.parameters={observation0: 2.0}")
    configured = config_of("Pendulum-v1", *words)
    assert configured.reward.surprise == 0.1
    made = GymnasiumWorld(configured, 0)
    assert made.spaces.features[0] == "observation0"


def test_control_suite_task_is_a_vector_and_is_truncated():
    pytest.importorskip("dm_control", reason="DeepMind Control comes with the extra dmc")
    made = world("dmc/cartpole_swingup", 5, "world.gymnasium.repeat=2")
    assert (len(made.spaces.features), made.spaces.num_actions) == (5, 1)
    steps = 0
    while not (observation := made.observe()).is_last:
        made.act(np.array([np.sin(0.3 * steps)], np.float32))
        steps += 1
    assert (steps, observation.is_terminal) == (500, False)
