"""Open a file of a run without waiting, and only if it is a regular file."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from configs.reading.shared_open import open_shared

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegularFile(OSError):
    """A folder, pipe, device or, for writing, a link stands where a file is expected."""


def open_regular(path: Path, *, write: bool = False) -> BinaryIO:
    """Open an existing file, unbuffered, for reading or for reading and writing.

    A pipe does not block. For writing, a link is refused: it may lead out of the run's folder. On
    Windows others may rename and delete the file meanwhile.
    Raises NotRegularFile, and other OSErrors.
    """
    if write and path.is_symlink():
        raise NotRegularFile(f"{path} is a link, and links are not written")
    flags = os.O_RDWR if write else os.O_RDONLY
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | (getattr(os, "O_NOFOLLOW", 0) if write else 0)
    try:
        descriptor = open_shared(path, flags)
    except (IsADirectoryError, PermissionError) as error:
        if path.is_dir():  # Windows and Linux say so with different errors
            raise NotRegularFile(f"{path} is a folder, not a file") from error
        raise
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for test, name in _KINDS if test(mode)), "a special file")
            raise NotRegularFile(f"{path} is {kind}, not a file")
        return os.fdopen(descriptor, "r+b" if write else "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def is_nearly(head: bytes, magic: bytes) -> bool:
    """Whether a file that begins with `head` was one with this magic number.

    That is so if at most one byte of the number differs, and for a file that a power cut left empty
    or full of zeros. Only such a file may be replaced, renamed or deleted.
    """
    begin = head[: len(magic)]
    if not any(head):
        return True
    return len(begin) == len(magic) and sum(a != b for a, b in zip(begin, magic, strict=True)) <= 1
