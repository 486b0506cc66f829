"""A refused start leaves nothing behind, and nothing of anybody else is removed."""

import errno

import pytest

from interfaces.runtime import run_folder
from interfaces.runtime.run_folder import RunError
from interfaces.runtime.run_start import new_run
from tests.cli import call
from tests.conftest import ROOT


def start(out, config, error):
    with new_run(out, config, "tiny", ROOT) as run:
        run.supervisor_log.touch()
        raise error


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), RunError("no"), RuntimeError(), KeyboardInterrupt()]
)
def test_folder_of_a_refused_start_is_removed_whatever_the_error(tmp_path, tiny, error):
    with pytest.raises(type(error)):
        start(tmp_path / "new" / "run", tiny, error)
    assert list(tmp_path.iterdir()) == []


def test_folder_is_removed_when_its_own_files_cannot_be_written(tmp_path, tiny, monkeypatch):
    def disk_full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder, "write_checked_json", disk_full)
    with pytest.raises(RunError, match="No space left"), new_run(tmp_path / "r", tiny, "t", ROOT):
        pass
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_stay(tmp_path, tiny):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "supervisor.log").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path, tiny, KeyboardInterrupt())
    names = {path.name for path in tmp_path.rglob("*")}
    assert names == {"logs", "supervisor.log", "notes.txt"}


def test_run_whose_processes_have_started_stays(tmp_path, tiny):
    """On a full disk their only trace may be a log."""

    def start_and_fail():
        with new_run(tmp_path / "r", tiny, "t", ROOT) as run:
            (run.logs / "body.log").write_text("why it failed")
            raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        start_and_fail()
    assert (tmp_path / "r" / "config.yaml").exists()


def test_name_that_is_too_long_is_one_error(tmp_path, tiny):
    with pytest.raises(RunError, match="too long"), new_run(tmp_path / ("x" * 300), tiny, "", ROOT):
        pass


def test_run_whose_metrics_cannot_be_written_starts_no_process(tmp_path, monkeypatch):
    """Else its processes ran on after the command had ended."""
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    folder = tmp_path / "run"
    (folder / "metrics.jsonl").mkdir(parents=True)
    shown = call("run", "tiny", "--out", folder, "--seconds", "2", "--quiet", code=2)
    assert "metrics.jsonl" in shown.errors
    assert [path.name for path in folder.iterdir()] == ["metrics.jsonl"]
