"""Settings of contacts and rays: what is allowed, and what they clash with."""

from pathlib import Path

import pytest

from configs.errors import BadInput
from configs.load import dump_config, load_config


def contacts(tmp_path: Path, yaml: str):
    path = tmp_path / "mine.yaml"
    path.write_text(f"world:\n  contacts: {yaml}\n", encoding="utf-8")
    return load_config(path).world.contacts


def test_the_words_on_and_off_are_not_bools(tmp_path):
    for mode in ("off", "on", "auto"):
        config = contacts(tmp_path, f"{{mode: {mode}}}")
        assert config.mode == mode
        assert len(config.features) == (0 if mode == "off" else 8)
    path = tmp_path / "again.yaml"
    whole = load_config(Path("default"), ["world.contacts.mode=on"])
    path.write_text(dump_config(whole), encoding="utf-8")
    assert load_config(path) == whole


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        ("{count: 9}", "less than or equal to 8"),
        ("{count: 3}", "greater than or equal to 4"),
        ("{radius_m: 3.1}", "less than or equal to 3"),
        ("{name: Near}", "must contain {i} once"),
        ("{name: 'a#{i}'}", "not the name of an avatar parameter"),
        ("{mode: maybe}", "'off', 'on' or 'auto'"),
        ("{mode: on, name: 'HeadPat{i}'}\n  parameters: [HeadPat, HeadPat2]", "HeadPat2"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path, yaml, text):
    with pytest.raises(BadInput) as error:
        contacts(tmp_path, yaml)
    assert text in str(error.value)


@pytest.mark.parametrize("sense", ["contacts", "rays"])
def test_other_worlds_have_no_senses(sense):
    with pytest.raises(BadInput, match=f"{sense}.mode on: a world of kind gymnasium has none"):
        load_config(
            Path("dreamer"),
            ["world.kind=gymnasium", "world.id=Pendulum-v1", f"world.{sense}.mode=on"],
        )


def test_a_ray_has_a_closeness_and_a_flag_and_players_come_first():
    words = ["world.rays.mode=auto", "world.rays.players.count=2", "world.rays.world.count=1"]
    rays = load_config(Path("default"), words).world.rays
    assert rays.names == ("YumeRayP0", "YumeRayP1", "YumeRayW0")
    assert rays.features == (*rays.names, "YumeRayP0_Known", "YumeRayP1_Known", "YumeRayW0_Known")
    assert load_config(Path("default")).world.rays.names == ()


@pytest.mark.parametrize(
    ("rays", "text"),
    [
        (["players.count=60"], "players.count 60 and world.count 24 are 84 rays; VRChat allows at"),
        (["world.count=81"], "less than or equal to 80"),
        (["world.reach_m=1001"], "less than or equal to 1000"),
        (["players.spread_deg=361"], "less than or equal to 360"),
        (["players.name=Ray"], "must contain {i} once"),
        (["players.name=Ray{i}", "world.name=Ray{i}"], "players.name and world.name both give"),
        (["mode=on", "players.count=0", "world.count=0"], "mode on needs a ray"),
    ],
)
def test_a_wrong_setting_of_the_rays_is_named_with_what_is_allowed(rays, text):
    with pytest.raises(BadInput) as error:
        load_config(Path("default"), [f"world.rays.{each}" for each in rays])
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["world.parameters=[HeadPat, YumeRayP0_Ratio]"], "rays: YumeRayP0_Ratio is already"),
        (["world.contacts={mode: on, name: 'YumeRayW{i}'}"], "rays: YumeRayW0 is already"),
        (
            ["world.standin.avatars=[{id: a, rays: [{name: Down, count: 17}]}]"],
            "64 rays, and 17 of standin.avatars.0.rays; VRChat allows at most 80",
        ),
    ],
)
def test_rays_do_not_clash_with_other_settings(words, text):
    with pytest.raises(BadInput) as error:
        load_config(Path("default"), ["world.rays.mode=on", *words])
    assert text in str(error.value)
