"""Sessions define which contacts and rays the training from sessions observes."""

import pytest

from configs.load import load_config
from interfaces.core.spaces import Spaces
from interfaces.runtime.worlds import live_spaces
from interfaces.session.format.run_info import codec_for
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session
from tests.conftest import ROOT
from tests.interfaces.session.recordings import layout_of, make_steps
from trainer.running.recorded_senses import sense_differences, with_recorded_senses

FEW_RAYS = "world.rays={mode: on, players: {count: 5}, world: {count: 3}}"
RECORDED = {
    "default": [],
    "without senses": ["world.contacts.mode=off"],
    "eight contacts": ["world.contacts={mode: on, count: 8}"],
    "rays alone": ["world.contacts.mode=off", FEW_RAYS],
    "both": [FEW_RAYS],
}


def features_of(overrides):
    return live_spaces(load_config(ROOT / "configs/default.yaml", overrides).world).features


@pytest.mark.parametrize("preset", ["records", "default", "dreamerv3"])
@pytest.mark.parametrize("recorded", RECORDED)
def test_training_observes_what_the_sessions_have(preset, recorded):
    features = features_of(RECORDED[recorded])
    config = load_config(ROOT / "configs" / f"{preset}.yaml", ["world.parameters=[HeadPat]"])
    recorded_parameters = load_config(ROOT / "configs/default.yaml").world.parameters
    world = config.world.model_copy(update={"parameters": recorded_parameters})
    config = config.model_copy(update={"world": world})
    adapted, lines = with_recorded_senses(config, features)
    assert live_spaces(adapted.world).features == features
    assert bool(lines) == (live_spaces(config.world).features != features)


def test_each_change_is_told():
    config = load_config(ROOT / "configs/records.yaml")
    _, lines = with_recorded_senses(config, features_of(RECORDED["both"]))
    assert lines == [
        "the sessions have 4 contacts: world.contacts.mode is auto",
        "the sessions have 8 rays: world.rays.mode is auto",
    ]


def test_a_number_that_the_settings_do_not_allow_stays_as_it_is():
    config = load_config(ROOT / "configs/default.yaml")
    names = [f"YumeNear{i}" for i in range(9)]
    adapted, lines = with_recorded_senses(config, [*names, *(f"{n}_Known" for n in names)])
    assert (adapted, lines) == (config, [])


def test_a_world_with_features_of_its_own_stays_as_it_is():
    config = load_config(ROOT / "configs/tiny.yaml", ["world.kind=gymnasium", "world.id=X-v1"])
    assert with_recorded_senses(config, features_of([])) == (config, [])


def test_contacts_among_the_parameters_are_no_sense():
    parameters = [f"YumeNear{i}" for i in range(4)]
    words = [f"world.parameters=[{', '.join(parameters)}, HeadPat]", "world.contacts.mode=off"]
    config = load_config(ROOT / "configs/default.yaml", words)
    assert with_recorded_senses(config, live_spaces(config.world).features) == (config, [])


def config_with(*words):
    return load_config(ROOT / "configs/tiny.yaml", ["world.contacts.mode=on", *words])


def recorded_session(folder, config):
    """A session of two Steps of a world with these settings."""
    world = config.world
    spaces = Spaces((16, 12, 3), live_spaces(world).features, world.actions)
    writer = SegmentWriter(folder, 0, codec_for(config, layout_of(spaces)), {})
    for step in make_steps(2, spaces):
        writer.put(step)
    writer.close()
    return Session(folder)


def test_another_reach_or_place_of_a_sense_is_named(tmp_path):
    config = config_with()
    same = recorded_session(tmp_path / "same", config)
    near = recorded_session(tmp_path / "near", config_with("world.contacts.radius_m=2"))
    assert sense_differences(config, [same, same]) == []
    assert sense_differences(config, [same, near]) == [
        f"{near.path} has YumeNear0 with reach_m 2 m, not "
        f"{config.world.contacts.radius_m:g} m as in the configuration"
    ]
