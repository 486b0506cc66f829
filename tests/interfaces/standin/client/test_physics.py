"""The avatar moves as VRChat's was measured to move."""

import itertools
import math

import pytest

from configs.standin import StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.core import StandinCore

CONFIG = StandinConfig(size_m=40.0)
DEAD_SUBSTEPS = 2  # 33 ms


def core_at(config: StandinConfig = CONFIG, **pose: float) -> StandinCore:
    """A core with the agent at x 19.6, z 0, where no landmark is, facing north."""
    core = StandinCore(config, seed=0)
    snapshot = core.snapshot()
    snapshot["avatar"] |= {"x": 19.6, "y": 0.0, "z": 0.0, "heading_deg": 0.0} | pose
    snapshot["people"][0] |= {"x": -15.0, "z": -15.0}
    core.restore(snapshot)
    core.step(1, [])
    return core


def drive(core: StandinCore, substeps: int, **inputs: float) -> dict[str, object]:
    """Send inputs, advance, and return the last value of each parameter that changed."""
    sent = core.step(substeps, [encode(f"/input/{name}", v) for name, v in inputs.items()])
    return parameters(sent)


def parameters(sent: list[bytes]) -> dict[str, object]:
    return {a.removeprefix("/avatar/parameters/"): v[0] for d in sent for a, v in decode(d)}


def agent(core: StandinCore) -> dict[str, float]:
    return core.truth()["agent"]  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("inputs", "right_m_s", "forward_m_s"),
    [
        ({"Vertical": 1.0}, 0.0, 4.0),
        ({"Vertical": 5.0}, 0.0, 4.0),
        ({"Vertical": 1}, 0.0, 4.0),
        ({"Vertical": True}, 0.0, 4.0),
        ({"Vertical": -0.55}, 0.0, -2.0),
        ({"Vertical": 0.1}, 0.0, 0.0),
        ({"Horizontal": -1.0}, -2.0, 0.0),
        ({"Horizontal": -0.09}, 0.0, 0.0),
        ({"Vertical": 1.0, "Horizontal": -1.0}, -math.sqrt(2.0), math.sqrt(8.0)),
        ({"MoveForward": 1}, 0.0, 2.0),
        ({"MoveForward": 0.4}, 0.0, 0.0),
        ({"MoveForward": True, "Run": 1.0}, 0.0, 4.0),
        ({"MoveBackward": 1}, 0.0, -2.0),
        ({"MoveLeft": 1}, -2.0, 0.0),
        ({"MoveForward": 1, "MoveBackward": 1}, 0.0, 0.0),
        ({"Vertical": math.nan}, 0.0, 0.0),
    ],
)
def test_inputs_give_the_measured_speeds(
    inputs: dict[str, float], right_m_s: float, forward_m_s: float
) -> None:
    core = core_at(x=19.6)
    drive(core, DEAD_SUBSTEPS, **inputs)
    before = agent(core)
    drive(core, 6)
    after = agent(core)
    assert (after["x"] - before["x"]) / 0.1 == pytest.approx(right_m_s, abs=1e-6)
    assert (after["z"] - before["z"]) / 0.1 == pytest.approx(forward_m_s, abs=1e-6)
    assert after["velocity_x"] == pytest.approx(right_m_s, abs=1e-6)
    assert after["velocity_z"] == pytest.approx(forward_m_s, abs=1e-6)


@pytest.mark.parametrize(
    ("inputs", "deg_s"),
    [
        ({"LookHorizontal": 1.0}, 200.0),
        ({"LookHorizontal": 0.75}, 100.0),
        ({"LookHorizontal": 0.5}, 0.0),
        ({"LookHorizontal": -1.0}, -200.0),
        ({"LookRight": 1}, 200.0),
        ({"LookLeft": True}, -200.0),
    ],
)
def test_a_positive_input_turns_clockwise(inputs: dict[str, float], deg_s: float) -> None:
    core = core_at(heading_deg=90.0)
    drive(core, DEAD_SUBSTEPS, **inputs)
    sent = drive(core, 15)
    assert agent(core)["heading_deg"] == pytest.approx(90.0 + deg_s * 0.25)
    assert sent.get("AngularY", 0.0) == pytest.approx(deg_s)


def test_forward_follows_the_heading() -> None:
    core = core_at(heading_deg=270.0)
    drive(core, 62, Vertical=1.0)
    assert agent(core)["x"] == pytest.approx(15.6)
    assert agent(core)["z"] == pytest.approx(0.0, abs=1e-9)


def test_looking_up_and_down_stops_at_80_degrees() -> None:
    core = core_at()
    drive(core, DEAD_SUBSTEPS, LookVertical=1.0)
    drive(core, 6)
    assert agent(core)["pitch_deg"] == pytest.approx(18.0)
    drive(core, 60)
    assert agent(core)["pitch_deg"] == 80.0
    drive(core, 120, LookVertical=-1.0)
    assert agent(core)["pitch_deg"] == -80.0


@pytest.mark.parametrize(("dead_time_ms", "substeps"), [(0, 0), (16, 1), (33, 2), (100, 6)])
def test_an_input_acts_after_the_dead_time(dead_time_ms: float, substeps: int) -> None:
    core = core_at(CONFIG.model_copy(update={"dead_time_ms": dead_time_ms}))
    core.step(0, [encode("/input/Vertical", 1.0)])
    for _ in range(substeps):
        assert "VelocityZ" not in drive(core, 1)
    assert drive(core, 1)["VelocityZ"] == pytest.approx(4.0)


