"""The other avatar: who stays with it is patted, who runs is not, and it has had enough in time."""

import math
import random

import pytest

from configs.standin import AvatarConfig, ContactConfig, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.core import StandinCore

CONFIG = StandinConfig()
SUBSTEPS = 6


def beside_each_other(config: StandinConfig = CONFIG, distance_m: float = 1.0) -> StandinCore:
    core = StandinCore(config, seed=0)
    snapshot = core.snapshot()
    here = snapshot["people"][0]
    inward = -math.copysign(distance_m, here["x"])
    snapshot["avatar"] |= {"x": here["x"] + inward, "z": here["z"]}
    core.restore(snapshot)
    return core


def pats(core: StandinCore, seconds: float) -> list[bool]:
    """Whether HeadPat was true in each substep, as heard by OSC."""
    state, heard = False, []
    for _ in range(round(seconds * 60)):
        for address, (value,) in (decode(d)[0] for d in core.step(1, [])):
            if address == "/avatar/parameters/HeadPat":
                state = bool(value)
        heard.append(state)
    return heard


def test_standing_near_it_is_patted() -> None:
    core = beside_each_other()
    heard = pats(core, 5.0)
    assert sum(heard) / 60 == pytest.approx(3.1, abs=0.2)  # hands leave with the arms
    assert not any(heard[:30])  # it takes half a second to notice one


def test_truth_says_who_pats() -> None:
    core = beside_each_other()
    pats(core, 2.0)
    assert core.truth()["patted_by"] == "Aoi"
    pats(core, 3.0)
    assert core.truth()["patted_by"] is None


def test_it_rests_before_it_pats_again() -> None:
    heard = pats(beside_each_other(), 8.0)
    last = max(i for i in range(300) if heard[i])
    assert not any(heard[last + 1 : last + 1 + round(2.0 * 60)])


def test_proximity_rises_with_the_arms() -> None:
    core = beside_each_other()
    seen: list[float] = []
    for _ in range(120):
        for address, (value,) in (decode(d)[0] for d in core.step(1, [])):
            if address == "/avatar/parameters/HeadPat_Prox":
                seen.append(float(value))  # type: ignore[arg-type]
    assert seen[0] == 0.0
    assert 0.5 < max(seen) <= 1.0


def test_the_parameter_has_the_name_it_was_given() -> None:
    avatar = AvatarConfig(
        id="avtr_x",
        contacts={"Touched": ContactConfig(), "Near": ContactConfig(kind="proximity")},
    )
    core = StandinCore(StandinConfig(avatars=(avatar,)), 0)
    told = {decode(datagram)[0][0].rpartition("/")[2] for datagram in core.step(1, [])}
    assert {"Touched", "Near"} <= told


def test_a_runner_is_not_patted() -> None:
    config = StandinConfig(pat_distance_m=5.0, size_m=16.0)  # in reach, whatever it does
    core, fast, patted = beside_each_other(config), 0, 0
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


def pat_share(seed: int, follows: bool, beats: int = 900) -> float:
    """Share of beats (10 Hz) with a pat, for one who follows the other or one who babbles."""
    core, rng, patted = StandinCore(CONFIG, seed), random.Random(seed), 0
    sent: list[bytes] = []
    for _ in range(beats):
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
    return patted / beats


def test_following_pays() -> None:
    following = sum(pat_share(seed, follows=True) for seed in range(3)) / 3
    babbling = sum(pat_share(seed, follows=False) for seed in range(3)) / 3
    assert following > 0.35
    assert following > 2.0 * babbling
