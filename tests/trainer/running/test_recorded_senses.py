"""Sessions define which contacts and rays the training from sessions observes."""

import pytest

from configs.load import load_config
from interfaces.runtime.worlds import live_spaces
from tests.conftest import ROOT
from trainer.running.recorded_senses import with_recorded_senses

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
