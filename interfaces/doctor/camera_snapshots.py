"""The other cameras, and a picture of what each sees."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from interfaces.devices.camera_names import BACKEND, camera_names
from interfaces.devices.video_source import Frame, silence_opencv
from interfaces.doctor.findings import Check, Finding, examine, ok, warning

DEVICE_S = 4.0
UNNAMED = 4  # indices tried where there are no names
_SHOWN = 384  # pixels of the longer side of a saved picture, at least: the model's own is tiny


def other_cameras(but: str | int, pictures: Path | None) -> list[Finding]:
    """All by name. They are opened for `pictures` only: a lamp lights up. `but` is left closed."""
    names = camera_names()
    if names is None:
        listed = ok("cameras", "not named by the system; --pictures DIR shows what each sees")
        names = dict.fromkeys(range(UNNAMED), "")
    else:
        named = "; ".join(f"{index} {name}" for index, name in names.items())
        listed = ok("cameras", named or "none is connected")
    if pictures is None:
        return [listed]
    checks = [
        Check("camera", f"camera {index}", partial(_device, index, name, pictures))
        for index, name in names.items()
        if index != but
    ]
    return [listed, *(each for findings in examine(checks, DEVICE_S) for each in findings)]


def _device(index: int, name: str, pictures: Path) -> list[Finding]:
    """What it sees. One without a name may not be there at all: then nothing is said."""
    silence_opencv()
    capture = cv2.VideoCapture(index, BACKEND)
    try:
        done, picture = capture.read()
    finally:
        capture.release()
    label = f"camera {index}"
    if not done:
        cure = "it may be off, or another program may hold it"
        return [warning(label, f"{name}: no picture", cure)] if name else []
    rows, columns = picture.shape[:2]
    saved = save(np.asarray(picture[..., ::-1], np.uint8), pictures / f"camera-{index}.png")
    return [ok(label, f"{name or 'a device'}, {columns}x{rows}; see {saved}")]


def save(rgb: Frame, path: Path) -> Path:
    """A PNG; a small picture is enlarged, pixel by pixel. Raises OSError."""
    times = max(1, _SHOWN // max(rgb.shape[:2]))
    large = rgb.repeat(times, axis=0).repeat(times, axis=1)
    done, png = cv2.imencode(".png", np.ascontiguousarray(large[..., ::-1]))
    if not done:
        raise RuntimeError(f"{path}: OpenCV makes no PNG")
    path.write_bytes(png.tobytes())  # cv2.imwrite knows no Japanese path on Windows
    return path
