"""Rooms that change: drawn from the seed, announced as a change of the world, resumed exactly."""

import json
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
from panda3d.core import TransformState

from configs.errors import BadInput
from configs.load import load_config
from configs.schema import Config
from configs.standin import StandinConfig
from configs.world.rooms import RoomsConfig
from interfaces.core.clock import RealClock
from interfaces.core.world import Situation
from interfaces.osc.message import encode
from interfaces.runtime.worlds import make_baseline, make_evaluation_world
from interfaces.standin.core import StandinCore
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.picture.renderer import Renderer
from interfaces.vrchat.endpoints import Endpoints
from interfaces.vrchat.vrchat_world import VRChatWorld
from tests.conftest import ROOT
from tests.interfaces.standin.live_standin import live_standin

SHORT = StandinConfig(width=64, height=64, rooms=RoomsConfig(change="episode", load_s=0.1))
STAY_S = 0.2  # 12 substeps; loading takes 6 more, and the substep after them is in the next room
ROOM_SUBSTEPS = 18
TICKS, LOADING_TICKS = 20, 10  # in the lockstep worlds below


def changing(*overrides: str) -> Config:
    """Tiny settings with another room after every TICKS ticks at 10 Hz."""
    rooms = ("world.standin.rooms.change=episode", f"evaluate.episode_steps={TICKS}")
    return load_config(ROOT / "configs" / "tiny.yaml", [*rooms, *overrides])


def contents(core: StandinCore) -> object:
    """All that makes this room, apart from the avatar."""
    place, people = core.place, core.people
    surfaces = [(each.name, each.mesh.corners.tobytes()) for each in place.surfaces]
    pictures = [each.picture.tobytes() for each in place.surfaces if each.picture is not None]
    looks = [(each.name, each.look, each.nature, each.x, each.z) for each in people]
    return surfaces, pictures, place.landmarks, place.light, place.half_m, looks


def rooms_of(seed: int, count: int, config: StandinConfig = SHORT) -> list[object]:
    core, rooms = StandinCore(config, seed, episode_s=STAY_S), []
    for k in range(count):
        assert (core.place_loads, core.loading) == (k, False)
        rooms.append(contents(core))
        core.step(ROOM_SUBSTEPS + (k == 0), [])
    return rooms


@pytest.mark.parametrize("place", ["room", "plaza"])
def test_the_same_seed_gives_the_same_rooms(place: str) -> None:
    config = SHORT.model_copy(update={"place": place})
    first, again, other = (rooms_of(seed, 4, config) for seed in (3, 3, 4))
    assert first == again
    assert all(a != b for a in first for b in other)
    assert all(a != b for i, a in enumerate(first) for b in first[i + 1 :])


def test_a_room_does_not_depend_on_what_happened_before_it() -> None:
    expected = rooms_of(3, 3)[2]
    core = StandinCore(SHORT, 3, episode_s=50.0)
    for name, substeps in (("Vertical", 77), ("LookHorizontal", 500)):
        core.step(substeps, [encode(f"/input/{name}", 1.0)])
        core.trigger_event("respawn")
        core.trigger_event("world_load")
        core.step(300, [])
    assert core.place_loads == 2
    assert contents(core) == expected


def test_number_looks_names_and_light_differ_between_rooms() -> None:
    core = StandinCore(SHORT, 0, episode_s=STAY_S)
    people, first_person, lights = set[int](), set[tuple[str, int]](), set[object]()
    for k in range(20):
        people.add(len(core.people))
        first_person.add((core.people[0].name, core.people[0].look))
        lights.add(core.place.light)
        assert core.people[0].nature == "friend", "someone can give head-pats in every room"
        core.step(ROOM_SUBSTEPS + (k == 0), [])
    assert people == {1, 2, 3}
    assert len(first_person) > 10
    assert len(lights) == 20


def test_dimmer_light_gives_a_darker_picture() -> None:
    core = StandinCore(SHORT, 0, episode_s=STAY_S)
    assert max(core.place.light) < 0.9
    full = Renderer(SHORT, replace(core.place, light=(1.0, 1.0, 1.0)))
    assert core.frame().mean() < 0.9 * full.render(core.view()).mean()
    full.close()


def test_a_configured_number_of_people_stays() -> None:
    core = StandinCore(SHORT.model_copy(update={"people": 2}), 0, episode_s=STAY_S)
    for _ in range(5):
        assert len(core.people) == 2
        core.step(ROOM_SUBSTEPS, [])


def test_without_the_setting_the_room_stays_and_nothing_is_varied() -> None:
    core = StandinCore(StandinConfig(width=64, height=64), 0, episode_s=STAY_S)
    core.step(1200, [])
    assert core.place_loads == 0
    assert (core.place.light, core.place.half_m, len(core.place.landmarks)) == ((1, 1, 1), 4.0, 6)
    assert [each.name for each in core.people] == ["Aoi"]


def test_each_room_lasts_for_the_minutes_of_the_setting() -> None:
    rooms = RoomsConfig(change="minutes", minutes=0.1, load_s=0.5)
    core = StandinCore(StandinConfig(width=64, height=64, rooms=rooms), 0, episode_s=STAY_S)
    core.step(360, [])
    assert not core.loading
    core.step(1, [])
    assert core.loading
    core.step(30, [])
    assert (core.loading, core.place_loads) == (False, 1)


