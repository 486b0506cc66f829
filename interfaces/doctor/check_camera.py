"""Check the configured camera: whether pictures arrive, how often, and how old they are."""

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from configs.devices import CameraConfig
from configs.errors import BadInput
from configs.plugin_reference import camera_plugin
from configs.schema import Config
from interfaces.core.clock import RealClock
from interfaces.devices.camera import Camera
from interfaces.devices.file_video import FileFrames
from interfaces.devices.video_source import check_video, silence_opencv, source_kind
from interfaces.devices.video_types import Frame, NoVideo
from interfaces.doctor.camera_snapshots import other_cameras, save
from interfaces.doctor.findings import Finding, ok, problem, warning

FIRST_S, WATCH_S = 6.0, 1.5


@dataclass(frozen=True)
class CameraSample:
    """What the camera delivered in `seconds`.

    `frames` counts new pictures; `ages_s` is the age of the newest one at each poll; `picture` is
    the last one, None if there was none.
    """

    frames: int = 0
    seconds: float = 0.0
    ages_s: list[float] = field(default_factory=list[float])
    picture: Frame | None = None


def camera_findings(config: Config, pictures: Path | None) -> list[Finding]:
    """The configured camera first, then the others; with `pictures` one picture of each."""
    camera = config.world.camera
    if camera.source == "auto":
        findings = [ok("camera", "auto: the stand-in's own picture, available during a run")]
    else:
        findings = [configured_camera(config, pictures)]
    return findings + other_cameras(camera.source, pictures)


def configured_camera(config: Config, pictures: Path | None) -> Finding:
    """Sample the camera by the body's own camera code, at the size that the model gets."""
    camera = config.world.camera
    if camera_plugin(camera.source) is not None:  # only run, train and evaluate load plugin code
        text = f"{camera.source}: a plugin, which doctor does not load"
        return warning("camera", text, "python main.py run loads and checks it before it starts")
    try:
        check_video(camera.source)
    except BadInput as error:
        return problem("camera", str(error), "name another: world.camera.source=…")
    if reason := _why_unreadable(camera.source):
        return problem("camera", f"{camera.source}: {reason}", _remedy(camera.source))
    sample = sample_camera(camera)
    finding = camera_finding(config, sample)
    if pictures is None or sample.picture is None:
        return finding
    saved = save(sample.picture, pictures / "camera.png")
    return Finding("camera", finding.level, f"{finding.text}; see {saved}", finding.remedy)


def camera_finding(config: Config, sample: CameraSample) -> Finding:
    """Whether pictures arrive, are new, are not black, and come at least at the tick rate."""
    camera, hz = config.world.camera, config.tick.hz
    if sample.picture is None:
        text = f"{_source_name(camera.source)}: no picture within {FIRST_S:g} s"
        return problem("camera", text, _remedy(camera.source))
    fps, age_ms = sample.frames / sample.seconds, 1000.0 * statistics.median(sample.ages_s)
    text = f"{_source_name(camera.source)}: {fps:.1f} frames/s, {age_ms:.0f} ms old"
    if age_ms > 1000.0 * camera.stale_s:
        return problem("camera", f"{text}: the picture is frozen", _remedy(camera.source))
    if float(sample.picture.mean()) < config.world.situations.black_below:
        return warning("camera", f"{text}; the picture is black", _remedy(camera.source))
    if fps < hz:
        setting = f"tick.hz={max(1, int(fps))}"
        remedy = f"set a higher frame rate in the camera, or {setting}"
        return warning("camera", f"{text}: slower than the tick rate, {hz:g} Hz", remedy)
    return ok("camera", text)


def sample_camera(
    config: CameraConfig, first_s: float = FIRST_S, watch_s: float = WATCH_S
) -> CameraSample:
    """Wait up to `first_s` for the first picture, then watch for `watch_s`.

    Without a first picture the sample is empty.
    """
    clock = RealClock()
    camera = Camera(config.source, config, clock)
    try:
        deadline = clock.now() + first_s
        while (first := camera.newest()) is None:
            if clock.now() > deadline:
                return CameraSample()
            time.sleep(0.02)
        began, ages_s, newest = clock.now(), list[float](), first
        while clock.now() - began < watch_s:
            time.sleep(0.005)
            newest = camera.newest() or newest
            ages_s.append(clock.now() - newest.at_s)
        seconds = clock.now() - began
        return CameraSample(newest.number - first.number, seconds, ages_s, newest.picture)
    finally:
        camera.close()


def _source_name(source: str | int) -> str:
    return f"device {source}" if isinstance(source, int) else source


def _why_unreadable(source: str | int) -> str:
    """Why a file shows no picture; "" for another source, and for a file that opens."""
    if source_kind(source) != "file":
        return ""
    silence_opencv()
    try:
        FileFrames(str(source)).close()
    except NoVideo as error:
        return str(error)
    return ""


def _remedy(source: str | int) -> str:
    kind = source_kind(source)
    if kind == "url":
        return "is its server running? the stand-in alone: python main.py standin"
    if kind in ("screen", "window"):
        return "open the window, and do not minimise it"
    if kind == "file":
        return "does a video player show it? name another: world.camera.source=…"
    return (
        "close other programs that use it; in OBS press Start Virtual Camera; --pictures DIR saves "
        "a picture of each camera, world.camera.source=NUMBER selects one"
    )
