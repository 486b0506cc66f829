"""Imports the shared recordings into a new run."""

from configs.load import load_config
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.trainer.conftest import TINY
from trainer.running.session_import import import_sessions, open_sessions


def import_recordings(folder, recordings, *overrides):
    """The new run, its configuration and its ImportedSteps."""
    config = load_config(TINY, ["trainer.prefill=30", "trainer.holdout=0.2", *overrides])
    run = create_run(folder / "run", config, "tiny", ROOT)
    return run, config, import_sessions(run, config, open_recordings(recordings))


def open_recordings(recordings):
    """The sessions of all shared recordings."""
    return open_sessions([str(recordings / "run*" / "session")])
