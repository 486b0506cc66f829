"""A run of another person is data: what each command does with it, before and after `trust`."""

import shutil
import sys

import pytest

from configs.load import load_config
from interfaces.cli import trust_command
from interfaces.runtime.known_runs import is_known
from interfaces.runtime.run_folder import create_run
from tests.cli import here
from tests.conftest import ROOT
from tests.golden.test_old_recording import RECORDING, contents

EVIL = "import pathlib\npathlib.Path(__file__).with_name('PWNED').touch()\n"


@pytest.fixture
def gift(tmp_path, monkeypatch):
    """A run from elsewhere; unless it is trusted, it must be as it came after the test."""
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    gift = shutil.copytree(RECORDING, tmp_path / "gift")
    before = contents(gift)
    yield gift
    assert (gift / "run.id").exists() or contents(gift) == before


@pytest.mark.parametrize(
    "words",
    [
        "run --resume GIFT",
        "train --resume GIFT",
        "train --resume GIFT --sessions GIFT",
        "rollback GIFT",
        "forget GIFT --last 5m --yes",
        "sessions recover GIFT",
        "sessions recover GIFT/session",
        "sessions prune GIFT --keep-gb 0 --yes",
        "sessions export GIFT --to npz",
        "sessions export GIFT --to npz --out GIFT/mine",
        "sessions cut GIFT --out GIFT/part.mcap",
        "sessions merge GIFT --out GIFT/exports/part.mcap",
        "replay GIFT --mp4",
        "replay GIFT --policy random",
        "train tiny --out GIFT/inside",
    ],
)
def test_what_would_write_or_act_is_refused_and_names_the_cure(gift, words):
    output = here(*words.replace("GIFT", str(gift)).split(), code=2).all.replace(" ", "")
    assert f"pythonmain.pytrust{gift}" in output


def test_recordings_are_exported_to_another_folder(gift, tmp_path):
    here("sessions", "list", gift)
    here("sessions", "info", gift)
    here("sessions", "export", gift, "--to", "npz", "--out", tmp_path / "npz")
    here("replay", gift, "--policy", "random", "--out", tmp_path / "random.png", "--quiet")
    assert (tmp_path / "npz").is_dir()
    assert (tmp_path / "random.png").is_file()


def plant_code(gift, monkeypatch):
    """Code in the folder, named by its configuration, as an environment of a kind would be."""
    (gift / "yume_gift_evil.py").write_text(EVIL)
    config = (gift / "config.yaml").read_text("utf-8")
    config += "\nmethod: plugin:yume_gift_evil:make\n"
    config = config.replace("\nmethod: dreamer\n", "\n")
    (gift / "config.yaml").write_text(config, "utf-8")
    monkeypatch.syspath_prepend(str(gift))


@pytest.mark.parametrize(
    "words", ["evaluate GIFT", "replay GIFT", "replay KNOWN --checkpoint GIFT --out ELSEWHERE.png"]
)
def test_code_of_an_unknown_run_is_not_imported(tmp_path, monkeypatch, words):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    gift = shutil.copytree(RECORDING, tmp_path / "gift")
    known = shutil.copytree(RECORDING, tmp_path / "known")
    plant_code(gift, monkeypatch)
    for name, path in (("GIFT", gift), ("KNOWN", known), ("ELSEWHERE", tmp_path / "x")):
        words = words.replace(name, str(path))
    assert "trust" in here(*words.split(), code=2).all
    assert not (gift / "PWNED").exists()
    here("trust", gift, "--yes")
    monkeypatch.delitem(sys.modules, "yume_gift_evil", raising=False)
    here(*words.split(), code=2)  # a method that is none, but its module is imported
    assert (gift / "PWNED").exists()


def test_trust_shows_what_a_run_names_and_lists_it(gift, monkeypatch):
    shown = here("trust", gift, code=2).all  # the tests have no terminal
    assert "--yes" in shown
    assert not is_known(gift)
    assert "known now" in here("trust", gift, "--yes").all
    assert is_known(gift)
    assert "already" in here("trust", gift).all
    here("rollback", gift, "--release")
    plant_code(gift, monkeypatch)
    assert "trust" in here("rollback", gift, "--release", code=2).all
    shown = here("trust", gift, code=2).all.replace(" ", "")
    assert "plugin:yume_gift_evil:make" in shown
    assert "yume_gift_evil.py" in shown


def test_an_edited_config_needs_one_question_whatever_is_asked_first(tmp_path, monkeypatch):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    run = create_run(tmp_path / "run", load_config(ROOT / "configs" / "tiny.yaml"), "tiny", ROOT)
    text = run.config_file.read_text("utf-8")
    assert "\nseed: 0\n" in text
    run.config_file.write_text(text.replace("\nseed: 0\n", "\nseed: 7\n"), "utf-8")
    for words in ("run --resume", "train --resume", "evaluate", "sessions recover"):
        output = here(*words.split(), run.path, code=2).all.replace(" ", "")
        assert f"main.pytrust{run.path}" in output.replace('"', "")
    shown = here("trust", run.path, code=2).all  # the tests have no terminal
    assert "-seed: 0 +seed: 7" in shown
    assert not is_known(run.path), "nothing is accepted yet"
    assert "known now" in here("trust", run.path, "--yes").all
    assert is_known(run.path)
    assert run.config.seed == 7
    assert "already" in here("trust", run.path).all


def test_an_edit_without_the_first_line_is_shown_too(tmp_path, monkeypatch):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    run = create_run(tmp_path / "run", load_config(ROOT / "configs" / "tiny.yaml"), "tiny", ROOT)
    text = run.config_file.read_text("utf-8").replace("\nseed: 0\n", "\nseed: 7\n")
    run.config_file.write_text(text.partition("\n")[2], "utf-8")
    assert "-seed: 0 +seed: 7" in here("trust", run.path, "--yes").all
    assert (is_known(run.path), run.config.seed) == (True, 7)


def test_trust_lists_nothing_that_changed_after_it_was_shown(gift, monkeypatch):
    """The folder may be shared: its owner can change it while the user reads and answers."""
    show = trust_command.named_things

    def show_then_change(run, config):
        things = show(run, config)
        (gift / "later.py").write_text(EVIL)
        return things

    monkeypatch.setattr(trust_command, "named_things", show_then_change)
    assert "has changed since it was shown" in here("trust", gift, "--yes", code=2).all
    assert not is_known(gift)
    (gift / "later.py").unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize(
    "place",
    [
        *("logs/body.log", "metrics.jsonl", "keyframes.bin", "run.lock"),
        *("session/x.live", "tensorboard", "exports", "weights/applied/1.tmp"),
        *("checkpoints", "view.png", "STOP", "board.mmap", "journal/hold-session.pos"),
    ],
)
def test_a_link_in_a_known_run_is_refused_by_whoever_writes_there(gift, tmp_path, place):
    here("trust", gift, "--yes")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("mine")
    path = gift / place
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(mine / "file" if "." in path.name or path.name == "STOP" else mine)
    for words in ("run --resume", "train --resume", "sessions recover", "forget --last 1h --yes"):
        first, *options = words.split()
        command = [first, *options, gift] if options[:1] != ["--last"] else [first, gift, *options]
        assert "isalink" in here(*command, code=2).all.replace(" ", "")
    assert (mine / "file").read_text() == "mine"
    assert len(list(mine.iterdir())) == 1
