"""Contacts and rays that give no usable answer are named, each with its cure."""

import math

import pytest

from configs.load import load_config
from interfaces.doctor.check_senses import (
    _why_still,
    answer_findings,
    name_list,
    sense_findings,
)
from interfaces.doctor.diagnose import sense_checks
from interfaces.doctor.findings import problem
from interfaces.doctor.sense_answers import HeardParameters
from interfaces.osc.message import encode
from interfaces.vrchat.avatar_listing import Avatar
from interfaces.vrchat.client_finder import find_clients
from tests.conftest import ROOT
from tests.contracts.vrchat.client import running_standin
from tests.interfaces.doctor.settings import levels, vrchat_config, vrchat_world
from tests.polling import wait_until

CONTACTS = ("world.contacts.mode=on", "world.rays.mode=off")
RAYS = ("world.contacts.mode=off", "world.rays={mode: on, players: {count: 4}, world: {count: 4}}")
OFF = ("world.contacts.mode=off", "world.rays.mode=off")
BOTH = (CONTACTS[0], RAYS[1])
NEAR = [f"YumeNear{i}" for i in range(4)]


def heard_by(world, *messages, listing=None, turned=True) -> HeardParameters:
    """What arrived: `listing` (name to type and value) before the turn, then the messages."""
    heard = HeardParameters((*world.contacts.names, *world.rays.parameters))
    types = {name: kind for name, (kind, _) in (listing or {}).items()}
    values = {name: value for name, (_, value) in (listing or {}).items()}
    heard.add_listing(Avatar("avtr_1", values, frozenset(), types))
    for name, value in messages:
        heard.receive(encode(f"/avatar/parameters/{name}", value))
    if turned:
        heard.receive(encode("/avatar/parameters/AngularY", 150.0))
    return heard


def contacts_listed(**changed):
    """The listing of four contacts with no person near."""
    return {name: ("f", 0.0) for name in NEAR} | changed


def rays_listed(**changed):
    """The listing of eight rays at a wall in 5 m, as VRChat reports them."""
    names = [f"YumeRay{kind}{i}" for kind in "PW" for i in range(4)]
    values = {f"{name}_Hit": ("T", True) for name in names}
    return values | {f"{name}_Ratio": ("f", 0.5) for name in names} | changed


def findings_of(overrides, *messages, listing, turned=True):
    world = vrchat_world(*overrides)
    heard = heard_by(world, *messages, listing=listing, turned=turned)
    return answer_findings(world, heard, listed=bool(listing))


def trouble_of(overrides, *messages, listing):
    """The only trouble; the summary before it is a warning too."""
    summary, trouble = findings_of(overrides, *messages, listing=listing)
    assert (summary.level, trouble.level) == ("warning", "warning")
    return trouble


def test_nothing_is_asked_when_the_senses_are_off():
    assert (
        sense_checks(vrchat_config(*OFF), lambda: pytest.fail("asked"), turn=True, announce=print)
        == []
    )
    (check,) = sense_checks(vrchat_config(*CONTACTS), list, turn=True, announce=print)
    assert check.section == "senses"


def test_silent_contacts_answer_if_the_avatar_lists_them():
    listing = contacts_listed() | rays_listed()
    (summary,) = findings_of(BOTH, ("YumeNear0", 0.5), listing=listing)
    assert summary.level == "ok"
    assert summary.text == "4 of 4 contacts; 8 of 8 rays answer, while the avatar turned"
    (summary,) = findings_of(RAYS, listing=listing, turned=False)
    assert summary.text == "8 of 8 rays answer, without a turn of the avatar"


@pytest.mark.parametrize(
    ("listing", "message", "text", "cure"),
    [
        ({"YumeNear2": ("T", False)}, (), "YumeNear2: type bool", "Proximity"),
        ({}, ("YumeNear2", 1), "YumeNear2: type int", "Proximity"),
        ({}, ("YumeNear2", math.nan), "YumeNear2: value nan", "animations"),
        ({"YumeNear2": ("f", 0.4)}, (), "YumeNear2: stayed at 0.40", "receiver writes"),
    ],
)
def test_each_wrong_contact_is_named_with_its_cure(listing, message, text, cure):
    messages = [message] if message else []
    trouble = trouble_of(CONTACTS, *messages, listing=contacts_listed(**listing))
    assert text in trouble.text
    assert cure in trouble.remedy


def test_a_value_that_changed_while_the_avatar_turned_is_not_stuck():
    listing = contacts_listed(YumeNear2=("f", 0.4))
    assert levels(findings_of(CONTACTS, ("YumeNear2", 0.3), listing=listing)) == {"senses": "ok"}
    assert len(findings_of(CONTACTS, listing=listing, turned=False)) == 1


@pytest.mark.parametrize(
    ("listing", "messages", "text", "cure"),
    [
        ({}, [("YumeRayW1_Ratio", 1)], "YumeRayW1: _Ratio has type int instead of", "delete"),
        ({"YumeRayW1_Hit": ("f", 1.0)}, [], "YumeRayW1: _Hit has type float instead", "delete"),
        ({}, [("YumeRayW1_Ratio", math.inf)], "YumeRayW1: ratio inf, which is not", "only"),
        ({"YumeRayW1_Ratio": ("f", 1.5)}, [], "YumeRayW1: ratio 1.5, which is not", "only"),
        (
            {},
            [("YumeRayW1_Hit", False), ("YumeRayW1_Ratio", 0.0)],
            "YumeRayW1: ratio 0 and no hit",
            "result transform",
        ),
        ({}, [("YumeRayW1_Hit", False)], "YumeRayW1: ratio 0.50 without a hit", "Snap To End"),
    ],
)
def test_each_wrong_ray_is_named_with_its_cure(listing, messages, text, cure):
    trouble = trouble_of(RAYS, *messages, listing=rays_listed(**listing))
    assert text in trouble.text
    assert cure in trouble.remedy


