"""Changes to a recorded run that the tests of replay need."""

import shutil
from contextlib import contextmanager
from pathlib import Path

from configs.load import load_config
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.recorder import Recorder

STEPS = 120
UNKNOWN_AFTER_GAP = "memory unknown until the next first step or latent snapshot: steps are missing"


def record(run: RunFolder, *words: str) -> None:
    """Record the journal as a session, with configuration overrides."""
    recorder = Recorder(run.journal, run.session, load_config(run.config_file, words), {})
    recorder.record_new_steps()
    recorder.close()


def copy_without_session(run: RunFolder, folder: Path) -> RunFolder:
    """A copy of the run that has a journal only."""
    shutil.copytree(run.path, folder)
    copy = RunFolder(folder)
    shutil.rmtree(copy.session, ignore_errors=True)
    return copy


def stored_weights(run: RunFolder) -> list[Path]:
    """The files of the stored versions, oldest first."""
    return sorted((run.weights / "applied").glob("*.safetensors"))


def journal_steps(run: RunFolder, first: int = 0, end: int = STEPS):
    """The Steps first..end - 1 of the journal."""
    return [row[...] for row in JournalReader(run.journal).read(first, end - first)]


@contextmanager
def hidden_weights(run: RunFolder, number: int):
    """Hide one stored version while the context is open, and yield its version."""
    path = stored_weights(run)[number]
    hidden = path.with_suffix(".hidden")
    path.rename(hidden)
    try:
        yield int(path.stem)
    finally:
        hidden.rename(path)
