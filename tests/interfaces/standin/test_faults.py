"""What goes wrong on request goes wrong as asked, and the same way again for a seed."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from configs.standin import AvatarConfig, FaultsConfig, RandomiseConfig, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.core import StandinCore
from interfaces.standin.standin_server import Ports, serve
from tests.interfaces.standin.test_standin_server import living

SMALL = {"width": 64, "height": 64}


def core_with(seed: int = 0, **faults: object) -> StandinCore:
    core = StandinCore(StandinConfig(**SMALL, faults=FaultsConfig(**faults)), seed)
    core.step(60, [])
    return core


def turned(core: StandinCore, substeps: int) -> float:
    before = core.truth()["agent"]["heading_deg"]
    core.step(substeps, [])
    return (core.truth()["agent"]["heading_deg"] - before) % 360.0


def test_lost_datagrams_are_counted_and_do_nothing() -> None:
    core = core_with(loss=1.0)
    assert core.step(60, [encode("/input/LookHorizontal", 1.0)]) == []
    assert turned(core, 10) == 0.0
    assert core.truth()["lost"] > 5  # what the avatar would have told was lost, too


def test_about_as_many_are_lost_as_asked_for() -> None:
    core = StandinCore(StandinConfig(**SMALL, faults=FaultsConfig(loss=0.3)), 0)
    core.step(1, [encode("/input/Jump", 0)] * 1000)
    assert 700 - 60 < core.truth()["received"] < 700 + 60


def test_a_delay_is_added_to_the_dead_time() -> None:
    core = core_with(delay_ms=100.0)
    core.step(1, [encode("/input/LookHorizontal", 1.0)])
    assert turned(core, 7) == 0.0  # 100 ms and 33 ms are eight substeps
    assert turned(core, 1) > 0.0


def test_jitter_brings_things_out_of_order_but_loses_none() -> None:
    core = core_with(jitter_ms=200.0)
    for i in range(100):
        core.step(1, [encode("/input/Vertical", i / 100)])
    core.step(30, [])
    assert core.truth()["received"] == 100
    assert core.truth()["inputs"] != {"Vertical": pytest.approx(0.99)}


def test_osc_off_is_silence_both_ways() -> None:
    core = core_with(osc=False)
    assert core.step(60, [encode("/input/LookHorizontal", 1.0)]) == []
    assert turned(core, 10) == 0.0


def test_menu_and_afk() -> None:
    core = core_with(menu=True, afk=True)
    core.step(5, [encode("/input/LookHorizontal", 1.0)])
    assert turned(core, 10) == 0.0
    assert core.values["AFK"] is True
    core.faults = FaultsConfig()
    assert turned(core, 10) > 0.0


def test_black_and_frozen_pictures() -> None:
    core = core_with()
    before = core.frame()
    core.faults = FaultsConfig(video="frozen")
    core.step(60, [encode("/input/LookHorizontal", 1.0)])
    assert np.array_equal(core.frame(), before)
    core.faults = FaultsConfig(video="black")
    assert not core.frame().any()
    core.faults = FaultsConfig()
    assert core.frame().any()
    assert not np.array_equal(core.frame(), before)


def test_a_world_takes_five_seconds_to_load_and_is_another_one() -> None:
    core = core_with()
    before, marks = core.frame(), core.truth()["landmarks"]
    core.happen("world_load")
    said = core.step(299, [encode("/input/Vertical", 1.0)])
    assert said == []
    assert core.loading
    assert not core.frame().any()
    said = core.step(2, [])
    assert decode(said[0])[0][0] == "/avatar/change"
    assert core.frame().any()
    assert not np.array_equal(core.frame(), before)
    assert core.truth()["landmarks"] != marks


def test_what_is_held_stays_held_over_a_world_load() -> None:
    core = core_with()
    core.step(10, [encode("/input/LookHorizontal", 1.0)])
    core.happen("world_load")
    core.step(100, [])
    core.step(1, [encode("/input/Run", 1)])  # heard while it loads
    core.step(260, [])
    assert core.inputs["Run"] == 1.0
    assert turned(core, 6) == pytest.approx(20.0)


def test_a_frozen_picture_is_the_same_after_a_snapshot() -> None:
    core = core_with()
    first = core.frame().copy()
    core.faults = FaultsConfig(video="frozen")
    core.step(60, [encode("/input/LookHorizontal", 1.0)])
    snapshot = json.loads(json.dumps(core.snapshot()))
    other = core_with()
    other.restore(snapshot)
    assert np.array_equal(other.frame(), first)
    core.faults = FaultsConfig()
    assert not np.array_equal(core.frame(), first)
    core.restore(snapshot)
    assert np.array_equal(core.frame(), first), "and never a picture from later"


def test_a_snapshot_that_does_not_fit_changes_nothing() -> None:
    core, other = core_with(), core_with(seed=1)
    for key, value, named in (("worn", "avtr_x", "avtr_x"), ("place", ["maze", 1], "maze")):
        snapshot = other.snapshot() | {key: value}
        before = core.snapshot()
        with pytest.raises(ValueError, match=named):
            core.restore(snapshot)
        assert core.snapshot() == before


def test_tracking_is_taken_as_vrchat_knows_it_and_else_counted() -> None:
    core = core_with()
    core.step(1, [encode("/tracking/eye/EyesClosedAmount", 0.5)])
    assert core.truth()["ignored"] == 0
    core.step(1, [encode("/tracking/nonsense", 0.5), encode("/tracking/eye/CenterPitchYaw", 0.5)])
    assert core.truth()["ignored"] == 2


def test_a_parameter_may_have_slashes_and_its_spaces_become_underlines() -> None:
    avatar = AvatarConfig(
        id="avtr_1", parameters={"Head Pat": "bool"}, contacts={"Contact/Receiver/Pat": {}}
    )
    core = StandinCore(StandinConfig(**SMALL, avatars=(avatar,)), 0)
    told = {address for d in core.step(60, []) for address, _ in decode(d)}
    assert {"/avatar/parameters/Head_Pat", "/avatar/parameters/Contact/Receiver/Pat"} <= told
    with pytest.raises(ValueError, match="pattern"):
        AvatarConfig(id="avtr_1", contacts={"Contact//Pat": {}})


def test_events_that_cannot_be_say_why() -> None:
    core = core_with()
    with pytest.raises(ValueError, match="no chair in the room"):
        core.happen("sit")
    with pytest.raises(ValueError, match="avtr_"):
        core.happen("avatar_swap", "avtr_nobody")


def test_who_sits_is_seated_and_stands_up_to_move() -> None:
    core = StandinCore(StandinConfig(**SMALL, place="plaza"), 0)
    core.step(60, [])
    core.happen("sit")
    core.step(10, [])
    assert (core.values["Seated"], core.values["InStation"]) == (True, True)
    assert turned(core, 5) == 0.0
    core.step(5, [encode("/input/LookHorizontal", 1.0)])
    assert turned(core, 5) > 0.0  # one may look about
    assert core.values["Seated"] is True
    core.step(10, [encode("/input/Vertical", 1.0)])
    assert core.values["Seated"] is False


def test_chairs_are_used_by_hands_of_vr_only() -> None:
    for vr in (False, True):
        core = StandinCore(StandinConfig(**SMALL, place="plaza", vr_inputs=vr, people=0), 0)
        core.step(1, [])
        seat = core.place.seats[0]
        snapshot = core.snapshot()
        snapshot["avatar"] |= {"x": seat.x * 0.9, "z": seat.z * 0.9}
        core.restore(snapshot)
        core.step(5, [encode("/input/UseRight", 1)])
        assert core.values["Seated"] is vr


def test_a_snapshot_keeps_faults_loads_and_what_is_on_the_wire() -> None:
    def lived(core: StandinCore, first: int, last: int) -> list[bytes]:
        said: list[bytes] = []
        for i in range(first, last):
            said += core.step(3, [encode("/input/LookHorizontal", (i % 7 - 3) / 3)])
        return said

    core = core_with(loss=0.2, delay_ms=80.0, jitter_ms=90.0)
    core.happen("world_load")
    core.step(400, [])
    lived(core, 0, 50)
    other = StandinCore(StandinConfig(**SMALL), 5)
    other.restore(json.loads(json.dumps(core.snapshot())))
    assert lived(core, 50, 150) == lived(other, 50, 150)
    assert core.snapshot() == other.snapshot()
    assert np.array_equal(core.frame(), other.frame())


def test_randomised_clients_differ_within_their_range() -> None:
    vary = StandinConfig(**SMALL, randomise=RandomiseConfig(gain=2.0, delay=3.0))
    speeds = [StandinCore(vary, seed).response.run_m_s for seed in range(30)]
    delays = [StandinCore(vary, seed).response.dead_time_ms for seed in range(30)]
    assert min(speeds) < 3.0
    assert max(speeds) > 5.5
    assert all(2.0 <= speed <= 8.0 for speed in speeds)
    assert all(33.0 <= delay <= 99.0 for delay in delays)
    assert StandinCore(vary, 3).response == StandinCore(vary, 3).response


def test_randomising_leaves_the_place_as_it_is() -> None:
    vary = StandinConfig(**SMALL, randomise=RandomiseConfig(gain=2.0))
    assert np.array_equal(
        StandinCore(vary, 4).frame(), StandinCore(StandinConfig(**SMALL), 4).frame()
    )


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_faults_over_http() -> None:
    with living() as life:
        url = life.url("/faults")
        assert post(url, b'{"loss": 0.5}')[1]["loss"] == 0.5
        status, said = post(url, b'{"menu": true}')
        assert (status, said["loss"], said["menu"]) == (200, 0.5, True)
        for body, named in (
            (b'{"loss": 2}', "loss"),
            (b'{"losss": 1}', "losss"),
            (b"[]", "object"),
            (b"{", "Expecting"),
            (b'{"port_taken": true}', "port_taken"),
            (b'{"loss": NaN}', "loss"),
            (b"[" * 50_000, "recursion"),
        ):
            status, said = post(url, body)
            assert status == 400, body[:20]
            assert named in str(said["error"])
        status, said = post(life.url("/events"), b'{"event": "explode"}')
        assert status == 400
        assert "world_load" in str(said["error"])
        assert post(life.url("/events"), b'{"event": "respawn"}')[0] == 200
        assert post(life.url("/events"), b'{"event": "sit"}')[0] == 400
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert json.load(answer)["loss"] == 0.5


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:8900"}]
)
def test_a_web_page_elsewhere_cannot_ask(headers: dict[str, str]) -> None:
    with living() as life:
        assert post(life.url("/faults"), b'{"menu": true}', **headers)[0] == 403
        assert post(life.url("/faults"), b"{}", Origin="http://localhost:3000")[1]["menu"] is False


def test_a_stalled_stream_goes_on_telling_the_truth() -> None:
    with living() as life:
        post(life.url("/faults"), b'{"video": "missing"}')
        with urllib.request.urlopen(life.url("/camera.mjpg"), timeout=10) as stream:
            stream.read(200)  # the newest picture there was
            before = life.truth()["time_s"]
            time.sleep(0.3)
            assert life.truth()["time_s"] > before  # type: ignore[operator]


def test_a_taken_port_on_request() -> None:
    config = StandinConfig(**SMALL, faults=FaultsConfig(port_taken=True))
    stop = threading.Event()

    def ready(ports: Ports) -> None:
        stop.set()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
            pytest.raises(OSError, match="in use"),
        ):
            probe.bind(("127.0.0.1", ports.osc_out))

    ports = {"osc_in_port": 0, "osc_out_port": 0, "http_port": 0}
    serve(config, seed=0, osc_out_host="127.0.0.1", ready=ready, stop=stop, **ports)
