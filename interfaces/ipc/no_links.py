"""Writing below a folder that may come from another person: never through a link.

A link in a run folder could lead a log, a checkpoint or a deletion to a file elsewhere. A link here
is a symbolic link, a junction of Windows, or a second name of a file (hard link).
"""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from configs.errors import BadInput
from configs.reading.shared_open import open_shared

_NAME_SURROGATE = 0x20000000  # bit of a reparse tag that leads elsewhere; OneDrive's tags lack it
_FLAGS = {
    "ab": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "wb": os.O_WRONLY | os.O_CREAT,  # cut to length 0 only after the checks
    "r+b": os.O_RDWR,
}
# Not on Windows: there the paths are checked before a file is opened.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_HAS_DIR_FD = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


class LinkRefused(BadInput, OSError):
    """A link stands where a file or folder of a run is written or deleted."""


def refuse_links(paths: Iterable[Path]) -> None:
    """Raises LinkRefused if one of these files or folders, or anything below, is a link."""
    for path in paths:
        _refuse_link(path)
        if path.is_file():  # to list it is an error, and systems differ in which
            continue
        for folder, folders, files in os.walk(path, onerror=_raise):
            for name in (*folders, *files):
                _refuse_link(Path(folder, name))


def refuse_links_between(folder: Path, path: Path) -> None:
    """Raises LinkRefused if a part of `path` below `folder`, or `path` itself, is a link."""
    for part in (path, *path.parents):
        if part == folder:
            return
        _refuse_link(part)


def open_here(path: Path, mode: str) -> BinaryIO:
    """Open a file of bytes, `mode` "ab", "wb" or "r+b". Only this user may read a new one.

    Raises LinkRefused if the file or its folder is a link, and OSError.
    """
    descriptor = open_descriptor(path, mode)
    try:
        return cast(BinaryIO, os.fdopen(descriptor, mode))
    except BaseException:
        os.close(descriptor)
        raise


def open_descriptor(path: Path, mode: str) -> int:
    """Like open_here: a file descriptor, which the caller must close."""
    flags = _FLAGS[mode] | _NO_FOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if _HAS_DIR_FD:
        folder = _open_folder(path.parent)
        try:
            descriptor = _open(path, flags, folder)
        finally:
            os.close(folder)
    else:
        _refuse_link(path.parent)
        _refuse_link(path)
        descriptor = _open(path, flags, None)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise LinkRefused(f"{path} is not an ordinary file: nothing is written there")
        if state.st_nlink > 1:
            raise _refusal(path)
        if mode == "wb":
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_link(path: Path) -> bool:
    """Whether the path is a symbolic link, a junction, or one of several names of a file.

    False if there is nothing.
    """
    try:
        state = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(state.st_mode):
        return True
    if sys.platform == "win32" and state.st_reparse_tag & _NAME_SURROGATE:
        return True
    return stat.S_ISREG(state.st_mode) and state.st_nlink > 1


def _open_folder(folder: Path) -> int:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        _refuse_link(folder)
        raise


def _open(path: Path, flags: int, folder: int | None) -> int:
    try:
        if sys.platform == "win32":
            return open_shared(path, flags)
        if folder is None:
            return os.open(path, flags, 0o600)
        return os.open(path.name, flags, 0o600, dir_fd=folder)
    except OSError as error:
        _refuse_link(path)
        error.filename = str(path)
        raise


def _refuse_link(path: Path) -> None:
    if is_link(path):
        raise _refusal(path)


def _refusal(path: Path) -> LinkRefused:
    return LinkRefused(
        f"{path} is a link or has a second name: nothing is written or deleted through it; "
        "replace it by a copy of the file or folder"
    )


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
