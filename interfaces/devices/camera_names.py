"""Which cameras there are, by the index that opens them."""

import importlib
import sys
from pathlib import Path

import cv2

# A program that opens a camera on Windows does it this way: MSMF takes many seconds.
BACKEND = cv2.CAP_DSHOW if sys.platform == "win32" else cv2.CAP_ANY
_LINUX = Path("/sys/class/video4linux")


def camera_names(linux: Path = _LINUX) -> dict[int, str] | None:
    """Cameras by the index that opens them; None where nobody names them."""
    if sys.platform.startswith("linux"):
        found = sorted(linux.glob("video*"), key=lambda each: int(each.name[5:]))
        # A webcam has a second entry, for its metadata, with index 1.
        return {
            int(each.name[5:]): (each / "name").read_text(encoding="utf-8").strip()
            for each in found
            if (each / "index").read_text().strip() == "0"
        }
    try:
        enumerated = importlib.import_module("cv2_enumerate_cameras").enumerate_cameras(BACKEND)
    except ImportError:
        return None
    return {int(each.index): str(each.name) for each in enumerated}


def index_of(wanted: str, names: dict[int, str]) -> int:
    """The index of the camera whose name is, or else contains, `wanted`, in any case.

    Raises LookupError, with a line for people, where there is none or more than one.
    """
    key = wanted.casefold()
    exact = [index for index, name in names.items() if name.casefold() == key]
    found = exact or [index for index, name in names.items() if key in name.casefold()]
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{index} {name}" for index, name in names.items()) or "none is connected"
    count = f"{len(found)} cameras are" if found else "no camera is"
    raise LookupError(f"{count} called {wanted} (there are: {listed})")
