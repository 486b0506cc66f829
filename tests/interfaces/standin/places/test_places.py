"""Every place: the same for a seed, another for another, all of it can be reached, nobody stuck."""

import math

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.osc.message import encode
from interfaces.standin.core import StandinCore
from interfaces.standin.picture.daylight import daylight
from interfaces.standin.places.build import VERSIONS, build_place
from interfaces.standin.places.garden import BALL_M
from interfaces.standin.places.passages import carve, distances
from interfaces.standin.places.routes import Routes
from interfaces.standin.places.solids import PERSON_RADIUS_M, Box, Circle, Solids

PLACES = tuple(VERSIONS)


def config(place: str, **more: object) -> StandinConfig:
    return StandinConfig(place=place, width=64, height=64, **more)


@pytest.mark.parametrize("place", PLACES)
def test_a_seed_makes_a_place(place: str) -> None:
    def seen(seed: int) -> np.ndarray:
        core = StandinCore(config(place), seed)
        core.step(30, [])
        return core.frame()

    assert np.array_equal(seen(3), seen(3))
    assert not np.array_equal(seen(3), seen(4))
    one, other = build_place(config(place), 3), build_place(config(place), 4)
    assert one.solids != other.solids
    assert one.version == VERSIONS[place]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", range(3))
def test_all_of_it_can_be_reached(place: str, seed: int) -> None:
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
def test_nobody_begins_inside_anything(place: str, seed: int) -> None:
    core = StandinCore(config(place), seed)
    everybody = [core.truth()["agent"], *core.truth()["people"]]
    for who in everybody:
        for solid in core.place.solids:
            assert clearance(solid, who["x"], who["z"]) >= PERSON_RADIUS_M


def clearance(solid: Circle | Box, x: float, z: float) -> float:
    if isinstance(solid, Circle):
        return math.hypot(x - solid.x, z - solid.z) - solid.radius
    return math.hypot(
        max(0.0, abs(x - solid.x) - solid.half_x), max(0.0, abs(z - solid.z) - solid.half_z)
    )


@pytest.mark.parametrize("place", PLACES)
def test_people_get_about(place: str) -> None:
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


def test_how_many_people_can_be_said() -> None:
    assert StandinCore(config("plaza", people=0), 0).truth()["people"] == []
    assert len(StandinCore(config("room", people=9), 0).truth()["people"]) == 9


def test_a_hill_lifts_and_is_walked_down_without_a_fall() -> None:
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
    assert abs(core.values["VelocityY"]) < 4.0


def test_a_bench_is_jumped_upon_and_stepped_off() -> None:
    ground = Solids(5.0, [Box("bench", 0.0, 0.0, 1.0, 1.0, top=0.45)])
    assert ground.slide(-1.3, 0.0, 0.0, 0.2, 0.0)[2] == ["bench"]
    x, _, touched = ground.slide(-1.3, 0.3, 0.0, 0.2, 0.0)
    assert (x, touched) == (pytest.approx(-1.1), [])
    assert ground.floor(0.0, 0.5, 0.0) == 0.45
    assert ground.floor(0.0, 0.0, 0.0) == 0.0  # under it, if one could be


def test_one_walks_under_what_hangs_high() -> None:
    ground = Solids(5.0, [Circle("sign", 0.0, 0.0, 1.0, bottom=2.0, top=3.0)])
    assert ground.slide(-0.1, 0.0, 0.0, 0.2, 0.0) == (pytest.approx(0.1), 0.0, [])


def test_a_ball_pushes_who_stands_in_its_way() -> None:
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


def test_movers_depend_on_the_time_alone() -> None:
    one, other = (build_place(config("garden"), 5) for _ in range(2))
    for a, b in zip(one.movers, other.movers, strict=True):
        assert a.at(12.3) == b.at(12.3)
        assert a.at(12.3) != a.at(13.3)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_a_maze_joins_all_of_its_cells(size: int) -> None:
    for seed in range(5):
        passages = carve(size, np.random.default_rng(seed))
        assert len(passages) == size * size - 1  # a tree: no way around
        assert len(distances(size, passages, (0, 0))) == size * size
        more = carve(size, np.random.default_rng(seed), extra=2)
        assert len(more) == min(size * size - 1 + 2, 2 * size * (size - 1))


def test_the_lantern_is_seen_over_the_hedges() -> None:
    """A gold glow in the picture of one who looks to it, from most places and even at night."""
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


@pytest.mark.parametrize("place", ["plaza", "garden", "maze"])
def test_night_is_dark_outside(place: str) -> None:
    noon, night = (
        StandinCore(config(place, hour=hour, people=0), 2).frame().mean() for hour in (12.0, 0.0)
    )
    assert night < 0.6 * noon


@pytest.mark.parametrize("place", ["room", "gallery"])
def test_night_is_not_seen_inside(place: str) -> None:
    noon, night = (
        StandinCore(config(place, hour=hour, people=0), 2).frame() for hour in (12.0, 0.0)
    )
    assert np.array_equal(noon, night)


def test_a_day_passes() -> None:
    core = StandinCore(config("plaza", hour=12.0, day_s=60.0, people=0), 0)
    core.step(1, [])
    noon = core.frame().mean()
    core.step(30 * 60, [])
    assert core.frame().mean() < 0.6 * noon
    core.step(30 * 60, [])
    assert core.frame().mean() == pytest.approx(noon, rel=0.05)


def test_the_hour_can_be_drawn_by_the_seed() -> None:
    hours = {StandinCore(config("plaza", hour=None), seed).view().hour for seed in range(5)}
    assert len(hours) == 5
    assert StandinCore(config("plaza", hour=None), 1).view().hour in hours


def test_the_light_rises_until_noon() -> None:
    light = [sum(daylight(hour)) for hour in range(0, 13)]
    assert light == sorted(light)
    assert daylight(12.0) == (1.0, 1.0, 1.0)


def test_the_pictures_of_a_place_do_not_depend_on_what_was_drawn_before() -> None:
    """Two renderers in one process leave each other alone."""
    first, second = StandinCore(config("plaza"), 0), StandinCore(config("garden"), 0)
    alone = first.frame()
    second.frame()
    assert np.array_equal(first.frame(), alone)
