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
    here("train", "--resume", run, "--steps", 200)
    assert Checkpoints(run / "checkpoints", keep=9).newest().updates == 4


def test_the_method_is_known_without_torch():
    code = (
        "import sys; from pathlib import Path; from configs.load import load_config;"
        "from interfaces.core.learning_methods import learning_method;"
        f"method = learning_method(load_config(Path({str(PRESET)!r})));"
        "assert method.name == 'reinforce'; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
