"""Files mapped into memory: allocated in full, shared between processes, the same on Windows."""

import ctypes
import errno
import mmap
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAGE = 4096
_CHUNK = 1 << 20
_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, Linux 5.14


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


_LIBC = _libc()


def allocate(path: Path, size: int) -> None:
    """A file of `size` zero bytes whose disk blocks are really there.

    A sparse file would meet a full disk later, as a bus error in the middle of a beat. Raises
    OSError when the disk is full; nothing is left behind then.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            if not _reserve(file.fileno(), size):
                for written in range(0, size, _CHUNK):
                    file.write(bytes(min(_CHUNK, size - written)))
                file.flush()
                os.fsync(file.fileno())  # delayed allocation learns of a full disk only here
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _reserve(file: int, size: int) -> bool:
    """Whether the system gave the blocks; some file systems cannot. Raises OSError when full."""
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
    """The whole file as uint8; the mapping lives as long as any view of it.

    Raises OSError, and ValueError for an empty file.
    """
    with path.open("r+b" if write else "rb") as file:
        access = mmap.ACCESS_WRITE if write else mmap.ACCESS_READ
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=access), np.uint8)


def flush(path: Path, mapped: NDArray[np.uint8]) -> None:
    """Have the system write a mapped file to disk, and wait for it. Raises OSError.

    `mmap.flush` waits with the interpreter's lock held, and would stop every thread; fsync not.
    Windows writes mapped pages by `mmap.flush` alone.
    """
    if sys.platform != "win32":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return
    owner: Any = mapped.base
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if isinstance(owner, mmap.mmap):
        owner.flush()


def touch_pages(mapped: NDArray[np.uint8]) -> None:
    """Write-fault every page now, so that no later write has to. Changes nothing in them."""
    mapped[::_PAGE] |= 0


def address_of(mapped: NDArray[np.uint8]) -> int:
    return int(mapped.ctypes.data)


def make_writable(address: int, size: int) -> None:
    """Wait here, with the interpreter's lock released, for pages the system is writing to disk.

    Linux write-protects such pages, and the next write into them waits for the disk: done by
    Python, it would stop every thread. Elsewhere, and before Linux 5.14, this does nothing.
    """
    if _LIBC is not None:
        begin = address & -_PAGE
        length = ctypes.c_size_t(address + size - begin)
        _LIBC.madvise(ctypes.c_void_p(begin), length, _POPULATE_WRITE)
