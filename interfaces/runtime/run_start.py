"""Starts a run: if the start fails, its folder is removed, so that it can be tried again."""

import contextlib
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from configs.schema import Config
from interfaces.runtime.run_folder import RunError, RunFolder, create_run, fresh_folder
from interfaces.runtime.run_lock import claim


@contextmanager
def new_run(out: Path | None, config: Config, name: str, code: Path) -> Generator[RunFolder]:
    """The folder that `create_run` makes, for the duration of the run.

    After any error or Ctrl-C before the first process or Step it removes what it created: a
    corrected command can then use the same folder. Raises RunError as create_run does.
    """
    folder = out or fresh_folder(name)
    try:
        before = _existing_paths(folder)
    except OSError as error:
        raise RunError(f"--out {out}: {error.strerror or error}") from error
    run = RunFolder(folder.resolve())
    try:
        yield create_run(folder, config, name, code)
    except BaseException:
        if run.config_file not in before and not _has_started(run):
            with contextlib.suppress(RunError, OSError):  # another run has started there meanwhile
                _remove_created(run, before)
        raise


def _has_started(run: RunFolder) -> bool:
    """Whether a process of the run was started. On a full disk it may have left only its log."""
    logs = (path for path in run.logs.glob("*.log") if path != run.supervisor_log)
    written = (run.processes, run.journal, run.summary, run.session)
    return any(path.exists() for path in (*written, *logs))


def _existing_paths(path: Path) -> frozenset[Path]:
    """The folder, its content and its parents, as far as they exist."""
    path = path.resolve()
    inside = path.iterdir() if path.is_dir() else ()
    return frozenset(each for each in (*inside, path, *path.parents) if each.exists())


def _remove_created(run: RunFolder, before: frozenset[Path]) -> None:
    """Remove the files of a start that did not exist `before`, and no other files."""
    files = (run.config_file, run.meta, run.id_file, run.plugin_folders, run.endpoints, run.board)
    if run.logs not in before:
        files += (run.supervisor_log,)
    with claim(run) if run.path.exists() else contextlib.nullcontext():
        for path in files:
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
