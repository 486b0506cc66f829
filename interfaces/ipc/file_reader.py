"""Reads parts of a file that another program may cut meanwhile.

A mapping of such a file ends the process with a bus error (SIGBUS) at its next access. Here a read
is only shorter.

The writer maps the file. A read sees what the mapping holds: both use the pages of the file in
memory. On Windows that holds for local disks, as SQLite relies on it too; runs on network drives
are refused.
"""

import os
import weakref
from io import FileIO
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from interfaces.ipc.regular_file import open_regular

_HAS_PREADV = hasattr(os, "preadv")  # not on Windows


class FileReader:
    """An open file of bytes; it is closed with the last reference to this object.

    One thread may use it. Raises OSError as open_regular does.
    """

    def __init__(self, path: Path) -> None:
        self._file = cast(FileIO, open_regular(path))  # it has no buffer
        weakref.finalize(self, self._file.close)

    @property
    def size(self) -> int:
        """Bytes of the file now."""
        return os.fstat(self._file.fileno()).st_size

    def read_into(self, place: int, target: NDArray[np.uint8]) -> int:
        """Fill `target` (N,) with the bytes from `place` on, and return how many there are.

        Fewer than N: the file ends there, or cannot be read further.
        """
        view, done = target.data, 0
        try:
            while done < len(view):
                if _HAS_PREADV:
                    count = os.preadv(self._file.fileno(), [view[done:]], place + done)
                else:
                    self._file.seek(place + done)
                    count = self._file.readinto(view[done:])
                if not count:
                    break
                done += count
        except OSError:
            pass
        return done
