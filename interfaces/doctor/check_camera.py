"""The configured camera: whether pictures come, how often, and how old they are."""

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from configs.devices import CameraConfig
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import RealClock
from interfaces.devices.camera import Camera
from interfaces.devices.video_source import Frame, check_video, kind_of
from interfaces.doctor.camera_snapshots import other_cameras, save
from interfaces.doctor.findings import Finding, ok, problem, warning

FIRST_S, WATCH_S = 6.0, 1.5


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
        found = [configured_camera(config, pictures)]
    return found + other_cameras(camera.source, pictures)


def configured_camera(config: Config, pictures: Path | None) -> Finding:
    """Watched through the body's own camera code, as large as the model sees it."""
    camera = config.world.camera
    try:
        check_video(camera.source)
    except BadInput as error:
        return problem("camera", str(error), "name another: world.camera.source=…")
    seen = watch(camera)
    finding = camera_finding(config, seen)
    if pictures is None or seen.picture is None:
        return finding
    saved = save(seen.picture, pictures / "camera.png")
    return Finding("camera", finding.level, f"{finding.text}; see {saved}", finding.remedy)


def camera_finding(config: Config, seen: Seen) -> Finding:
    """Whether the pictures come, are new, show something, and come as often as the beat."""
    camera, hz = config.world.camera, config.beat.hz
    if seen.picture is None:
        text = f"{_named(camera.source)}: no picture within {FIRST_S:g} s"
        return problem("camera", text, _cure(camera.source))
    fps, age_ms = seen.frames / seen.seconds, 1000.0 * statistics.median(seen.ages_s)
    text = f"{_named(camera.source)}: {fps:.1f} frames/s, {age_ms:.0f} ms old"
    if age_ms > 1000.0 * camera.stale_s:
        return problem("camera", f"{text}: it stands still", _cure(camera.source))
    if float(seen.picture.mean()) < config.world.situations.black_below:
        return warning("camera", f"{text}; the picture is black", _cure(camera.source))
    if fps < hz:
        cure = f"set the camera's own rate higher, or beat.hz={max(1, int(fps))}"
        return warning("camera", f"{text}: slower than the beat, {hz:g} Hz", cure)
    return ok("camera", text)


def watch(camera: CameraConfig, first_s: float = FIRST_S, watch_s: float = WATCH_S) -> Seen:
    """Waits for the first picture, then counts; empty if none comes within `first_s`."""
    clock = RealClock()
    eye = Camera(camera.source, camera, clock)
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


def _named(source: str | int) -> str:
    return f"device {source}" if isinstance(source, int) else source


def _cure(source: str | int) -> str:
    kind = kind_of(source)
    if kind == "url":
        return "is its server running? the stand-in alone: python main.py standin"
    if kind in ("screen", "window"):
        return "is the window there, and not minimised?"
    if kind == "file":
        return "does a player show it? name another: world.camera.source=…"
    return (
        "close what else uses it; for OBS press Start Virtual Camera; --pictures DIR shows what "
        "each camera sees, world.camera.source=NUMBER takes one"
    )
