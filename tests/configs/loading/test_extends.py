"""`extends`: how files are found and merged, and which chains are refused."""

from pathlib import Path

import pytest

from configs.load import load_config
from tests.configs.files import error_of, write


def test_extends_merges_sections_and_replaces_lists(tmp_path: Path) -> None:
    write(tmp_path, "tick: {hz: 3, spin_ms: 1}\nworld: {parameters: [HeadPat, A]}", "a.yaml")
    write(tmp_path, "extends: ../a.yaml\ntick: {hz: 4}\nseed: 1", "sub/b.yaml")
    path = write(tmp_path, "extends: sub/b.yaml\nseed: 2\nworld: {parameters: [HeadPat]}\ntick:\n")
    config = load_config(path)
    assert (config.tick.hz, config.tick.spin_ms, config.seed) == (4.0, 1.0, 2)
    assert config.world.parameters == ("HeadPat",)


def test_a_later_entry_of_extends_wins_also_with_a_common_parent(tmp_path: Path) -> None:
    write(tmp_path, "seed: 1\ntick: {hz: 3}", "base.yaml")
    write(tmp_path, "extends: base.yaml\nseed: 2", "a.yaml")
    write(tmp_path, "extends: base.yaml\ntick: {spin_ms: 2}", "b.yaml")
    config = load_config(write(tmp_path, "extends: [a.yaml, b.yaml]"))
    assert (config.seed, config.tick.hz, config.tick.spin_ms) == (1, 3.0, 2.0)


def test_extends_accepts_the_name_of_a_preset(tmp_path: Path) -> None:
    for name in ("vrchat", "vrchat.yaml"):
        assert load_config(write(tmp_path, f"extends: {name}")).world.kind == "vrchat"


def test_a_cycle_is_reported_with_its_links(tmp_path: Path) -> None:
    write(tmp_path, "seed: 1\nextends: my.yaml", "a.yaml")
    message = error_of(write(tmp_path, "extends: a.yaml"))
    assert "a.yaml:2:1  extends" in message
    assert message.index("my.yaml -> ") < message.index("a.yaml -> ") < message.rindex("my.yaml")
    assert "extends itself" in error_of(write(tmp_path, "extends: me.yaml", "me.yaml"))


def test_a_long_chain_is_refused_and_a_wide_one_is_read_once(tmp_path: Path) -> None:
    for index in range(60):
        write(tmp_path, f"extends: {index + 1}.yaml", f"{index}.yaml")
    assert "more than 32" in error_of(tmp_path / "0.yaml")
    for index in range(30):  # 2**30 readings, were each not read once
        write(tmp_path, f"extends: [w{index + 1}.yaml, w{index + 1}.yaml]", f"w{index}.yaml")
    assert load_config(write(tmp_path, "seed: 4", "w30.yaml").with_name("w0.yaml")).seed == 4


def test_a_missing_parent_is_reported_at_its_extends(tmp_path: Path) -> None:
    message = error_of(write(tmp_path, "seed: 1\nextends: nowhere.yaml\nworld: {kind: vrchat}"))
    assert "my.yaml:2:1  extends" in message
    assert "no such file" in message
    assert "the presets are: default, dreamer, " in message
    assert "osc.send_port" not in message  # the missing file may have message it


@pytest.mark.parametrize("value", ["3", "{a: b}", "[1]", "''"])
def test_extends_must_name_files(tmp_path: Path, value: str) -> None:
    assert "the name of a file, or a list" in error_of(write(tmp_path, f"extends: {value}"))


def test_a_folder_or_a_missing_file_is_refused_and_a_file_wins_over_a_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "a directory" in error_of(tmp_path)
    assert "the presets are" in error_of(tmp_path / "no.yaml")
    assert "no such file" in error_of(Path("nothing"))
    error_of(Path("a" * 5000))
    error_of(Path("a\0b"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vrchat").mkdir()
    assert load_config(Path("vrchat")).world.kind == "vrchat"  # a folder is no configuration
    write(tmp_path, "seed: 9", "default.yaml")
    assert load_config(Path("default.yaml")).seed == 9  # a file comes before the preset
