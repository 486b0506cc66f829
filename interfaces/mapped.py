"""Files mapped into memory: allocated in full, shared between processes, the same on Windows."""

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAGE = 4096
_CHUNK = 1 << 20


def allocate(path: Path, size: int) -> None:
    """A file of `size` zero bytes whose disk blocks are really there.

    A sparse file would meet a full disk later, as a bus error in the middle of a beat. Raises
    OSError when the disk is full; nothing is left behind then.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                for written in range(0, size, _CHUNK):
                    file.write(bytes(min(_CHUNK, size - written)))
            file.flush()
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def map_bytes(path: Path, *, write: bool) -> NDArray[np.uint8]:
    """The whole file as uint8; the mapping lives as long as any view of it."""
    with path.open("r+b" if write else "rb") as file:
        access = mmap.ACCESS_WRITE if write else mmap.ACCESS_READ
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=access), np.uint8)


def flush(mapped: NDArray[np.uint8]) -> None:
    """Have the system write a mapping's pages to disk, and wait for it."""
    owner: Any = mapped.base
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if isinstance(owner, mmap.mmap):
        owner.flush()


def touch_pages(mapped: NDArray[np.uint8]) -> None:
    """Write-fault every page of a fresh file now, so that no later write has to."""
    mapped[::_PAGE] = 0