def test_the_body_notices_the_change_rests_and_starts_an_episode() -> None:
    world, forward = LockstepStandin(changing(), 0), np.array([1, 0, 0, 0, 0], np.float32)
    period = TICKS + LOADING_TICKS
    for tick in range(3 * period):
        observation = world.observe()
        place_in_period = tick % period
        loading = place_in_period >= TICKS
        assert (Situation.BLACK in observation.situation) == loading
        assert observation.resting == loading
        arrives = place_in_period == 0
        assert observation.is_first == arrives
        assert (Situation.WORLD_CHANGE in observation.situation) == (arrives and tick > 0)
        assert world.core.place_loads == tick // period
        if place_in_period == TICKS + 1:
            assert not any(world.core.inputs.values()), "released while the room loads"
        elif place_in_period == TICKS - 1:
            assert world.core.inputs["Vertical"] == 1.0
        world.rest() if observation.resting else world.act(forward)


@pytest.mark.parametrize("stop", [TICKS - 1, TICKS + 4, TICKS + LOADING_TICKS, 70])
def test_a_resumed_world_continues_exactly_across_a_change(stop: int) -> None:
    actions = np.random.default_rng(0).uniform(-1, 1, (100, 5)).astype(np.float32)

    def observed(world: LockstepStandin, part: np.ndarray) -> list[tuple[object, ...]]:
        seen = []
        for action in part:
            each = world.observe()
            seen.append((each.image.tobytes(), each.vector.tobytes(), each.situation))
            world.rest() if each.resting else world.act(action)
        return seen

    config = changing()
    whole = observed(LockstepStandin(config, 1), actions)
    assert whole == observed(LockstepStandin(config, 1), actions)
    first = LockstepStandin(config, 1)
    observed(first, actions[:stop])
    resumed = LockstepStandin(config, 1)
    resumed.restore(json.loads(json.dumps(first.snapshot())))
    assert observed(resumed, actions[stop:]) == whole[stop:]


def test_a_snapshot_of_an_older_version_has_one_room() -> None:
    core = StandinCore(StandinConfig(width=64, height=64), 0)
    core.step(60, [])
    old = core.snapshot()
    del old["arrived"]
    other = StandinCore(StandinConfig(width=64, height=64), 0)
    other.restore(old)
    assert other.step(60, []) == core.step(60, [])


def test_the_oracle_finds_people_after_a_change() -> None:
    world = LockstepStandin(changing("evaluate.episode_steps=100"), 2)
    oracle = make_baseline("oracle", world, 0)
    patted = [0, 0, 0]
    while world.core.place_loads < len(patted):
        observation = world.observe()
        patted[min(2, world.core.place_loads)] += world.core.patted_by is not None
        world.rest() if observation.resting else world.act(oracle())
    assert all(ticks >= 10 for ticks in patted)


def test_an_evaluation_uses_the_usual_room_of_its_seed() -> None:
    usual = LockstepStandin(load_config(ROOT / "configs" / "tiny.yaml"), 100_000)
    world = make_evaluation_world(changing(), 100_000)
    for _ in range(2 * TICKS):
        assert np.array_equal(world.observe().image, usual.observe().image)
        world.act(np.ones(5, np.float32))
        usual.act(np.ones(5, np.float32))


def test_memory_does_not_grow_with_the_number_of_rooms() -> None:
    core, memory_mb = StandinCore(SHORT, 0, episode_s=STAY_S), list[float]()
    core.step(1, [])
    while core.place_loads < 70:
        core.step(ROOM_SUBSTEPS, [])
        assert core.frame().any(), "a picture of the room, which makes a renderer"
        if core.place_loads in (20, 70):
            memory_mb.append(psutil.Process().memory_info().rss / 1e6)
    assert memory_mb[-1] - memory_mb[0] < 10.0  # textures that are never freed: 28 MB


def test_memory_does_not_grow_with_the_number_of_pictures() -> None:
    core = StandinCore(StandinConfig(width=64, height=64), 0)
    core.step(2, [encode("/input/Vertical", 0.7), encode("/input/LookHorizontal", 0.7)])
    for _ in range(500):
        core.step(2, [])
        core.frame()
    assert TransformState.get_num_states() < 3000  # never freed: nine for each picture


def test_a_live_change_is_announced_and_the_body_goes_on() -> None:
    config = changing().world
    standin = config.standin.model_copy(update={"rooms": RoomsConfig(change="episode")})
    turn = np.array([0, 0, 1, 0, 0], np.float32)
    with live_standin(standin, episode_s=2.0) as live:
        receive_port = live.receiver.getsockname()[1]
        live.receiver.close()
        camera = f"http://127.0.0.1:{live.ports.http}/camera.mjpg"
        endpoints = Endpoints("127.0.0.1", live.ports.osc_in, receive_port, camera)
        world = VRChatWorld(config, endpoints, RealClock())
        turning = world.spaces.features.index("AngularY")
        loads, rested, changes, turned = set[int](), 0, 0, 0
        deadline = time.perf_counter() + 30.0
        while turned < 5 and time.perf_counter() < deadline:
            observation = world.observe()
            if Situation.BLACK in observation.situation:
                truth = live.truth()
                rested += observation.resting
                loads.add(truth["place"]["loads"])  # type: ignore[index]
            if Situation.WORLD_CHANGE in observation.situation:
                changes += 1
                assert observation.is_first
            if changes >= 2:
                turned += abs(observation.vector[turning]) > 1.0
            world.rest() if observation.resting else world.act(turn)
            time.sleep(0.05)
        world.close()
    assert (changes >= 2, rested >= 5, turned) == (True, True, 5)
    assert len(loads) >= 2, "HTTP state follows the change"


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["world.standin.rooms.change=often"], "change"),
        (["world.standin.rooms=often"], "rooms"),
        (["world.standin.rooms.minutes=0"], "minutes"),
        (["world.standin.rooms={change: episode, load_s: 0.1}"], r"load_s 0\.1.*at least 0\.2"),
    ],
)
def test_a_wrong_setting_is_refused(overrides: list[str], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        load_config(ROOT / "configs" / "tiny.yaml", overrides)
