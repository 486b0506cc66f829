"""The other cameras, and one picture of each."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from interfaces.devices.camera_names import BACKEND, camera_names
from interfaces.devices.video_source import silence_opencv
from interfaces.devices.video_types import Frame
from interfaces.doctor.findings import Check, Finding, examine, ok, warning

DEVICE_S = 4.0
UNNAMED = 4  # number of indices to try where the system gives no names
_MIN_SIDE = 384  # pixels of the longer side of a saved picture: the model's own is very small


def other_cameras(configured: str | int, pictures: Path | None) -> list[Finding]:
    """The names of all cameras, and a finding for each one but the configured one.

    Cameras are opened only if `pictures` is given: opening one turns its lamp on.
    """
    names = camera_names()
    if names is None:
        listed = ok("cameras", "the system gives no names; --pictures DIR saves a picture of each")
        names = dict.fromkeys(range(UNNAMED), "")
    else:
        named = "; ".join(f"{index} {name}" for index, name in names.items())
        listed = ok("cameras", named or "none is connected")
    if pictures is None:
        return [listed]
    checks = [
        Check("camera", f"camera {index}", partial(_snapshot, index, name, pictures))
        for index, name in names.items()
        if index != configured
    ]
    return [listed, *(each for findings in examine(checks, DEVICE_S) for each in findings)]


def _snapshot(index: int, name: str, pictures: Path) -> list[Finding]:
    """Save one picture. A camera without a name and a picture may not exist: no finding."""
    silence_opencv()
    capture = cv2.VideoCapture(index, BACKEND)
    try:
        done, picture = capture.read()
    finally:
        capture.release()
    label = f"camera {index}"
    if not done:
        remedy = "it may be off, or another program may use it"
        return [warning(label, f"{name}: no picture", remedy)] if name else []
    rows, columns = picture.shape[:2]
    saved = save(np.asarray(picture[..., ::-1], np.uint8), pictures / f"camera-{index}.png")
    return [ok(label, f"{name or 'a device'}, {columns}x{rows}; see {saved}")]


def save(rgb: Frame, path: Path) -> Path:
    """Write an RGB picture (H, W, 3) as PNG; a small one is enlarged by a whole factor.

    Raises OSError.
    """
    times = max(1, _MIN_SIDE // max(rgb.shape[:2]))
    large = rgb.repeat(times, axis=0).repeat(times, axis=1)
    done, png = cv2.imencode(".png", np.ascontiguousarray(large[..., ::-1]))
    if not done:
        raise RuntimeError(f"{path}: OpenCV cannot encode this PNG")
    path.write_bytes(png.tobytes())  # cv2.imwrite fails for Japanese paths on Windows
    return path
