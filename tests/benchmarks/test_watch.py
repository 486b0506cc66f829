"""The numbers of watched episodes, and their picture."""

from pathlib import Path
from types import SimpleNamespace

import cv2

from benchmarks.learning.watch import WatchedWorld, draw, watched
from configs.load import load_config
from interfaces.runtime.worlds import make_baseline


def state(x, z, heading_deg, *, patted=False, grounded=True):
    """A friend at the origin, a shy person far away, and the agent."""
    people = [{"x": 0.0, "z": 0.0, "nature": "friend"}, {"x": 9.0, "z": 9.0, "nature": "shy"}]
    agent = {"x": x, "z": z, "heading_deg": heading_deg, "grounded": grounded}
    return {"agent": agent, "people": people, "patted_by": "Aoi" if patted else None}


def test_numbers_of_an_episode():
    states = [
        state(0.0, -3.0, 0.0),  # faces the friend
        state(0.0, -2.0, 350.0),
        state(0.0, -1.0, 10.0, patted=True),  # 20 degrees across north
        state(0.0, -1.0, 100.0, patted=True, grounded=False),
    ]
    each = watched(SimpleNamespace(states=states, seed=7, tick_s=0.1))
    assert (each.seed, each.head_pats, each.natures) == (7, 2, ["friend", "shy"])
    assert (each.near_after_s, each.near_share, each.friend_share) == (0.2, 0.5, 1.0)
    assert (each.nearest_m, each.facing_share, each.off_ground_share) == (1.0, 0.75, 0.25)
    assert (each.turn_deg_s, each.walked_m) == (400.0, 2.0)


def test_an_episode_that_is_never_near_has_no_time():
    each = watched(SimpleNamespace(states=[state(0.0, -3.0, 180.0)] * 2, seed=7, tick_s=0.1))
    assert (each.near_after_s, each.near_share, each.friend_share) == (None, 0.0, 0.0)


def test_a_real_episode_is_drawn(tmp_path):
    world = WatchedWorld(load_config(Path("tiny")), 100_000)
    policy = make_baseline("oracle", world, 0)
    for _ in range(5):
        world.observe()
        world.act(policy())
    numbers = watched(world)
    world.close()
    assert len(world.states) == 5
    assert numbers.natures
    draw([world], [numbers], "tiny").savefig(tmp_path / "watch.png")
    assert cv2.imread(str(tmp_path / "watch.png")) is not None
