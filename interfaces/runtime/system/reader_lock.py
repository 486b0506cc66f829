"""Shared and exclusive locks of a folder that write nothing in it, also on a read-only disk.

POSIX: `flock` of the folder itself, any number of readers. Windows: one of eight bytes far behind
the end of config.yaml for each reader, because a folder cannot be locked there.
"""

import contextlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _WINDOWS_READERS = 8
    _BEHIND_THE_END = 1 << 30  # a locked byte cannot be read or written by others: none is there

    @contextmanager
    def folder_lock(folder: Path, *, exclusive: bool) -> Generator[bool]:
        """Lock for the duration of the block; yields False if another lock stands in the way.

        Raises OSError where the folder cannot be locked at all.
        """
        descriptor = os.open(folder / "config.yaml", os.O_RDONLY | os.O_BINARY)
        held: list[int] = []
        try:
            for place in range(_BEHIND_THE_END, _BEHIND_THE_END + _WINDOWS_READERS):
                os.lseek(descriptor, place, os.SEEK_SET)
                with contextlib.suppress(OSError):  # taken
                    msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                    held.append(place)
                if len(held) == 1 and not exclusive:
                    break
            yield len(held) == (_WINDOWS_READERS if exclusive else 1)
        finally:
            for place in held:
                os.lseek(descriptor, place, os.SEEK_SET)
                msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
            os.close(descriptor)

else:
    import fcntl

    @contextmanager
    def folder_lock(folder: Path, *, exclusive: bool) -> Generator[bool]:
        """Lock for the duration of the block; yields False if another lock stands in the way.

        Raises OSError where the folder cannot be locked at all.
        """
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                free = True
            except BlockingIOError:
                free = False
            yield free
        finally:
            os.close(descriptor)  # also ends the lock
