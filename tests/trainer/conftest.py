"""Recordings that several tests learn from."""

from pathlib import Path

import pytest

from configs.load import load_config
from interfaces.runtime.run_folder import create_run
from interfaces.runtime.worlds import make_lockstep_worlds
from interfaces.session.recorder import Recorder
from tests.conftest import ROOT
from trainer.running.lockstep import LockstepTrainer

TINY = ROOT / "configs" / "tiny.yaml"
RECORDED_STEPS = 80  # of each run


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recorded runs run1, run2 and run3, of RECORDED_STEPS each. Read only."""
    folder = tmp_path_factory.mktemp("夢 recordings")
    for seed in (1, 2, 3):
        config = load_config(TINY, [f"seed={seed}", "trainer.prefill=1000"])
        run = create_run(folder / f"run{seed}", config, "tiny", ROOT)
        LockstepTrainer(run, config, make_lockstep_worlds(config, seed)).run(
            RECORDED_STEPS, lambda _: None, lambda: False
        )
        recorder = Recorder(run.journal, run.session, config, {})
        recorder.record_new_steps()
        recorder.close()
    return folder
