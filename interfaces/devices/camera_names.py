"""The names of the connected cameras, by the index that opens them."""

import importlib
import sys
from pathlib import Path

import cv2

# DirectShow on Windows, because MSMF takes many seconds to open a camera.
BACKEND = cv2.CAP_DSHOW if sys.platform == "win32" else cv2.CAP_ANY
_LINUX = Path("/sys/class/video4linux")


def camera_names(linux: Path = _LINUX) -> dict[int, str] | None:
    """Map the index of each camera to its name; None where the system gives no names."""
    if sys.platform.startswith("linux"):
        entries = sorted(linux.glob("video*"), key=lambda each: int(each.name[5:]))
        # A webcam has a second entry, for its metadata, with index 1.
        return {
            int(each.name[5:]): _read_name(each / "name")
            for each in entries
            if _read_name(each / "index") == "0"
        }
    try:
        enumerated = importlib.import_module("cv2_enumerate_cameras").enumerate_cameras(BACKEND)
    except ImportError:
        return None
    return {int(each.index): str(each.name) for each in enumerated}


def _read_name(path: Path) -> str:
    """The text. Linux cuts a name after 31 bytes, also within a character."""
    return path.read_bytes().decode("utf-8", "replace").strip("\0 \t\r\n")


def index_of(wanted: str, names: dict[int, str]) -> int:
    """The index of the camera whose name equals `wanted`, or else contains it. Case is ignored.

    Raises LookupError with a message for the user when no camera or several cameras match.
    """
    key = wanted.casefold()
    exact = [index for index, name in names.items() if name.casefold() == key]
    matching = exact or [index for index, name in names.items() if key in name.casefold()]
    if len(matching) == 1:
        return matching[0]
    listed = "; ".join(f"{index} {name}" for index, name in names.items()) or "none is connected"
    count = f"{len(matching)} cameras are" if matching else "no camera is"
    raise LookupError(f"{count} called {wanted} (there are: {listed})")
