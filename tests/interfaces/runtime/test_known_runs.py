"""Which runs are known, and what a change of their folder does to it."""

import json
import multiprocessing
import re
import shutil
import sys

import pytest

from configs.load import load_config, write_config
from configs.schema import Config
from interfaces.ipc.no_links import LinkRefused
from interfaces.runtime.known_runs import (
    UnknownRun,
    is_known,
    list_run,
    require_known,
    require_known_place,
)
from interfaces.runtime.named_things import imported_code, named_things
from interfaces.runtime.plugin_folders import use_plugin_folders
from interfaces.runtime.run_folder import RunError, RunFolder, create_run
from interfaces.runtime.user_folder import user_folder
from tests.conftest import ROOT
from tests.known import make_known


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A folder of the user of its own for each test."""
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))


def new_run(folder, *words) -> RunFolder:
    return create_run(folder, load_config(ROOT / "configs" / "tiny.yaml", words), "tiny", ROOT)


def test_a_new_run_is_known_and_its_id_is_in_no_other_file(tmp_path):
    run = new_run(tmp_path / "run")
    assert is_known(run.path)
    run_id = run.id_file.read_text().strip()
    assert re.fullmatch("[0-9a-f]{32}", run_id)
    assert run_id not in run.meta.read_text() + run.config_file.read_text()


def test_a_copied_or_moved_run_stays_known(tmp_path):
    run = new_run(tmp_path / "run")
    copied = shutil.copytree(run.path, tmp_path / "copy")
    assert is_known(copied)
    moved = shutil.move(run.path, tmp_path / "moved")
    assert is_known(moved)


def test_a_run_of_another_machine_is_unknown_until_it_is_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "other machine"))
    run = new_run(tmp_path / "run").path
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    with pytest.raises(UnknownRun, match="trust"):
        require_known(run, "--resume")
    list_run(run)
    require_known(run, "--resume")


def test_a_run_without_an_id_gets_one_when_it_is_listed(tmp_path):
    write_config(Config(), tmp_path / "config.yaml")
    assert not is_known(tmp_path)
    list_run(tmp_path)
    assert is_known(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", "world: {osc: {host: 10.0.0.9}}\n"),
        ("plugins.json", '{"folders": ["/elsewhere"]}'),
        ("evil.py", "raise SystemExit"),
        ("exports/deep/evil.pyc", ""),
    ],
)
def test_a_known_run_that_came_back_changed_is_unknown(tmp_path, name, content):
    run = new_run(tmp_path / "run").path
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).write_text(content)
    with pytest.raises(UnknownRun, match="has changed"):
        require_known(run, "--resume")
    list_run(run)
    assert is_known(run)


def test_recording_learning_and_pinning_do_not_change_whether_a_run_is_known(tmp_path):
    run = new_run(tmp_path / "run").path
    for name in (
        "meta.json",
        "summary.json",
        "weights/pin.json",
        "session/0.mcap",
        "endpoints.json",
    ):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("{}")
    assert is_known(run)


@pytest.mark.parametrize("text", ["extends: ../base.yaml\n", '"ext\\x65nds": ../base.yaml\n'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_configuration_whose_settings_are_in_another_file_is_never_known(
    tmp_path, text, encoding
):
    (tmp_path / "base.yaml").write_text("seed: 1\n")
    run = new_run(tmp_path / "run").path
    (run / "config.yaml").write_bytes(text.encode(encoding))
    with pytest.raises(UnknownRun, match="extends another file"):
        list_run(run)
    assert not is_known(run)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_configuration_behind_a_link_is_never_known(tmp_path):
    run = new_run(tmp_path / "run")
    (tmp_path / "config.yaml").write_bytes(run.config_file.read_bytes())
    run.config_file.unlink()
    run.config_file.symlink_to(tmp_path / "config.yaml")
    with pytest.raises(UnknownRun, match="link"):
        list_run(run.path)
    assert not is_known(run.path)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"../../x", b"0" * 31, b"0" * 10_000, b"0" * 32 + b"/..", b"A" * 32]
)
def test_an_id_that_is_none_names_no_file_of_the_list(tmp_path, content):
    run = new_run(tmp_path / "run")
    run.id_file.write_bytes(content)
    assert not is_known(run.path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"content": 1}', "[" * 100_000])
def test_a_damaged_entry_is_an_unknown_run(tmp_path, content):
    run = new_run(tmp_path / "run").path
    (entry,) = (user_folder() / "known_runs").glob("*.json")
    entry.write_text(content)
    assert not is_known(run)
    list_run(run)
    assert is_known(run)


def _list_some(folder, first):
    for number in range(first, first + 20):
        make_known(folder / str(number))


def test_several_processes_list_runs_at_once(tmp_path):
    for number in range(40):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "config.yaml").write_text("seed: 1\n")
    spawn = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    writers = [spawn.Process(target=_list_some, args=(tmp_path, first)) for first in (0, 10, 20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    assert all(is_known(tmp_path / str(number)) for number in range(40))


def test_nothing_is_written_into_an_unknown_run(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run").path
    require_known_place(run / "exports" / "x.mp4", "writing")
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "other"))
    for place in (run / "exports" / "x.mp4", run, run / "a" / ".." / "b"):
        with pytest.raises(UnknownRun, match="writing"):
            require_known_place(place, "writing")
    with pytest.raises(UnknownRun):
        new_run(run / "inside")
    require_known_place(tmp_path / "x.mp4", "writing")


@pytest.mark.parametrize("name", ["plugins.json", "checkpoints", "weights", "run.id"])
def test_a_new_run_takes_no_files_of_another_one(tmp_path, name):
    (tmp_path / "run" / name).mkdir(parents=True)
    with pytest.raises(RunError, match=f"holds {name} of another run"):
        new_run(tmp_path / "run")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_new_run_refuses_a_folder_with_links(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "logs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LinkRefused):
        new_run(tmp_path / "run")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_a_run_names_is_shown(tmp_path):
    run = new_run(
        tmp_path / "run",
        "world.kind=vrchat",
        "world.osc.host=10.0.0.9",
        "world.camera.source=http://10.0.0.9/camera",
        "world.voice.device=CABLE",
        "world.limits.log_folder=VRChat logs",
        "reward.terms={fun: {source: 'evil:fun'}}",
    )
    run.plugin_folders.write_text(json.dumps({"folders": ["their"]}))
    (run.path / "evil.py").touch()
    things = named_things(run, run.config)
    text = json.dumps(things)
    for part in ("evil:fun", "plugin folder their", "evil.py", "10.0.0.9", "CABLE", "VRChat logs"):
        assert part in text
    assert len(things) == 4
    assert named_things(new_run(tmp_path / "plain"), new_run(tmp_path / "plain 2").config) == {}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], []),
        (["world.kind=gymnasium", "world.id=CartPole-v1"], []),
        (["world.kind=gymnasium", "world.id=evil:CartPole-v1"], ["world.id evil:CartPole-v1"]),
        (["world.kind=plugin", "world.plugin=evil:make"], ["world.plugin evil:make"]),
        (["world.camera.source=plugin:evil:make"], []),
    ],
)
def test_code_is_what_python_would_import(words, code):
    config = load_config(ROOT / "configs" / "tiny.yaml", ["reward.parameters.HeadPat=null", *words])
    assert imported_code(config) == code


def test_compiled_files_beside_code_in_a_run_folder_are_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "pycache_prefix", None)
    run = new_run(tmp_path / "run")
    use_plugin_folders(run)
    assert sys.pycache_prefix is None
    (run.path / "mine.py").touch()
    use_plugin_folders(run)
    assert str(sys.pycache_prefix).startswith(str(user_folder()))
