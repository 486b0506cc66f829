"""The stand-in as a Gymnasium environment."""

import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="needs the extra [gym]")

from gymnasium.utils.env_checker import check_env  # noqa: E402

import interfaces.standin.gymnasium_env  # noqa: E402, F401
from interfaces.standin.gymnasium_env import StandinEnv  # noqa: E402
from interfaces.standin.places.build import VERSIONS  # noqa: E402

TINY = ("world.standin.width=32", "world.standin.height=32", "world.camera.width=32")
TINY = (*TINY, "world.camera.height=32", "evaluate.episode_steps=20")


def make(place):
    name = f"Yume/{place.capitalize()}-v{VERSIONS[place]}"
    return gymnasium.make(name, overrides=TINY, disable_env_checker=True)


@pytest.mark.parametrize("place", VERSIONS)
def test_gymnasiums_checker_finds_no_error(place):
    env = make(place)
    with warnings.catch_warnings():  # it warns about unbounded vectors, such as velocities
        warnings.filterwarnings("ignore", ".*Box observation space.*")
        check_env(env.unwrapped, skip_render_check=False)
    env.close()


def episode(env, seed):
    """All observations and rewards of an episode with random actions."""
    observation, _ = env.reset(seed=seed)
    rng, recorded = np.random.default_rng(0), [observation["image"].copy()]
    ended = False
    while not ended:
        observation, reward, terminated, ended, info = env.step(
            rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        )
        assert not terminated
        assert reward == pytest.approx(info["reward_terms"].sum())
        recorded += [observation["image"], observation["vector"], np.float64(reward)]
    return recorded


def test_the_same_seed_gives_the_same_episode():
    env = make("plaza")
    first, again, other = (episode(env, seed) for seed in (3, 3, 4))
    env.close()
    assert len(first) == 1 + 3 * 20  # truncated after evaluate.episode_steps
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_each_reset_makes_another_world():
    env = make("maze")
    pictures = [env.reset(seed=1)[0]["image"], *(env.reset()[0]["image"] for _ in range(2))]
    env.close()
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])


def test_a_vector_environment_has_different_worlds():
    envs = gymnasium.make_vec(
        f"Yume/Room-v{VERSIONS['room']}",
        num_envs=3,
        vectorization_mode="sync",
        overrides=TINY,
    )
    observations, _ = envs.reset(seed=5)
    assert observations["image"].shape == (3, 32, 32, 3)
    assert not np.array_equal(observations["image"][0], observations["image"][1])
    alone = make("room")
    picture = alone.reset(seed=5)[0]["image"]
    assert np.array_equal(picture, observations["image"][0])
    _, rewards, _, _, _ = envs.step(np.zeros(envs.action_space.shape, np.float32))
    assert rewards.shape == (3,)
    alone.close()
    envs.close()


def test_observations_have_the_spaces_of_the_lockstep_world(tiny):
    env = StandinEnv(tiny)
    observation, _ = env.reset(seed=0)
    assert observation["vector"].shape == (len(tiny.world.parameters) + len(tiny.world.actions),)
    assert env.render() is None
    assert env.truth()["place"]["name"] == "room"
    env.close()


def test_a_step_before_the_first_reset_raises_reset_needed(tiny):
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        StandinEnv(tiny).step(np.zeros(5, np.float32))


def test_place_and_overrides_change_a_given_config(tiny):
    env = StandinEnv(tiny, place="maze", overrides=("tick.hz=20",))
    assert env.config.world.standin.place == "maze"
    assert env.config.tick.hz == 20


@pytest.mark.parametrize(
    ("make_env", "named"),
    [
        (lambda: StandinEnv(render_mode="human"), "rgb_array"),
        (lambda: StandinEnv(overrides=("world.standin.place=moon",)), "moon"),
        (lambda: StandinEnv("vrchat"), "real time"),
        (lambda: StandinEnv("tiny").reset(options={"place": "maze"}), "place"),
    ],
)
def test_a_wrong_argument_is_refused(make_env, named):
    with pytest.raises(ValueError, match=named):
        make_env()


@pytest.mark.parametrize("action", [0.5, [0.0] * 4, [0.0] * 6, [[0.0] * 5]])
def test_an_action_of_the_wrong_shape_is_refused(tiny, action):
    env = StandinEnv(tiny)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="shape"):
        env.step(action)
    env.close()
