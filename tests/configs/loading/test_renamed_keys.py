"""Old names of keys are accepted for one version, each with one line in the log."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.commands import MANUAL, app
from configs.load import (
    dump_config,
    dump_extending_config,
    load_config,
    recorded_setting,
    with_overrides,
)
from configs.loading.reference import settings
from configs.loading.renamed_keys import ACCEPTED_UNTIL, RENAMED_KEYS
from configs.schema import Config
from interfaces.cli.run_setup import prepared_run
from interfaces.runtime.run_folder import RunFolder
from tests.configs.files import error_of, write
from tests.known import make_known

OLD_RUN = Path(__file__).parents[2] / "golden" / "recordings" / "commit_5087598"
OLD = "beat: {hz: 3}\nworld:\n  ears: {mels: 16}\n  manners: {jumps_per_minute: 4}\n"


def values(config: Config) -> tuple[float, int, float | None]:
    """The settings of OLD."""
    return config.tick.hz, config.world.audio_input.mels, config.world.limits.jumps_per_minute


def notice(place: str, old: str) -> str:
    """The line about an old key."""
    new = RENAMED_KEYS[old]
    return f"{place}: the key {old} is now {new}; the old name is accepted until version 0.2\n"


def test_every_new_path_is_in_the_schema_and_no_old_one_is() -> None:
    assert settings().keys() >= set(RENAMED_KEYS.values())
    assert not settings().keys() & RENAMED_KEYS.keys()


def test_the_manual_lists_every_old_key() -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    for old, new in RENAMED_KEYS.items():
        assert f"| `{old}` | `{new}` | {ACCEPTED_UNTIL} |" in manual


def test_old_keys_of_a_file_are_accepted_and_logged_once(
    tmp_path: Path, warnings: list[str]
) -> None:
    path = write(tmp_path, OLD)
    assert values(load_config(path)) == (3.0, 16, 4.0)
    assert warnings == [
        notice(f"{path}:1:1", "beat"),
        notice(f"{path}:3:3", "world.ears"),
        notice(f"{path}:4:3", "world.manners"),
    ]


def test_old_keys_of_an_extended_file_are_accepted_below_new_keys(
    tmp_path: Path, warnings: list[str]
) -> None:
    old = write(tmp_path, OLD, "old.yaml")
    write(tmp_path, "extends: old.yaml", "a.yaml")
    write(tmp_path, "extends: old.yaml", "b.yaml")
    path = write(tmp_path, "extends: [a.yaml, b.yaml]\ntick: {hz: 5}\n")
    assert values(load_config(path)) == (5.0, 16, 4.0)
    assert [line.split(": ")[0] for line in warnings] == [
        f"{old}:1:1", f"{old}:3:3", f"{old}:4:3",
    ]  # fmt: skip


def test_old_keys_win_over_new_keys_of_an_extended_preset(tmp_path: Path) -> None:
    path = write(tmp_path, "extends: vrchat\nbeat: {hz: 4}\nworld: {manners: {avatars: [a]}}\n")
    config = load_config(path)
    assert config.tick.hz == 4.0
    assert (config.world.limits.jumps_per_minute, config.world.limits.avatars) == (20.0, ("a",))


def test_old_keys_of_overrides_are_accepted_and_logged(empty: Path, warnings: list[str]) -> None:
    overrides = ["beat.hz=7", "seed=1", "world={ears: {mels: 16}}", "world.manners={worlds: }"]
    with pytest.raises(ValueError, match=r"world\.limits\.worlds = null"):
        load_config(empty, overrides)
    config = load_config(empty, overrides[:3])
    assert (config.tick.hz, config.world.audio_input.mels) == (7.0, 16)
    expected = [
        notice("command line, override 1", "beat"),
        notice("command line, override 3", "world.ears"),
    ]
    assert warnings[3:] == expected
    assert with_overrides(Config(), ["beat.hz=8"]).tick.hz == 8.0


def test_an_override_with_a_new_key_wins_over_an_old_key_of_the_file(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, OLD), ["tick.hz=6"]).tick.hz == 6.0


def test_an_empty_old_section_is_empty(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "beat:\n  # hz: 3\nworld:\n  ears:\n")) == Config()


def test_an_old_key_beside_its_new_name_is_refused_with_both_places(tmp_path: Path) -> None:
    path = write(tmp_path, "tick: {hz: 3}\nworld: {limits: {}, manners: {}}\nbeat: {spin_ms: 1}\n")
    message = error_of(path).replace(str(path), "my.yaml")
    assert "configuration: 2 problems" in message
    assert "my.yaml:3:1  beat\n    the same key as tick at my.yaml:1:1" in message
    assert "my.yaml:2:21  world.manners\n    the same key as world.limits at my.yaml:2:9" in message


def test_an_old_override_beside_a_new_one_is_refused(empty: Path) -> None:
    message = error_of(empty, "tick.hz=3", "seed=1", "beat.hz=3")
    assert "command line, override 3  beat\n" in message
    assert "tick at command line, override 1" in message


def test_an_unknown_key_of_an_old_section_is_refused_with_new_names(
    tmp_path: Path, warnings: list[str]
) -> None:
    path = write(tmp_path, "beat: {hertz: 3}\nworld: {manners: {qqqqqqqq: 1}}\n")
    message = error_of(path).replace(str(path), "my.yaml")
    assert "my.yaml:1:8  tick.hertz = 3\n    unknown key; did you mean tick.hz?" in message
    assert "my.yaml:2:19  world.limits.qqqqqqqq = 1\n    unknown key; known here: jumps" in message
    assert len(warnings) == 2


def test_a_section_that_is_not_a_mapping_is_refused_by_its_new_name(empty: Path) -> None:
    assert "command line, override 1  tick = 3" in error_of(empty, "beat=3")
    assert "command line, override 1  world = 3" in error_of(empty, "world=3")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("baet.hz", "tick"),
        ("world.maners.worlds", "world.limits"),
        ("ears.mels", "world.audio_input"),
    ],
)
def test_a_misspelt_old_key_suggests_the_new_one(empty: Path, given: str, meant: str) -> None:
    assert f"did you mean {meant}?" in error_of(empty, f"{given}=1")


def test_a_dotted_old_key_gets_advice_with_the_new_name(tmp_path: Path) -> None:
    assert "not with dots: tick: {hz: ...}" in error_of(write(tmp_path, "beat.hz: 3"))


def test_written_configurations_have_new_keys_only(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, OLD))
    for text in (
        dump_config(config),
        dump_extending_config("default", ["beat.hz=3", "world.manners={}"], {}),
    ):
        assert "tick:" in text
        assert "beat:" not in text
        assert "manners:" not in text


def test_check_shows_the_line_and_accepts_the_file(tmp_path: Path, warnings: list[str]) -> None:
    checked = CliRunner().invoke(app, ["check", str(write(tmp_path, OLD))])
    assert (checked.exit_code, len(warnings)) == (0, 3)


def test_a_resumed_old_run_logs_each_key_once_and_its_processes_log_none(
    tmp_path: Path, warnings: list[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(OLD_RUN, run)
    make_known(run)
    with prepared_run(None, None, None, run) as (folder, config):
        assert folder.config == config
        assert folder.config == config
        assert [line.split("the key ")[1].split()[0] for line in warnings] == [
            "beat", "world.ears", "world.manners",
        ]  # fmt: skip
        warnings.clear()
        assert RunFolder(folder.path).config == config  # as a process of the run does
    assert warnings == []
    assert (config.seed, config.tick.hz, config.world.camera.width) == (11, 10.0, 16)


def test_a_recorded_setting_is_read_by_its_new_name() -> None:
    assert recorded_setting("beat: {hz: 12}", "tick.hz") == 12
    assert recorded_setting("tick: {hz: 12}", "tick.hz") == 12
    with pytest.raises(KeyError):
        recorded_setting("beat: {spin_ms: 1}", "tick.hz")
    with pytest.raises(ValueError, match="not YAML"):
        recorded_setting("beat: {", "tick.hz")
