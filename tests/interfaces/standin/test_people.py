"""When people pat: an agent that stays near gets head-pats, a running agent gets none."""

import math
import random

import pytest

from configs.standin import AvatarConfig, ContactConfig, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.core import StandinCore

CONFIG = StandinConfig()
SUBSTEPS = 6


def core_beside_friend(config: StandinConfig = CONFIG, distance_m: float = 1.0) -> StandinCore:
    core = StandinCore(config, seed=0)
    snapshot = core.snapshot()
    here = snapshot["people"][0]
    inward = -math.copysign(distance_m, here["x"])
    snapshot["avatar"] |= {"x": here["x"] + inward, "z": here["z"]}
    core.restore(snapshot)
    return core


def head_pats(core: StandinCore, seconds: float) -> list[bool]:
    """Whether HeadPat was true in each substep, as received over OSC."""
    state, states = False, []
    for _ in range(round(seconds * 60)):
        for address, (value,) in (decode(d)[0] for d in core.step(1, [])):
            if address == "/avatar/parameters/HeadPat":
                state = bool(value)
        states.append(state)
    return states


def test_a_friend_pats_an_agent_that_stays_near_for_three_seconds() -> None:
    core = core_beside_friend()
    received = head_pats(core, 5.0)
    assert sum(received) / 60 == pytest.approx(3.1, abs=0.2)  # including the lowering of the arms
    assert not any(received[:30])  # the friend reacts after half a second


def test_the_truth_names_the_person_who_pats() -> None:
    core = core_beside_friend()
    head_pats(core, 2.0)
    assert core.truth()["patted_by"] == "Aoi"
    head_pats(core, 3.0)
    assert core.truth()["patted_by"] is None


def test_a_friend_pauses_for_two_seconds_between_pats() -> None:
    received = head_pats(core_beside_friend(), 8.0)
    last = max(i for i in range(300) if received[i])
    assert not any(received[last + 1 : last + 1 + round(2.0 * 60)])


def test_proximity_increases_with_the_raised_arms() -> None:
    core = core_beside_friend()
    values: list[float] = []
    for _ in range(120):
        for address, (value,) in (decode(d)[0] for d in core.step(1, [])):
            if address == "/avatar/parameters/HeadPat_Prox":
                values.append(float(value))  # type: ignore[arg-type]
    assert values[0] == 0.0
    assert 0.5 < max(values) <= 1.0


def test_a_contact_parameter_has_its_configured_name() -> None:
    avatar = AvatarConfig(
        id="avtr_x",
        contacts={"Touched": ContactConfig(), "Near": ContactConfig(kind="proximity")},
    )
    core = StandinCore(StandinConfig(avatars=(avatar,)), 0)
    sent = {decode(datagram)[0][0].rpartition("/")[2] for datagram in core.step(1, [])}
    assert {"Touched", "Near"} <= sent


def test_a_running_agent_gets_no_pats() -> None:
    config = StandinConfig(pat_distance_m=5.0, size_m=16.0)  # always in reach
    core, fast, patted = core_beside_friend(config), 0, 0
    rng = random.Random(0)
    for _ in range(300):
        core.step(SUBSTEPS, [encode("/input/Vertical", 1.0), encode("/input/LookHorizontal", 0.75)])
        truth = core.truth()
        agent = truth["agent"]
        if math.hypot(agent["velocity_x"], agent["velocity_z"]) > 2.5:
            fast += 1
            patted += truth["patted_by"] is not None
        if truth["touches"]:
            core.step(rng.randrange(6), [encode("/input/LookHorizontal", 1.0)])
    assert fast > 100
    assert patted == 0


def pat_share(seed: int, follows: bool, ticks: int = 900) -> float:
    """Share of ticks (10 Hz) with a pat, for an agent that follows the friend or acts randomly."""
    core, rng, patted = StandinCore(CONFIG, seed), random.Random(seed), 0
    sent: list[bytes] = []
    for _ in range(ticks):
        core.step(SUBSTEPS, sent)
        truth = core.truth()
        patted += truth["patted_by"] is not None
        forward, turn = rng.uniform(-1, 1), rng.uniform(-1, 1)
        if follows:
            me, other = truth["agent"], truth["people"][0]
            away_x, away_z = other["x"] - me["x"], other["z"] - me["z"]
            off = math.degrees(math.atan2(away_x, away_z)) - me["heading_deg"]
            off = (off + 180.0) % 360.0 - 180.0
            turn = 0.0 if abs(off) < 4 else math.copysign(min(1.0, 0.5 + abs(off) / 60), off)
            near = math.hypot(away_x, away_z) < 0.9 or abs(off) > 60
            forward = 0.0 if near else 0.45
        sent = [encode("/input/Vertical", forward), encode("/input/LookHorizontal", turn)]
    return patted / ticks


def test_an_agent_that_follows_gets_more_than_twice_the_pats_of_a_random_one() -> None:
    following_share = sum(pat_share(seed, follows=True) for seed in range(3)) / 3
    random_share = sum(pat_share(seed, follows=False) for seed in range(3)) / 3
    assert following_share > 0.35
    assert following_share > 2.0 * random_share