def test_an_axis_keeps_its_value() -> None:
    core = core_at()
    drive(core, 30, Vertical=1.0)
    assert drive(core, 30) == {}  # no change, so no message
    assert agent(core)["velocity_z"] == pytest.approx(4.0)
    assert drive(core, 4, Vertical=0.0)["VelocityZ"] == 0.0


def test_a_jump_is_a_parabola() -> None:
    core = core_at()
    drive(core, DEAD_SUBSTEPS, Jump=1)
    heights: list[float] = []
    while not heights or heights[-1] > 0.0:
        drive(core, 1)
        heights.append(agent(core)["y"])
    assert max(heights) == pytest.approx(0.459, abs=0.02)
    assert len(heights) / 60 == pytest.approx(0.612, abs=0.03)
    assert agent(core)["grounded"] is True


def test_a_held_jump_button_jumps_once() -> None:
    core = core_at()
    drive(core, 60, Jump=1)
    assert agent(core)["grounded"] is True
    drive(core, 30, Jump=1)  # still pressed
    assert agent(core)["grounded"] is True
    drive(core, 3, Jump=0)
    assert drive(core, 3, Jump=1)["Grounded"] is False


def test_a_jump_in_the_air_has_no_effect() -> None:
    core = core_at()
    drive(core, 20, Jump=1)
    drive(core, 5, Jump=0)
    drive(core, 5, Jump=1)
    drive(core, 30)
    assert agent(core)["grounded"] is True
    assert agent(core)["y"] == 0.0


def test_a_press_and_release_in_one_substep_still_jumps() -> None:
    core = core_at()
    core.step(1, [encode("/input/Jump", 1), encode("/input/Jump", 0)])
    assert drive(core, 3)["Grounded"] is False


def test_a_jump_keeps_the_forward_speed() -> None:
    core = core_at()
    drive(core, 10, Vertical=1.0)
    drive(core, 10, Jump=1)
    assert agent(core)["grounded"] is False
    assert agent(core)["velocity_z"] == pytest.approx(4.0)


def test_a_wall_stops_the_avatar_and_velocity_is_zero() -> None:
    core = core_at(z=19.0)
    assert drive(core, 60, Vertical=1.0)["VelocityZ"] == 0.0
    assert agent(core)["z"] == 19.75  # the room's half, less the capsule's radius
    assert core.truth()["touches"] == ["north"]


def test_the_avatar_slides_along_a_wall() -> None:
    core = core_at(x=19.75, heading_deg=45.0)
    sent = drive(core, 30, Vertical=1.0)
    assert agent(core)["x"] == 19.75
    assert agent(core)["velocity_z"] == pytest.approx(
        2.0
    )  # avatar-local: the part into the wall is lost
    assert agent(core)["velocity_x"] == pytest.approx(-2.0)
    assert sent["VelocityMagnitude"] == pytest.approx(math.sqrt(8.0), abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size_m", [4.0, 8.0])
def test_no_avatar_enters_a_solid(seed: int, size_m: float) -> None:
    config = StandinConfig(size_m=size_m)
    core = StandinCore(config, seed)
    kinds: set[str] = set()
    landmarks: list[dict[str, object]] = core.truth()["landmarks"]  # type: ignore[assignment]
    for i, mark in enumerate(landmarks * 2):
        # Walk straight at each landmark, through anything in the way.
        here = agent(core)
        snapshot = core.snapshot()
        towards = math.atan2(float(mark["x"]) - here["x"], float(mark["z"]) - here["z"])  # type: ignore[arg-type]
        snapshot["avatar"]["heading_deg"] = math.degrees(towards) + (i % 3 - 1) * 7.0
        core.restore(snapshot)
        for _ in range(12):
            drive(core, 10, Vertical=1.0)
            kinds |= set(core.truth()["touches"])  # type: ignore[arg-type]
            truth = core.truth()
            for where in (truth["agent"], *truth["people"]):
                assert abs(where["x"]) <= size_m / 2 - 0.25
                assert abs(where["z"]) <= size_m / 2 - 0.25
                for solid in landmarks:
                    if solid["kind"] != "arch":
                        away = math.hypot(where["x"] - solid["x"], where["z"] - solid["z"])  # type: ignore[operator]
                        assert away > 0.25 + 0.25 * size_m / 8
    assert kinds & {mark["kind"] for mark in landmarks}


def test_in_the_air_the_take_off_speed_is_kept() -> None:
    core = core_at()
    drive(core, 30, Vertical=1.0)
    drive(core, DEAD_SUBSTEPS + 1, Jump=1, Vertical=0.0)
    assert not agent(core)["grounded"]
    speeds = []
    for _ in range(20):
        core.step(1, [])
        speeds.append(agent(core)["velocity_z"])
    assert speeds == pytest.approx([4.0] * 20), "without braking"
    core.step(30, [])
    assert agent(core)["grounded"]
    assert agent(core)["velocity_z"] == 0.0


def test_in_the_air_the_speed_changes_slowly() -> None:
    core = core_at()
    drive(core, 30, Vertical=1.0)
    drive(core, DEAD_SUBSTEPS + 1, Jump=1)
    drive(core, DEAD_SUBSTEPS, Vertical=-1.0)
    speeds = []
    for _ in range(12):
        core.step(1, [])
        speeds.append(agent(core)["velocity_z"])
    steps = [a - b for a, b in itertools.pairwise(speeds)]
    assert steps == pytest.approx([5.0 * 4.0 / 60.0] * 11), (
        "five times the requested speed per second"
    )
