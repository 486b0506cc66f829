"""Starts a run: if the start fails, its folder is removed, so that it can be tried again."""

import contextlib
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from configs.errors import BadInput
from configs.schema import Config
from interfaces.runtime.run_folder import RunError, RunFolder, create_run
from interfaces.runtime.run_lock import claim


@contextmanager
def new_run(out: Path | None, config: Config, name: str, code: Path) -> Generator[RunFolder]:
    """The folder that `create_run` makes, for the duration of the run.

    After a BadInput before the first process or Step it removes what it created: a corrected
    command can then use the same folder. Raises RunError as create_run does.
    """
    before = _existing_paths(out or Path("runs"))
    run = create_run(out, config, name, code)
    try:
        yield run
    except BadInput:
        if not (run.processes.exists() or run.journal.exists()):
            with contextlib.suppress(RunError):  # another run has started there meanwhile
                _remove_created(run, before)
        raise


def _existing_paths(path: Path) -> frozenset[Path]:
    """The folder, its content and its parents, as far as they exist."""
    path = path.resolve()
    inside = path.iterdir() if path.is_dir() else ()
    return frozenset(each for each in (*inside, path, *path.parents) if each.exists())


def _remove_created(run: RunFolder, before: frozenset[Path]) -> None:
    """Remove the files of a start that did not exist `before`, and no other files."""
    own = (run.config_file, run.meta, run.id_file, run.plugin_folders)
    with claim(run):
        for path in (*own, run.endpoints, run.board):
            if path not in before:
                with contextlib.suppress(OSError):  # Windows: the file may still be mapped
                    path.unlink(missing_ok=True)
        for folder in (run.checkpoints, run.weights):  # of --from
            if folder not in before:
                shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # not empty: it holds other files
        if run.lock not in before:
            run.lock.unlink(missing_ok=True)
        for folder in (run.logs, run.path, *run.path.parents):
            if folder not in before:
                folder.rmdir()
