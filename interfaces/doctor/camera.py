"""The configured camera's rate and age, the other cameras, and a picture of what each sees."""

import importlib
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from configs.schema import Config
from configs.vrchat import CameraConfig
from interfaces.clock import RealClock
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.vrchat.camera import Camera, Frame

FIRST_S, WATCH_S = 6.0, 1.5
_SHOWN = 384  # pixels of the longer side of a saved picture, at least: the model's own is tiny
_LINUX = Path("/sys/class/video4linux")


@dataclass(frozen=True)
class Seen:
    """What the camera gave in `seconds`: frames, the newest one's age whenever asked, the last."""

    frames: int = 0
    seconds: float = 0.0
    ages_s: list[float] = field(default_factory=list[float])
    picture: Frame | None = None


def camera_findings(config: Config, pictures: Path | None) -> list[Finding]:
    """The configured camera first. The others are opened for pictures only: a lamp lights up."""
    camera = config.world.camera
    if camera.source == "auto":
        found = [ok("camera", "auto: the stand-in's own picture, there once a run lives")]
    else:
        found = [configured_camera(camera, config.beat.hz, pictures)]
    names = camera_names()
    if not names:
        return [*found, ok("cameras", "none is connected, as far as the system tells")]
    listed = "; ".join(f"{index} {name}" for index, name in names.items())
    found.append(ok("cameras", listed))
    if pictures is None:
        return found
    return found + [_device(i, name, pictures) for i, name in names.items() if i != camera.source]


def configured_camera(camera: CameraConfig, hz: float, pictures: Path | None) -> Finding:
    """Watched through the body's own camera code, as large as the model sees it."""
    if (path := _file(camera.source)) is not None and not path.is_file():
        return problem(
            "camera", f"{path}: there is no such file", "name another: world.camera.source=…"
        )
    seen = watch(camera)
    finding = camera_finding(camera, hz, seen)
    if pictures is None or seen.picture is None:
        return finding
    saved = _save(seen.picture, pictures / "camera.png")
    return Finding("camera", finding.level, f"{finding.text}; see {saved}", finding.remedy)


def camera_finding(camera: CameraConfig, hz: float, seen: Seen) -> Finding:
    if seen.picture is None:
        text = f"{camera.source}: no picture within {FIRST_S:g} s"
        return problem("camera", text, _cure(camera.source))
    fps, age_ms = seen.frames / seen.seconds, 1000.0 * statistics.median(seen.ages_s)
    text = f"{camera.source}: {fps:.1f} frames/s, {age_ms:.0f} ms old"
    if age_ms > 1000.0 * camera.stale_s:
        return problem("camera", f"{text}: it stands still", _cure(camera.source))
    if float(seen.picture.mean()) < 6.0:
        return warning("camera", f"{text}; the picture is black", _cure(camera.source))
    if fps < hz:
        cure = f"set the camera's own rate higher, or beat.hz={max(1, int(fps))}"
        return warning("camera", f"{text}: slower than the beat, {hz:g} Hz", cure)
    return ok("camera", text)


def watch(camera: CameraConfig, first_s: float = FIRST_S, watch_s: float = WATCH_S) -> Seen:
    """Waits for the first picture, then counts; empty if none comes within `first_s`."""
    _silence()
    clock = RealClock()
    eye = Camera(camera.source, camera.width, camera.height, clock)
    try:
        deadline = clock.now() + first_s
        while (first := eye.newest()) is None:
            if clock.now() > deadline:
                return Seen()
            time.sleep(0.02)
        began, ages_s, newest = clock.now(), list[float](), first
        while clock.now() - began < watch_s:
            time.sleep(0.005)
            newest = eye.newest() or newest
            ages_s.append(clock.now() - newest.at_s)
        seconds = clock.now() - began
        return Seen(newest.number - first.number, seconds, ages_s, newest.picture)
    finally:
        eye.close()


def camera_names(linux: Path = _LINUX) -> dict[int, str]:
    """Cameras by the index that opens them, as far as the system names them."""
    if sys.platform.startswith("linux"):
        found = sorted(linux.glob("video*"), key=lambda each: int(each.name[5:]))
        # A webcam has a second entry, for its metadata, with index 1.
        return {
            int(each.name[5:]): (each / "name").read_text(encoding="utf-8").strip()
            for each in found
            if (each / "index").read_text().strip() == "0"
        }
    try:
        enumerated = importlib.import_module("cv2_enumerate_cameras").enumerate_cameras(
            cv2.CAP_DSHOW if sys.platform == "win32" else cv2.CAP_ANY
        )
    except ImportError:
        return {}
    return {int(each.index): str(each.name) for each in enumerated}


def _device(index: int, name: str, pictures: Path) -> Finding:
    _silence()
    backend = cv2.CAP_DSHOW if sys.platform == "win32" else cv2.CAP_ANY
    capture = cv2.VideoCapture(index, backend)
    try:
        done, picture = capture.read()
    finally:
        capture.release()
    label = f"camera {index}"
    if not done:
        text = f"{name}: no picture"
        return warning(label, text, "it may be off, or another program may hold it")
    rows, columns = picture.shape[:2]
    saved = _save(np.asarray(picture[..., ::-1], np.uint8), pictures / f"camera-{index}.png")
    return ok(label, f"{name}, {columns}x{rows}; see {saved}")


def _save(rgb: Frame, path: Path) -> Path:
    """Small pictures are enlarged, pixel by pixel."""
    times = max(1, _SHOWN // max(rgb.shape[:2]))
    large = rgb.repeat(times, axis=0).repeat(times, axis=1)
    done, png = cv2.imencode(".png", np.ascontiguousarray(large[..., ::-1]))
    if not done:
        raise RuntimeError(f"{path}: OpenCV makes no PNG")
    path.write_bytes(png.tobytes())  # cv2.imwrite knows no Japanese path on Windows
    return path


def _file(source: str | int) -> Path | None:
    """The source as a file, if it can be nothing else: it has a folder, or a suffix."""
    if isinstance(source, int) or "://" in source or source.startswith(("screen", "window:")):
        return None
    path = Path(source)
    return path if path.suffix or path.parent != Path() else None


def _cure(source: str | int) -> str:
    if isinstance(source, str) and "://" in source:
        return "is its server running? the stand-in alone: python main.py standin"
    if isinstance(source, str) and source.startswith(("screen", "window:")):
        return "is the window there, and not minimised?"
    if _file(source) is not None:
        return "does a player show it? name another: world.camera.source=…"
    return (
        "close what else uses it; for OBS press Start Virtual Camera; --pictures DIR shows what "
        "each camera sees, world.camera.source=NUMBER takes one"
    )


def _silence() -> None:
    """What OpenCV complains of, a finding says better."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # read when a source is opened: quiet
