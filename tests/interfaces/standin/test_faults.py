"""Faults and events of the core: their effects, which repeat for the same seed."""

import json

import numpy as np
import pytest

from configs.standin import FaultsConfig, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.core import StandinCore

SMALL = {"width": 64, "height": 64}


def core_with(seed: int = 0, **faults: object) -> StandinCore:
    core = StandinCore(StandinConfig(**SMALL, faults=FaultsConfig(**faults)), seed)
    core.step(60, [])
    return core


def turned_deg(core: StandinCore, substeps: int) -> float:
    """How far the avatar turns in the next substeps."""
    before = core.truth()["agent"]["heading_deg"]
    core.step(substeps, [])
    return (core.truth()["agent"]["heading_deg"] - before) % 360.0


def test_lost_datagrams_are_counted_and_have_no_effect() -> None:
    core = core_with(loss=1.0)
    assert core.step(60, [encode("/input/LookHorizontal", 1.0)]) == []
    assert turned_deg(core, 10) == 0.0
    assert core.truth()["lost"] > 5  # the parameters that the client sent were lost, too


def test_the_share_of_lost_datagrams_is_as_configured() -> None:
    core = StandinCore(StandinConfig(**SMALL, faults=FaultsConfig(loss=0.3)), 0)
    core.step(1, [encode("/input/Jump", 0)] * 1000)
    assert 700 - 60 < core.truth()["received"] < 700 + 60


def test_a_delay_is_added_to_the_dead_time() -> None:
    core = core_with(delay_ms=100.0)
    core.step(1, [encode("/input/LookHorizontal", 1.0)])
    assert turned_deg(core, 7) == 0.0  # 100 ms and 33 ms are eight substeps
    assert turned_deg(core, 1) > 0.0


def test_jitter_reorders_datagrams_but_loses_none() -> None:
    core = core_with(jitter_ms=200.0)
    for i in range(100):
        core.step(1, [encode("/input/Vertical", i / 100)])
    core.step(30, [])
    assert core.truth()["received"] == 100
    assert core.truth()["inputs"] != {"Vertical": pytest.approx(0.99)}


def test_with_osc_off_the_client_neither_sends_nor_receives() -> None:
    core = core_with(osc=False)
    assert core.step(60, [encode("/input/LookHorizontal", 1.0)]) == []
    assert turned_deg(core, 10) == 0.0


def test_an_open_menu_blocks_movement_and_afk_sets_the_parameter() -> None:
    core = core_with(menu=True, afk=True)
    core.step(5, [encode("/input/LookHorizontal", 1.0)])
    assert turned_deg(core, 10) == 0.0
    assert core.parameters["AFK"] is True
    core.faults = FaultsConfig()
    assert turned_deg(core, 10) > 0.0


def test_pictures_can_be_frozen_or_black() -> None:
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


def test_a_world_load_takes_five_seconds_and_makes_another_place() -> None:
    core = core_with()
    before, landmarks = core.frame(), core.truth()["landmarks"]
    core.trigger_event("world_load")
    assert core.step(299, [encode("/input/Vertical", 1.0)]) == []
    assert core.loading
    assert not core.frame().any()
    sent = core.step(2, [])
    assert decode(sent[0])[0][0] == "/avatar/change"
    assert core.frame().any()
    assert not np.array_equal(core.frame(), before)
    assert core.truth()["landmarks"] != landmarks


def test_held_inputs_stay_held_during_a_world_load() -> None:
    core = core_with()
    core.step(10, [encode("/input/LookHorizontal", 1.0)])
    core.trigger_event("world_load")
    core.step(100, [])
    core.step(1, [encode("/input/Run", 1)])  # received while the world loads
    core.step(260, [])
    assert core.inputs["Run"] == 1.0
    assert turned_deg(core, 6) == pytest.approx(20.0)


def test_a_frozen_picture_is_restored_from_a_snapshot() -> None:
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
    assert np.array_equal(core.frame(), first), "a later picture must not be shown"


def test_a_snapshot_that_does_not_fit_changes_nothing() -> None:
    core, other = core_with(), core_with(seed=1)
    for key, value, named in (("worn", "avtr_x", "avtr_x"), ("place", ["maze", 1], "maze")):
        snapshot = other.snapshot() | {key: value}
        before = core.snapshot()
        with pytest.raises(ValueError, match=named):
            core.restore(snapshot)
        assert core.snapshot() == before


def test_an_impossible_event_is_refused_with_the_reason() -> None:
    core = core_with()
    with pytest.raises(ValueError, match="no chair in the room"):
        core.trigger_event("sit")
    with pytest.raises(ValueError, match="avtr_"):
        core.trigger_event("avatar_swap", "avtr_unknown")


def test_a_seated_avatar_looks_around_and_stands_up_when_it_moves() -> None:
    core = StandinCore(StandinConfig(**SMALL, place="plaza"), 0)
    core.step(60, [])
    core.trigger_event("sit")
    core.step(10, [])
    assert (core.parameters["Seated"], core.parameters["InStation"]) == (True, True)
    assert turned_deg(core, 5) == 0.0
    core.step(5, [encode("/input/LookHorizontal", 1.0)])
    assert turned_deg(core, 5) > 0.0
    assert core.parameters["Seated"] is True
    core.step(10, [encode("/input/Vertical", 1.0)])
    assert core.parameters["Seated"] is False


def test_only_vr_inputs_use_a_chair() -> None:
    for vr in (False, True):
        core = StandinCore(StandinConfig(**SMALL, place="plaza", vr_inputs=vr, people=0), 0)
        core.step(1, [])
        seat = core.place.seats[0]
        snapshot = core.snapshot()
        snapshot["avatar"] |= {"x": seat.x * 0.9, "z": seat.z * 0.9}
        core.restore(snapshot)
        core.step(5, [encode("/input/UseRight", 1)])
        assert core.parameters["Seated"] is vr


def test_a_snapshot_keeps_faults_world_loads_and_delayed_datagrams() -> None:
    def sent(core: StandinCore, first: int, last: int) -> list[bytes]:
        datagrams: list[bytes] = []
        for i in range(first, last):
            datagrams += core.step(3, [encode("/input/LookHorizontal", (i % 7 - 3) / 3)])
        return datagrams

    core = core_with(loss=0.2, delay_ms=80.0, jitter_ms=90.0)
    core.trigger_event("world_load")
    core.step(400, [])
    sent(core, 0, 50)
    other = StandinCore(StandinConfig(**SMALL), 5)
    other.restore(json.loads(json.dumps(core.snapshot())))
    assert sent(core, 50, 150) == sent(other, 50, 150)
    assert core.snapshot() == other.snapshot()
    assert np.array_equal(core.frame(), other.frame())
