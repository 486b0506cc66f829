"""A run that begins: a start that is refused leaves nothing behind, so it can be tried again."""

import contextlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from configs.errors import BadInput
from configs.schema import Config
from interfaces.runtime.run_folder import RunError, RunFolder, create_run
from interfaces.runtime.run_lock import claim


@contextmanager
def begun_run(out: Path | None, config: Config, name: str, code: Path) -> Generator[RunFolder]:
    """The folder `create_run` makes, for as long as somebody lives in it.

    BadInput before anything was lived takes away again what was made: what a word more on the
    command line mends must not fail for the folder then. Raises RunError as create_run does.
    """
    before = _there(out or Path("runs"))
    run = create_run(out, config, name, code)
    try:
        yield run
    except BadInput:
        if not (run.processes.exists() or run.journal.exists()):
            with contextlib.suppress(RunError):  # somebody else has begun there meanwhile
                _take_away(run, before)
        raise


def _there(path: Path) -> frozenset[Path]:
    """The folder, what lies in it and above it."""
    path = path.resolve()
    inside = path.iterdir() if path.is_dir() else ()
    return frozenset(each for each in (*inside, path, *path.parents) if each.exists())


def _take_away(run: RunFolder, before: frozenset[Path]) -> None:
    """What a start makes, as far as it was not there `before`; never what it does not know."""
    with claim(run):
        for path in (run.config_file, run.meta, run.endpoints, run.board):
            if path not in before:
                with contextlib.suppress(OSError):  # Windows keeps what is still mapped
                    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: something else is in it
        if run.lock not in before:
            run.lock.unlink(missing_ok=True)
        for folder in (run.logs, run.path, *run.path.parents):
            if folder not in before:
                folder.rmdir()
