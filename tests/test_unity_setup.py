"""The Unity script names what the presets and the docs name, and respects VRChat's limits."""

import re

import pytest

from configs.load import load_config
from configs.world.standin_rays import MAX_RAYS
from configs.world_settings import WorldConfig
from interfaces.standin.client.contact_senders import CHEST
from tests.conftest import ROOT
from tests.language import PRIVATE

EDITOR = ROOT / "unity" / "Editor"
LAYOUT = (EDITOR / "YumeLayout.cs").read_text(encoding="utf-8")
SOURCES = {
    path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "unity").rglob("*.cs"))
}
KINDS = {"constant": "Constant", "on_enter": "OnEnter", "proximity": "Proximity"}
PLACES = {"head": "Crown", "nose": "Nose"}


def constant(name):
    """The value of a string or number of YumeLayout.cs."""
    (found,) = re.findall(rf" {name} = (\"[^\"]*\"|[\d.]+)f?;", LAYOUT)
    return found[1:-1] if found.startswith('"') else float(found)


def head_contacts():
    """(name, type, place, radius in metres) of each head contact."""
    rows = re.findall(r'new HeadContact\("(\w+)", "(\w+)", HeadPlace\.(\w+), ([\d.]+)f\)', LAYOUT)
    return {name: (kind, place, float(radius)) for name, kind, place, radius in rows}


def tags(name):
    (found,) = re.findall(rf"{name} = {{ ([^}}]*) }};", LAYOUT)
    return re.findall(r'"(\w+)"', found)


def page(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_names_on_the_avatar_are_the_agreed_ones():
    assert constant("NearName") == "YumeNear"
    assert constant("PlayerRayName") == "YumeRayP"
    assert constant("WorldRayName") == "YumeRayW"
    assert re.findall(r'"(_\w+)"', LAYOUT.split("RaySuffixes")[1].split(";")[0]) == [
        *("_Hit", "_Ratio", "_Distance")
    ]


def test_the_head_contacts_are_those_of_the_stand_in():
    standin = WorldConfig().standin.avatars[0].contacts
    expected = {
        name: (KINDS[each.kind], PLACES[each.part], each.radius_m)
        for name, each in standin.items()
        if name in head_contacts()
    }
    assert head_contacts() == expected


@pytest.mark.parametrize("preset", ["default", "vrchat"])
def test_the_presets_find_their_parameters_on_the_avatar(preset):
    config = load_config(ROOT / "configs" / f"{preset}.yaml")
    assert config.world.control.stop_parameter == constant("OffParameter")
    assert set(config.reward.parameters) <= set(head_contacts())
    for name in config.reward.parameters:  # a bool that is true while touched
        assert head_contacts()[name][0] == "Constant"


def test_the_contacts_of_the_settings_are_the_ring_of_the_script():
    contacts = WorldConfig().contacts
    assert contacts.name == constant("NearName") + "{i}"
    assert contacts.count == constant("NearCount")
    assert contacts.radius_m == constant("NearRadiusM")
    assert contacts.ring_m == constant("NearRingM")


def test_the_rays_of_the_settings_are_those_of_the_script():
    rays = WorldConfig().rays
    for fan, kind in ((rays.players, "PlayerRay"), (rays.world, "WorldRay")):
        assert fan.name == constant(f"{kind}Name") + "{i}"
        assert fan.count == constant(f"{kind}Count")
        assert fan.reach_m == constant("RayReachM")
        assert fan.spread_deg == 360, "the script turns ray i by 360 i / count degrees"
        assert fan.height_m == pytest.approx(CHEST * constant("ReferenceEyeM")), "the chest"
    assert "360f * i / count" in LAYOUT
    assert constant("MaxRays") == MAX_RAYS


def test_the_counts_respect_the_limits_of_vrchat():
    near, rays = constant("NearCount"), constant("PlayerRayCount") + constant("WorldRayCount")
    assert 4 <= near <= constant("MaxNearCount") == 8
    assert 0 < constant("NearRadiusM") <= constant("MaxRadiusM") == 3
    assert 0 < rays <= constant("MaxRays") == 80
    assert near + len(head_contacts()) <= constant("MaxContacts") == 256
    assert all(radius <= 3 for _, _, radius in head_contacts().values())
    assert 0 < constant("RayReachM") <= 1000
    for name in ("NearTags", "HandTags"):
        assert 0 < len(tags(name)) <= 16
    assert tags("NearTags") == ["Head", "Torso", "Hand"]


def test_contacts_are_local_only_and_react_to_others_only():
    objects = SOURCES["YumeObjects.cs"]
    settings = dict(re.findall(r'fields\.Set\("(\w+)", (true|false)\)', objects))
    assert settings["localOnly"] == "true"
    assert (settings["allowSelf"], settings["allowOthers"]) == ("false", "true")


def test_rays_snap_to_the_end_and_move_a_child():
    objects = SOURCES["YumeObjects.cs"]
    assert 'SetChoice("behaviorOnMiss", "SnapToEnd")' in objects
    assert 'Set("resultTransform", end.transform)' in objects
    assert "GameObject end = Child(ray.transform," in objects
    assert set(re.findall(r'"(Hit\w+)"\);', objects)) == {"HitPlayers", "HitWorlds"}


def test_the_switch_is_neither_saved_nor_synced():
    entry = SOURCES["YumeExpressions.cs"].split("name = YumeLayout.OffParameter,")[1].split("}")[0]
    assert "saved = false" in entry
    assert "networkSynced = false" in entry


@pytest.mark.parametrize("name", ["avatar.md", "avatar.ja.md"])
def test_the_docs_name_what_the_script_adds(name):
    text = page(name)
    for start, count in (
        ("Near", "NearCount"),
        ("RayP", "PlayerRayCount"),
        ("RayW", "WorldRayCount"),
    ):
        assert f"`Yume{start}0`" in text
        assert f"`Yume{start}{constant(count) - 1:.0f}`" in text
    for parameter in (*head_contacts(), constant("OffParameter"), "_Hit", "_Ratio", "_Distance"):
        assert f"`{parameter}`" in text
    for item in re.findall(r'"Tools/Yume/([^"]+)"', SOURCES["YumeAvatarSetup.cs"]):
        assert item in text
    assert constant("Folder") in text
    assert f"{constant('RayReachM'):.0f} m" in text
    assert "`world.rays`" in text


def test_every_file_of_the_script_is_balanced_short_and_plain():
    assert len(SOURCES) >= 10
    for name, text in SOURCES.items():
        code = re.sub(r'"(?:\\.|[^"\\])*"|//[^\n]*', "", text)
        for left, right in ("{}", "()", "[]"):
            assert code.count(left) == code.count(right), name
        assert len(text.splitlines()) <= 350, name
        assert not PRIVATE.search(text), name
