"""Rename and delete files that another program may hold open for a moment.

On Windows a file that an antivirus scanner, a player, OneDrive or the preview of Explorer has open
cannot be renamed, replaced or deleted. These functions try again for a while, and then say which
file is held and what helps. Nothing is lost: the old file is still there. They wait, so the body
never calls them.

On other systems an open file stops nothing, and they do what `pathlib` does.
"""

import errno
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_S = 2.0
_GONE = ".gone"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.2
# Access denied, sharing violation, lock violation, and a file that is mapped.
_HELD = frozenset((5, 32, 33, 1224))


class FileHeld(PermissionError):
    """Another program holds the file open, for longer than `LIMIT_S`."""


def replace_file(source: Path, target: Path, limit_s: float = LIMIT_S) -> None:
    """Rename `source` to `target`, over a file that is there.

    Raises FileHeld, naming the file; `source` then still exists. Raises OSError.
    """
    _retry(lambda: source.replace(target), target, limit_s)


def rename_file(source: Path, target: Path, limit_s: float = LIMIT_S) -> Path:
    """Rename `source` to `target`, which must be free. Returns it. Raises FileHeld and OSError."""
    return _retry(lambda: source.rename(target), source, limit_s)


def delete_file(path: Path, *, missing_ok: bool = False, limit_s: float = LIMIT_S) -> None:
    """Delete a file, on Windows also one with the read-only attribute.

    Raises FileHeld, FileNotFoundError unless `missing_ok`, and OSError.
    """
    _retry(lambda: path.unlink(missing_ok=missing_ok), path, limit_s)


def delete_at_once(path: Path) -> None:
    """Delete a file at once, so that another one can get its name. Raises OSError.

    On Windows a file that a reader has open keeps its name until it is closed. So it is first
    renamed to NAME.NUMBER.gone, a name that a crash may leave.
    """
    if sys.platform != "win32":
        path.unlink()
        return
    gone = path.rename(path.with_name(f"{path.name}.{secrets.token_hex(4)}{_GONE}"))
    try:
        gone.unlink()
    except OSError:
        gone.rename(path)  # so that it can be tried again
        raise


def delete_folder(path: Path, limit_s: float = LIMIT_S) -> None:
    """Delete a folder with its content. Raises FileHeld, naming a file in it, and OSError."""

    def again(remove: Callable[[str], Any], name: str, error: BaseException) -> None:
        if not isinstance(error, PermissionError):
            raise error
        _retry(lambda: remove(name), Path(name), limit_s)

    # `onexc` since Python 3.12; `onerror` gets what sys.exc_info() returns.
    shutil.rmtree(path, onerror=lambda remove, name, info: again(remove, name, info[1]))


def is_held(error: OSError) -> bool:
    """Whether the error means, on Windows, that another program has the file open."""
    return isinstance(error, PermissionError) and getattr(error, "winerror", None) in _HELD


def _retry(action: Callable[[], Any], path: Path, limit_s: float) -> Any:
    deadline, pause_s = time.perf_counter() + limit_s, _FIRST_PAUSE_S
    while True:
        try:
            return action()
        except PermissionError as error:
            if not is_held(error):
                raise
            if not _make_writable(path):
                if time.perf_counter() >= deadline:
                    raise _held(path, error) from error
                time.sleep(pause_s)
                pause_s = min(2.0 * pause_s, _LONGEST_PAUSE_S)


def _make_writable(path: Path) -> bool:
    """Clear the read-only attribute of a file. Whether it was set."""
    try:
        mode = path.stat(follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode) or mode & stat.S_IWRITE:
            return False
        os.chmod(path, mode | stat.S_IWRITE)
    except OSError:
        return False
    return True


def _held(path: Path, error: PermissionError) -> FileHeld:
    reason = error.strerror or str(error)
    cure = "close the program that has it open (a player, a scanner, OneDrive), and try again"
    return FileHeld(errno.EACCES, f"{reason}: {cure}", str(path))
