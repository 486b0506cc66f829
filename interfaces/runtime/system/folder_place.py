"""Whether a folder can hold a run on Windows: its names, its length, and its drive."""

import ctypes
import re
import sys
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

# Names of devices, also with an ending: `nul.txt` is the null device.
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE
)
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_LONGEST = 259  # of a path on Windows without long paths
# The longest path inside a run: a checkpoint of a replay, with the ending of its temporary file.
_INSIDE = 90
_REMOTE = 4  # DRIVE_REMOTE


def folder_problem(folder: Path) -> str | None:
    """Why no run can be in this folder, and what to do; None if it can. `folder`: absolute."""
    if sys.platform != "win32":
        return None
    path = PureWindowsPath(folder)
    return (
        name_problem(path.parts[1:])
        or length_problem(str(path), long_paths=_has_long_paths())
        or drive_problem(path, _drive_type(path.anchor))
    )


def name_problem(names: Sequence[str]) -> str | None:
    """Names that Windows gives to devices, or cannot store."""
    for name in names:
        if _DEVICES.fullmatch(name):
            return f'"{name}" is the name of a device on Windows: choose another name'
        if letter := _FORBIDDEN.search(name):
            return f'"{name}" holds {letter.group()!r}, which Windows does not allow in a name'
        if name.endswith((" ", ".")):
            return f'"{name}" ends with a space or a dot, which Windows drops: choose another name'
    return None


def length_problem(path: str, *, long_paths: bool) -> str | None:
    """A folder whose files would have paths of more than 259 letters."""
    allowed = _LONGEST - _INSIDE
    if long_paths or len(path) <= allowed:
        return None
    return (
        f"the path has {len(path)} letters, and at most {allowed} leave room for the files of a "
        "run: choose a shorter one, or turn on long paths in Windows"
    )


def drive_problem(path: PureWindowsPath, drive_type: int) -> str | None:
    """A drive of another computer: there, mapped files are not shared between processes."""
    is_unc = path.drive.startswith("\\\\") and not path.drive.startswith(("\\\\?\\", "\\\\.\\"))
    if drive_type != _REMOTE and not is_unc:
        return None
    return (
        f"{path.anchor} is a network drive, where files mapped into memory are not safe: choose a "
        "folder on a disk of this computer"
    )


def _drive_type(anchor: str) -> int:
    assert sys.platform == "win32"
    return int(ctypes.WinDLL("kernel32").GetDriveTypeW(ctypes.c_wchar_p(anchor)))


def _has_long_paths() -> bool:
    assert sys.platform == "win32"
    import winreg

    key = r"SYSTEM\CurrentControlSet\Control\FileSystem"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
            return bool(winreg.QueryValueEx(opened, "LongPathsEnabled")[0])
    except OSError:
        return False
