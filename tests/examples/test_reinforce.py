"""The example of a learning method outside the project learns like one of the project."""

import subprocess
import sys

from interfaces.journal import JournalReader
from interfaces.weights.versions import stored_versions
from tests.cli import here
from tests.conftest import ROOT
from trainer.learners.checkpoints import Checkpoints

PRESET = ROOT / "examples" / "reinforce" / "reinforce.yaml"
SMALL = ("model.units=8", "method_settings.rollout=40", "trainer.checkpoint_keep=9")


def test_train_learns_and_publishes_with_the_method_of_the_example(tmp_path):
    run = tmp_path / "run"
    here("train", PRESET, *SMALL, "trainer.checkpoint_steps=30", "--steps", 150, "--out", run)
    newest = Checkpoints(run / "checkpoints", keep=9).newest()
    assert newest.updates == 3
    versions = JournalReader(run / "journal").read(0, 150)["weights_version"]
    assert sorted(set(versions.tolist())) == [1, 2, 3, 4], "each update acts in the next rollout"
    assert stored_versions(run / "weights") == [1, 2, 3, 4]
    files = {path.read_bytes() for path in (run / "weights" / "applied").iterdir()}
    assert len(files) == 4, "each version has other weights"
    here("replay", run, "--quiet")  # recomputes every decision with the networks of the method
    here("train", "--resume", run, "--steps", 200)
    assert Checkpoints(run / "checkpoints", keep=9).newest().updates == 4


def test_the_method_is_known_without_torch():
    code = (
        "import sys; from pathlib import Path; from configs.load import load_config;"
        "from interfaces.core.learning_methods import check_learning_method, learning_method;"
        "from interfaces.runtime.plugin_folders import use_config_folders;"
        f"path = Path({str(PRESET)!r}); config = load_config(path);"
        "use_config_folders(config, path); check_learning_method(config);"
        "assert learning_method(config).replayed_per_update(config) == 400;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_settings_that_the_method_does_not_allow_are_refused_before_the_run(tmp_path):
    run = tmp_path / "run"
    wrong = here("train", PRESET, "method_settings.rolout=3", "--out", run, code=2)
    assert "method_settings.rolout = 3" in wrong.all
    assert "allowed here: rollout, discount, entropy, lr" in wrong.all
    wrong = here("train", PRESET, "model.core=gru", "--out", run, code=2)
    assert "none and ppo or reinforce need each other" in wrong.all
    assert not run.exists()


FAILING = """
from dataclasses import replace

from reinforce_learner import ReinforceLearner
from reinforce_method import REINFORCE

class FailsLater(ReinforceLearner):
    def update(self, rollout):
        return super().update(rollout) if not self.updates else 1 / 0

METHOD = replace(REINFORCE, learner="failing_method:FailsLater")
"""


def test_an_update_that_fails_names_its_function_and_keeps_what_was_recorded(tmp_path, monkeypatch):
    (tmp_path / "failing_method.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    run = tmp_path / "run"
    words = (*SMALL, "trainer.checkpoint_steps=30", "method=plugin:failing_method:METHOD")
    failed = here("train", PRESET, *words, "--steps", 150, "--out", run, code=2)
    assert "an update failed in failing_method.FailsLater.update, line" in failed.all
    assert Checkpoints(run / "checkpoints", keep=9).newest().updates == 1
    assert 81 <= JournalReader(run / "journal").end < 100, "40 steps and the outcome, twice"
