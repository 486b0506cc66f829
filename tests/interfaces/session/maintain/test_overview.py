"""`sessions list` and `sessions info` print names and contents literally."""

from pathlib import Path

from typer.testing import CliRunner

from interfaces.cli.session_commands import app
from tests.interfaces.session.recordings import make_steps, record_segments


def test_markup_in_a_path_or_in_metadata_is_printed_literally(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record_segments(Path("[old]run/session"), make_steps(10), run_metadata={"git_commit": "[/b]"})
    for words in (["list", "[old]run"], ["info", "[old]run"]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert "[old]run" in done.output
