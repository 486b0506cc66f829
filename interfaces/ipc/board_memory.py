"""The memory of a live Board: on Linux no program can cut it while processes map it.

A process that reads a mapped page beyond the end of a file gets SIGBUS and dies. A file in the run
folder can be cut by any program, and then every process of the run would die at the same time.
"""

import contextlib
import os
import sys
import weakref
from pathlib import Path

from interfaces.ipc.atomic_files import write_bytes

_DESCRIPTORS = "/proc/self/fd"
_FAMILY = "yume-board-"


class BoardMemory:
    """`size` zero bytes that the processes of one run share. Raises OSError.

    Linux: a memory file, sealed: its size cannot change. It exists as long as a process has it.
    Other systems: the file `name` in `folder`, which must be outside every run folder. Windows
    refuses to cut a mapped file.

    `path`: where this process and its children open it. `descriptors`: what the children inherit.
    """

    def __init__(self, name: str, size: int, folder: Path) -> None:
        self.name = _FAMILY + name
        self.descriptors: tuple[int, ...] = ()
        self._file: Path | None = None
        if (descriptor := _sealed_memory(self.name, size)) is not None:
            self.descriptors = (descriptor,)
            self.path = Path(_DESCRIPTORS, str(descriptor))
            weakref.finalize(self, os.close, descriptor)
        else:
            self.path = self._file = folder / self.name
            write_bytes(self._file, bytes(size))

    @property
    def location(self) -> str:
        """What `find_memory` needs to find it from another process."""
        return self.name if self._file is None else str(self._file)


def find_memory(location: str, pids: list[int]) -> Path | None:
    """A path at which this process can open the memory; None if it does not exist any more.

    `pids`: processes that may have it; they are searched first, then all processes of this user.
    """
    if os.sep in location:
        return path if (path := Path(location)).is_file() else None
    if sys.platform != "linux":
        return None
    others = (int(each) for each in os.listdir("/proc") if each.isdecimal())
    for pid in (*pids, *others):
        if (path := _descriptor_of(pid, f"/memfd:{location} (deleted)")) is not None:
            return path
    return None


def is_board_memory(path: Path) -> bool:
    """False for a descriptor that is not the memory of a Board, as in a child that got none."""
    if path.parent != Path(_DESCRIPTORS):
        return True
    try:
        return os.readlink(path).startswith(f"/memfd:{_FAMILY}")
    except OSError:
        return False


def is_board_file(path: Path) -> bool:
    """Whether this is a file that a BoardMemory made."""
    return path.is_absolute() and path.name.startswith(_FAMILY) and path.is_file()


def _descriptor_of(pid: int, link: str) -> Path | None:
    folder = Path("/proc", str(pid), "fd")
    try:
        names = os.listdir(folder)
    except OSError:  # ended, or of another user
        return None
    for name in names:
        with contextlib.suppress(OSError):  # closed meanwhile
            if os.readlink(folder / name) == link:
                return folder / name
    return None


def _sealed_memory(name: str, size: int) -> int | None:
    """A descriptor of zeroed memory with a fixed size. None if the system has no such memory."""
    if sys.platform != "linux":
        return None
    import fcntl

    try:
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError:  # a container may forbid it
        return None
    try:
        os.posix_fallocate(descriptor, 0, size)  # now: later, missing memory would be a SIGBUS
        fixed = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fixed)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
