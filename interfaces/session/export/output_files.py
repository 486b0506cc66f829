"""New files and folders of an export: they exist complete, or not at all."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from configs.reading.busy_files import replace_file
from interfaces.ipc.atomic_files import staging_path
from interfaces.runtime.known_runs import require_known_place
from interfaces.session.format.segment_writer import SessionError


def check_new_path(out: Path, suffix: str = "") -> None:
    """Create the parent folder. Raises SessionError if `out` exists or has another suffix.

    Raises UnknownRun for a place in an unknown run, and LinkRefused.
    """
    require_known_place(out, f"writing {out}")
    if os.path.lexists(out):
        raise SessionError(f"{out} exists already: existing files are never overwritten")
    if suffix and out.suffix != suffix:
        raise SessionError(f"{out}: the name of this file ends in {suffix}")
    out.parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def write_whole(out: Path) -> Generator[Path]:
    """A path beside `out` for a file or folder; it is renamed to `out` at the end.

    After an error it is deleted.
    """
    staging = staging_path(out)
    _delete(staging)  # left by a killed process
    try:
        yield staging
        replace_file(staging, out)
    finally:
        _delete(staging)


def _delete(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