def test_a_miss_that_snaps_to_the_end_is_an_answer():
    missed = [("YumeRayP0_Hit", False), ("YumeRayP0_Ratio", 1.0)]
    assert levels(findings_of(RAYS, *missed, listing=rays_listed())) == {"senses": "ok"}
    listed_as_int = rays_listed(YumeRayP0_Hit=("F", False), YumeRayP0_Ratio=("f", 1))
    assert levels(findings_of(RAYS, listing=listed_as_int)) == {"senses": "ok"}


def test_what_the_avatar_lacks_is_a_warning_only_in_mode_on():
    listing = contacts_listed()
    del listing["YumeNear3"]
    trouble = trouble_of(CONTACTS, listing=listing)
    assert trouble.text == "YumeNear3: not on the avatar"
    assert "world.contacts.name" in trouble.remedy
    summary, missing = findings_of(
        ("world.contacts.mode=auto", "world.rays.mode=off"), listing=listing
    )
    assert (summary.level, missing.level) == ("ok", "ok")
    assert "3 of 4 contacts" in summary.text


def test_without_oscquery_a_silent_contact_is_unknown():
    trouble = trouble_of(CONTACTS, ("YumeNear0", 0.0), ("VF7_YumeNear1", 0.1), listing={})
    assert "YumeNear2, YumeNear3: not heard" in trouble.text
    assert "world.osc.oscquery=true" in trouble.remedy


def test_names_are_shortened():
    rays = [f"Ray{i}_Front" for i in (0, 1, 2, 7, 9, 10)]
    assert name_list(rays) == "Ray0_Front to Ray2_Front, Ray7_Front, Ray9_Front, Ray10_Front"
    many = [f"Ray{i}" for i in range(0, 40, 2)]
    assert name_list(many) == "Ray0, Ray2, Ray4, Ray6, Ray8, Ray10 and others, 20 in all"


def test_a_client_that_was_not_chosen_is_not_turned():
    config = vrchat_config(*CONTACTS, "world.osc.oscquery=true")
    (finding,) = sense_findings(config, ROOT / "main.py", list)
    assert (finding.level, "no client" in finding.text) == ("warning", True)


def test_the_stand_in_of_a_run_is_not_asked():
    config = load_config(ROOT / "configs" / "default.yaml", CONTACTS)
    (finding,) = sense_findings(config, ROOT / "main.py", list)
    assert (finding.level, "its own stand-in" in finding.text) == ("ok", True)


def reason_to_stay_still(config, *, listing, about_client=()):
    heard = HeardParameters((*config.world.contacts.names, *config.world.rays.parameters))
    avatar = Avatar("avtr_a", listing, frozenset(), dict.fromkeys(listing, "f"))
    heard.add_listing(avatar)
    return _why_still(config, avatar, about_client, heard)


@pytest.mark.parametrize(
    ("overrides", "listing", "about_client", "reason"),
    [
        ((), {"YumeNear0": 0.0}, [], ""),
        ((), {}, [], ""),  # nothing is listed: OSCQuery may be off
        ((), {"Hat": 0.0}, [], "has none of"),
        (("world.limits.avatars=[avtr_b]",), {"YumeNear0": 0.0}, [], "does not allow avtr_a"),
        (
            ("world.control.stop_parameter=YumeOff",),
            {"YumeNear0": 0.0, "YumeOff": True},
            [],
            "YumeOff is on",
        ),
        ((), {"YumeNear0": 0.0}, [problem("client", "two", "choose")], "finding `client`"),
    ],
)
def test_the_avatar_stays_still_where_it_must_not_turn(
    tmp_path, monkeypatch, overrides, listing, about_client, reason
):
    monkeypatch.chdir(tmp_path)  # no runs/
    config = vrchat_config(*CONTACTS, *overrides)
    why = reason_to_stay_still(config, listing=listing, about_client=about_client)
    assert reason in why
    assert bool(why) == bool(reason)


AVATAR = """world.standin.avatars=[{id: avtr_test, contacts: {
  YumeNear0: {kind: proximity, by: [head, torso], radius_m: 3, position_m: [0, 1, 1]},
  YumeNear1: {kind: constant}, VF12_YumeNear2: {kind: proximity}},
  rays: [{name: YumeRayP, count: 4, hits: players}, {name: VF12_YumeRayW, count: 3, hits: world},
  {name: YumeRayW3, hits: players, miss: do_nothing, pitch_deg: 90}]}]"""


@pytest.mark.e2e
def test_a_client_turns_and_its_contacts_and_rays_are_found():
    """Real datagrams and a real OSCQuery tree."""
    with running_standin("default", AVATAR.replace("\n", "")) as standin:
        standin.close()  # frees its receive port
        clients = [each for each in find_clients(None) if each.osc_port == standin.send_port]
        config = vrchat_config(
            *(*BOTH, f"world.osc.client={clients[0].name}", "world.osc.oscquery=true"),
            f"world.osc.send_port={standin.send_port}",
            f"world.osc.receive_port={standin.receive_port}",
        )
        summary, *others = sense_findings(config, ROOT / "main.py", lambda: clients)
        wait_until(lambda: not standin.request("/truth")["inputs"], "all inputs at rest")
    assert summary.text.startswith("2 of 4 contacts; 7 of 8 rays answer, while the avatar turned")
    assert "prefix of VRCFury" in summary.text
    assert [each.text for each in others] == [
        "YumeNear1: type bool instead of float",
        "YumeNear3: not on the avatar",
        "YumeRayW3: ratio 0 and no hit, so never cast",
    ]
    assert all(each.remedy for each in others)
