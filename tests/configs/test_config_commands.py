"""The `config` commands: output, written files and exit codes."""

from pathlib import Path

from typer.testing import CliRunner

from configs.commands import MANUAL, app
from configs.load import dump_config, json_schema, load_config, presets
from tests.configs.files import write


def test_show_prints_the_final_values(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["show", "tiny", "tick.hz=3"])
    assert shown.exit_code == 0
    assert shown.stdout == dump_config(load_config(Path("tiny"), ["tick.hz=3"]))
    assert "hz: 4.0" in CliRunner().invoke(app, ["show", "tick.hz=4"]).stdout
    odd = write(tmp_path, "seed: 7", "a=b.yaml")
    assert "seed: 7" in CliRunner().invoke(app, ["show", str(odd)]).stdout


def test_a_wrong_configuration_exits_with_2_and_no_traceback(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["show", "tick.hz=0"])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "tick.hz = 0" in shown.stderr
    wrong = write(tmp_path, "sed: 1")
    checked = CliRunner().invoke(app, ["check", "default", str(wrong), "tiny"])
    assert checked.exit_code == 2
    assert checked.stdout == "ok  default\nok  tiny\n"
    assert "did you mean seed?" in checked.stderr
    assert CliRunner().invoke(app, ["check"]).stdout.count("ok  ") == len(presets())


def test_schema_and_docs_write_their_files(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["schema"]).stdout == json_schema()
    out = tmp_path / "s.json"
    assert CliRunner().invoke(app, ["schema", "--out", str(out)]).exit_code == 0
    assert out.read_text(encoding="utf-8") == json_schema()
    assert CliRunner().invoke(app, ["schema", "--out", str(tmp_path)]).exit_code == 2
    page = write(tmp_path, MANUAL.read_text(encoding="utf-8").replace("tick.hz", "tick.old"))
    assert CliRunner().invoke(app, ["docs", "--out", str(page)]).exit_code == 0
    assert "| `tick.hz` |" in page.read_text(encoding="utf-8")
    assert CliRunner().invoke(app, ["docs", "--out", str(out)]).exit_code == 2


def test_check_applies_settings_to_every_file() -> None:
    checked = CliRunner().invoke(app, ["check", "tiny", "default", "tick.hz=20"])
    assert (checked.exit_code, checked.stdout) == (0, "ok  tiny\nok  default\n")
    refused = CliRunner().invoke(app, ["check", "tiny", "tick.hz=2000"])
    assert refused.exit_code == 2
    assert "tick.hz = 2000" in refused.stderr
