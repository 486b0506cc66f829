"""A run in lockstep that the tests of this folder replay."""

import pytest

from configs.load import load_config
from interfaces.runtime.run_folder import create_run
from interfaces.runtime.worlds import make_lockstep_worlds
from tests.agent.replay.runs import STEPS
from tests.conftest import ROOT
from trainer.running.lockstep import LockstepTrainer


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of STEPS Steps with several versions of the weights."""
    folder = tmp_path_factory.mktemp("夢 replay") / "run"
    config = load_config(ROOT / "configs" / "tiny.yaml", ["trainer.prefill=40", "seed=5"])
    run = create_run(folder, config, "tiny", ROOT)
    LockstepTrainer(run, config, make_lockstep_worlds(config, 5)).run(
        STEPS, lambda _: None, lambda: False
    )
    return run
