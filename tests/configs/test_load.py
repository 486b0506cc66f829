"""Loading: files, overrides and round trips give the expected settings."""

import json
import os
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from configs.load import dump_config, load_config, write_config
from configs.schema import Config
from tests.configs.files import error_of, write


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "tick:\n  # hz: 3\n", "{}", "\ufeff"])
def test_a_file_without_settings_gives_the_defaults(tmp_path: Path, text: str) -> None:
    assert load_config(write(tmp_path, text)) == Config()


def test_a_configuration_is_frozen() -> None:
    config = load_config(Path("default"))
    with pytest.raises(ValidationError):
        config.tick.hz = 3.0  # type: ignore[misc]


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1.e-3", "0.001", "1_0e-4"])
def test_an_exponent_is_a_number(empty: Path, text: str) -> None:
    assert load_config(empty, [f"trainer.model_lr={text}"]).trainer.model_lr == 1e-3


def test_quoted_numbers_and_dates_stay_text(empty: Path) -> None:
    for text in ("'1e-3'", "2020-01-01", "カメラ", "'0'", "http://a/b?c=d"):
        source = load_config(empty, [f"world.camera.source={text}"]).world.camera.source
        assert source == text.strip("'")
    assert load_config(empty, ["world.camera.source=0"]).world.camera.source == 0


def test_an_override_wins_over_the_file_and_the_last_one_wins(tmp_path: Path) -> None:
    path = write(tmp_path, "tick: {hz: 5, spin_ms: 2}")
    config = load_config(path, ["tick.hz=6", "tick={hz: 7}", "tick.hz=8", " seed =3"])
    assert (config.tick.hz, config.tick.spin_ms, config.seed) == (8.0, 2.0, 3)


def test_the_value_of_an_override_is_yaml(empty: Path) -> None:
    config = load_config(empty, ["world.parameters=[HeadPat, Grounded]", "world.osc.host=a=b"])
    assert config.world.parameters == ("HeadPat", "Grounded")
    assert config.world.osc.host == "a=b"


def test_null_removes_an_inherited_free_name(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "extends: default\nworld: {parameters: [Hug]}\n"
        "reward: {parameters: {HeadPat: null, Hug: 2}}",
    )
    assert load_config(path).reward.parameters == {"Hug": 2.0}


def test_japanese_paths_keys_and_names_are_supported(tmp_path: Path) -> None:
    write(tmp_path, "tick: {hz: 3}", "夢/基本.yaml")
    path = write(
        tmp_path,
        "extends: 基本.yaml\nworld: {parameters: [撫でる]}\nreward: {parameters: {撫でる: 1}}\n",
        "夢/私の設定.yaml",
    )
    config = load_config(path)
    assert config.world.parameters == ("撫でる",)
    assert "撫でる" in dump_config(config)
    write_config(config, path)
    assert load_config(path) == config
    assert "夢 = 1" in error_of(path, "夢=1")
    assert "私の設定.yaml:1:1  夢" in error_of(write(tmp_path, "夢: 1", "私の設定.yaml"))


@pytest.mark.parametrize(
    "text", ["1e-3", "yes", "null", "~", "0", "0x1f", "1_0", "2020-01-01", "", " a", "a: b #c",
             "'\"", "\\", "夢\u00a0x", "=", "<<", "🌙", "1:30", "- a"],
)  # fmt: skip
def test_text_and_numbers_survive_a_round_trip(tmp_path: Path, text: str) -> None:
    world = {"standin": {"speaker": text}}
    config = Config.model_validate(
        {"world": world, "trainer": {"model_lr": 1.1e-17, "clip": 1e9}, "actor": {"entropy": 0.1}}
    )
    path = tmp_path / "my.yaml"
    write_config(config, path)
    assert load_config(path) == config


def test_a_dump_holds_every_setting(tmp_path: Path) -> None:
    assert yaml.safe_load(dump_config(Config())) == json.loads(Config().model_dump_json())


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "seed: 1")

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_config(Config(), path)
    assert [p.name for p in tmp_path.iterdir()] == ["my.yaml"]
    assert load_config(path).seed == 1
