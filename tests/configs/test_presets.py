"""The presets: they load, extend each other and are as documented."""

from pathlib import Path

import pytest

from configs.load import dump_config, load_config, presets
from configs.schema import Config
from tests.configs.files import CONFIGS, write


@pytest.mark.parametrize("name", presets())
def test_every_preset_loads_and_survives_a_round_trip(name: str, tmp_path: Path) -> None:
    config = load_config(Path(name))
    assert load_config(write(tmp_path, dump_config(config))) == config
    first = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./yume.schema.json"


@pytest.mark.parametrize("name", ["records", "dreamer", "dreamerv3", "dreamerv3-small"])
def test_a_method_preset_learns_the_same_over_vrchat(tmp_path: Path, name: str) -> None:
    """As docs/sessions.md has it: extends: [vrchat.yaml, records.yaml]."""
    alone = load_config(Path(name))
    layered = load_config(write(tmp_path, f"extends: [vrchat.yaml, {name}.yaml]"))
    for section in ("model", "dream", "actor", "critic", "trainer"):
        assert getattr(layered, section) == getattr(alone, section), section


def test_default_differs_from_the_schema_only_where_listed() -> None:
    rates = {"recent": 0.0, "policy_lr": 1e-4, "value_lr": 1e-3}
    since = {  # older runs lack them
        "world": {"contacts": {"mode": "auto"}},
        "model": {"normalize": True},
        "actor": {"entropy": 3e-3, "cloning": 0.1},
        "critic": {"slow_weight": 1.0, "replay_weight": 1.0},
        "trainer": {"precision": 10.0, "overshoot": 3.0, **rates},
    }
    assert load_config(Path("default")) == Config.model_validate(since)
    tiny = load_config(Path("tiny"))
    assert (tiny.world.camera.width, tiny.model.deter, tiny.trainer.batch) == (32, 32, 4)
    osc = load_config(Path("vrchat.yaml")).world.osc
    assert osc.oscquery
