"""Files mapped into memory: fully allocated, shared between processes, also on Windows."""

import ctypes
import errno
import mmap
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.reading.busy_files import replace_file
from interfaces.ipc.no_links import open_here
from interfaces.ipc.regular_file import open_regular

_PAGE = 4096
_CHUNK = 1 << 20
_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, Linux 5.14


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


_LIBC = _libc()
if sys.platform == "win32":
    _KERNEL32 = ctypes.WinDLL("kernel32", use_last_error=True)


def allocate(path: Path, size: int) -> None:
    """Create a file of `size` zero bytes with all its disk blocks allocated.

    With a sparse file a full disk would appear later, as a bus error in the middle of a tick.
    Raises OSError when the disk is full; then no file remains.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open_here(temporary, "wb") as file:
            if not _reserve(file.fileno(), size):
                for written in range(0, size, _CHUNK):
                    file.write(bytes(min(_CHUNK, size - written)))
                file.flush()
                os.fsync(file.fileno())  # with delayed allocation a full disk shows only here
        replace_file(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _reserve(file: int, size: int) -> bool:
    """Reserve the blocks. False if the file system cannot. Raises OSError when the disk is full."""
    if not hasattr(os, "posix_fallocate"):
        return False
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return False
        raise
    return True


def map_bytes(path: Path, *, write: bool) -> NDArray[np.uint8]:
    """Map the whole file as uint8. The mapping stays valid as long as any view of it exists.

    Raises LinkRefused for a link that would be written. Raises OSError, also for what is not a
    regular file, and ValueError for an empty file.
    """
    with open_here(path, "r+b") if write else open_regular(path, write=False) as file:
        access = mmap.ACCESS_WRITE if write else mmap.ACCESS_READ
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=access), np.uint8)


def flush(path: Path, mapped: NDArray[np.uint8]) -> None:
    """Write a mapped file to disk and wait until it is there. Raises OSError.

    The interpreter lock is released meanwhile. `mmap.flush` holds it, and would stop every thread.
    """
    if sys.platform == "win32":  # first the mapped pages, which fsync does not write there
        address = ctypes.c_void_p(address_of(mapped))
        if not _KERNEL32.FlushViewOfFile(address, ctypes.c_size_t(mapped.size)):
            raise ctypes.WinError(ctypes.get_last_error())
    with open_regular(path, write=sys.platform == "win32") as file:
        os.fsync(file.fileno())


def file_identity(path: Path) -> tuple[int, int, int] | None:
    """Two files have different ones, and so has a file that was cut. None without a file."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino, state.st_size


def touch_pages(mapped: NDArray[np.uint8]) -> None:
    """Cause the write fault of every page now, not in a later write. The content is unchanged."""
    mapped[::_PAGE] |= 0


def address_of(mapped: NDArray[np.uint8]) -> int:
    """The address in memory of a mapped array."""
    return int(mapped.ctypes.data)


def make_writable(address: int, size: int) -> None:
    """Wait for pages that the system is writing to disk, with the interpreter lock released.

    Linux write-protects such pages, and the next write into them waits for the disk. A write from
    Python would stop every thread meanwhile. On other systems and before Linux 5.14 this does
    nothing.
    """
    if _LIBC is not None:
        begin = address & -_PAGE
        length = ctypes.c_size_t(address + size - begin)
        _LIBC.madvise(ctypes.c_void_p(begin), length, _POPULATE_WRITE)
