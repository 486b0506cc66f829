"""Opens a file so that, on Windows, other programs may rename and delete it meanwhile.

Otherwise each reader of a run would hold up its writer. A file that is just being replaced, or that
a scanner holds, cannot be opened for a moment: then it is tried again.
"""

import ctypes
import os
import sys
import time
from pathlib import Path

from configs.reading.busy_files import is_held

if sys.platform == "win32":
    import msvcrt

LIMIT_S = 0.5
_PAUSE_S = 0.01
# Of CreateFileW.
_GENERIC_READ, _GENERIC_WRITE = 0x80000000, 0x40000000
_SHARE_ALL = 0x7  # others may read, write, rename and delete it
_OPEN_EXISTING, _OPEN_ALWAYS, _NORMAL_ATTRIBUTES = 3, 4, 0x80
_NO_HANDLE = ctypes.c_void_p(-1).value


def open_shared(path: Path, flags: int, limit_s: float = LIMIT_S) -> int:
    """As os.open, without O_TRUNC and O_EXCL: a file descriptor. Raises OSError, ValueError."""
    if sys.platform != "win32":
        return os.open(path, flags)
    deadline = time.perf_counter() + limit_s
    while True:
        try:
            return _create_file(path, flags)
        except PermissionError as error:
            if not is_held(error) or time.perf_counter() >= deadline or path.is_dir():
                raise
        time.sleep(_PAUSE_S)


def _create_file(path: Path, flags: int) -> int:
    assert sys.platform == "win32"
    if "\0" in str(path):
        raise ValueError("embedded null character")
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.CreateFileW.restype = ctypes.c_void_p
    kernel.CreateFileW.argtypes = (
        *(ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p),
        *(ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p),
    )
    access = 0 if flags & os.O_WRONLY else _GENERIC_READ
    access |= _GENERIC_WRITE if flags & (os.O_WRONLY | os.O_RDWR) else 0
    how = _OPEN_ALWAYS if flags & os.O_CREAT else _OPEN_EXISTING
    handle = kernel.CreateFileW(str(path), access, _SHARE_ALL, None, how, _NORMAL_ATTRIBUTES, None)
    if handle in (None, _NO_HANDLE):
        error = ctypes.WinError(ctypes.get_last_error())
        error.filename = str(path)
        raise error
    try:
        return msvcrt.open_osfhandle(handle, flags)
    except OSError:
        kernel.CloseHandle(ctypes.c_void_p(handle))
        raise
