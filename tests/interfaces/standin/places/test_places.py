"""Every place: its seed determines it, all of it can be reached, and people move in it."""

import math

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.osc.message import encode
from interfaces.standin.core import StandinCore
from interfaces.standin.geometry.solids import PERSON_RADIUS_M, Box, Circle, Solids
from interfaces.standin.places.build import VERSIONS, build_place
from interfaces.standin.places.garden import BALL_M
from interfaces.standin.places.routes import Routes

PLACES = tuple(VERSIONS)


def config(place: str, **more: object) -> StandinConfig:
    return StandinConfig(place=place, width=64, height=64, **more)


@pytest.mark.parametrize("place", PLACES)
def test_the_seed_determines_the_place(place: str) -> None:
    def picture(seed: int) -> np.ndarray:
        core = StandinCore(config(place), seed)
        core.step(30, [])
        return core.frame()

    assert np.array_equal(picture(3), picture(3))
    assert not np.array_equal(picture(3), picture(4))
    one, other = build_place(config(place), 3), build_place(config(place), 4)
    assert one.solids != other.solids
    assert one.version == VERSIONS[place]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", range(3))
def test_every_free_point_can_be_reached(place: str, seed: int) -> None:
    built = build_place(config(place), seed)
    routes, rng = Routes(built.ground), np.random.default_rng(seed)
    for _ in range(12):
        x, _, z, _ = built.spawn(rng)
        goal = built.ground.free_point(rng)
        walked = walk(built.ground, (x, z), routes.route((x, z), goal))
        assert math.dist(walked, goal) < 0.6


def walk(ground: Solids, here: tuple[float, float], route: list[tuple[float, float]]):
    x, z = here
    for goal in route:
        for _ in range(2000):
            away = math.dist((x, z), goal)
            if away < 0.05:
                break
            step = min(0.05, away) / away
            x, z, _ = ground.slide(
                x, ground.terrain(x, z), z, (goal[0] - x) * step, (goal[1] - z) * step
            )
    return x, z


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", range(3))
def test_agent_and_people_start_outside_of_solids(place: str, seed: int) -> None:
    core = StandinCore(config(place), seed)
    for pose in (core.truth()["agent"], *core.truth()["people"]):
        for solid in core.place.solids:
            assert clearance(solid, pose["x"], pose["z"]) >= PERSON_RADIUS_M


def clearance(solid: Circle | Box, x: float, z: float) -> float:
    if isinstance(solid, Circle):
        return math.hypot(x - solid.x, z - solid.z) - solid.radius
    return math.hypot(
        max(0.0, abs(x - solid.x) - solid.half_x), max(0.0, abs(z - solid.z) - solid.half_z)
    )


@pytest.mark.parametrize("place", PLACES)
def test_people_move_around(place: str) -> None:
    core = StandinCore(config(place), 1)
    far = [0.0] * len(core.truth()["people"])
    start = [(p["x"], p["z"]) for p in core.truth()["people"]]
    for _ in range(40):
        core.step(60, [])
        for i, person in enumerate(core.truth()["people"]):
            far[i] = max(far[i], math.dist(start[i], (person["x"], person["z"])))
    assert len(far) == core.place.people
    assert min(far) > 2.0


def test_the_plaza_has_people_of_every_nature() -> None:
    people = StandinCore(config("plaza"), 0).truth()["people"]
    assert {each["nature"] for each in people} >= {"friend", "talker", "follower", "shy", "tease"}
    assert len({each["name"] for each in people}) == len(people)
    assert len({each["look"] for each in people}) == len(people)


def test_the_number_of_people_can_be_configured() -> None:
    assert StandinCore(config("plaza", people=0), 0).truth()["people"] == []
    assert len(StandinCore(config("room", people=9), 0).truth()["people"]) == 9


def test_the_avatar_follows_a_hill_up_and_down_without_a_fall() -> None:
    core = StandinCore(config("garden", people=0), 2)
    core.step(1, [])
    line = np.linspace(-12, 12, 100)
    terrain = core.place.ground.terrain
    top_x, top_z = max(((x, z) for x in line for z in line), key=lambda at: terrain(*at))
    snapshot = core.snapshot()
    start_z = top_z - 5.0
    snapshot["avatar"] |= {"x": top_x, "y": terrain(top_x, start_z), "z": start_z}
    snapshot["avatar"]["heading_deg"] = 0.0
    core.restore(snapshot)
    heights, grounded = [], []
    for _ in range(60):
        core.step(3, [encode("/input/Vertical", 1.0)])
        agent = core.truth()["agent"]
        assert agent["y"] == pytest.approx(terrain(agent["x"], agent["z"]), abs=1e-6)
        heights.append(agent["y"])
        grounded.append(agent["grounded"])
    assert max(heights) > 1.0
    assert all(grounded)
    assert abs(core.parameters["VelocityY"]) < 4.0


def test_a_ball_pushes_an_avatar_out_of_its_way() -> None:
    core = StandinCore(config("garden", people=0), 0)
    core.step(1, [])
    ball = next(each for each in core.place.movers if each.name == "ball")
    x, y, z, _ = ball.at(core.time_s + 0.5)
    snapshot = core.snapshot()
    snapshot["avatar"] |= {"x": x, "y": y, "z": z}
    core.restore(snapshot)
    pushed = False
    for _ in range(60):
        core.step(1, [])
        agent, (bx, _, bz, _) = core.truth()["agent"], ball.at(core.time_s)
        pushed |= "ball" in agent["touches"]
        assert math.dist((agent["x"], agent["z"]), (bx, bz)) > 0.5 * BALL_M
    assert pushed
    assert math.dist((x, z), (core.truth()["agent"]["x"], core.truth()["agent"]["z"])) > 0.3


def test_movers_depend_on_the_time_only() -> None:
    one, other = (build_place(config("garden"), 5) for _ in range(2))
    for a, b in zip(one.movers, other.movers, strict=True):
        assert a.at(12.3) == b.at(12.3)
        assert a.at(12.3) != a.at(13.3)


def test_the_lantern_is_visible_over_the_hedges_at_night() -> None:
    """From most points an agent that looks at it sees a gold spot."""
    core = StandinCore(config("maze", hour=0.0, people=0), 1)
    core.step(1, [])
    mark, rng, seen = core.truth()["landmarks"][0], np.random.default_rng(0), 0
    for _ in range(30):
        x, z = core.place.ground.free_point(rng)
        away = math.dist((mark["x"], mark["z"]), (x, z))
        snapshot = core.snapshot()
        snapshot["avatar"] |= {
            "x": x,
            "z": z,
            "heading_deg": math.degrees(math.atan2(mark["x"] - x, mark["z"] - z)),
            "pitch_deg": min(80.0, math.degrees(math.atan2(8.7, away))),
        }
        core.restore(snapshot)
        red, _, blue = core.frame()[24:40, 24:40].astype(int).transpose(2, 0, 1)
        seen += int(((red > 120) & (blue < 0.5 * red)).sum() > 3)
    assert seen >= 20


def test_two_renderers_in_one_process_do_not_affect_each_other() -> None:
    first, second = StandinCore(config("plaza"), 0), StandinCore(config("garden"), 0)
    alone = first.frame()
    second.frame()
    assert np.array_equal(first.frame(), alone)
