"""Screen capture: time for one frame of 640x480 of an X server, resized to 128x128.

python -m benchmarks.realtime.screen_capture

The peer is mss with the same resize and colour conversion, which does not follow a window.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from benchmarks.common import publish
from configs.devices import CameraConfig
from interfaces.core.clock import RealClock
from interfaces.devices.camera import crop_and_resize
from interfaces.devices.video_source import open_video

SIZE, FRAMES, RUNS = 128, 300, 5


def main() -> None:
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x720x24"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    try:
        rows = _measure()
    finally:
        server.terminate()
        server.wait()
    title = f"Capture 640x480 from Xvfb and resize to {SIZE}x{SIZE}"
    publish("realtime/screen_capture", title, rows)


def _measure() -> list[dict[str, object]]:
    import mss
    from Xlib import display

    cv2.setNumThreads(1)
    x = display.Display()
    window = x.screen().root.create_window(100, 50, 640, 480, 0, x.screen().root_depth)
    window.set_wm_name("VRChat")
    window.set_wm_class("vrchat.exe", "vrchat.exe")
    window.map()
    pixels = np.random.default_rng(0).integers(0, 255, (480, 640, 4), np.uint8)
    for row in range(480):  # noise cannot be compressed
        gc = window.create_gc()
        window.put_image(gc, 0, row, 640, 1, 2, x.screen().root_depth, 0, pixels[row].tobytes())
    x.sync()
    rows = list[dict[str, object]]()
    for source in ("screen:100,50,640x480", "window:VRChat"):
        video = open_video(source, CameraConfig(source=source), RealClock())

        def frame(video: Any = video) -> None:
            shot = video.read()
            assert shot is not None
            cv2.cvtColor(crop_and_resize(shot.picture, SIZE, SIZE), cv2.COLOR_BGRA2RGB)

        rows.append({"source": source, **_times(frame), "limit ms": 6.0})
        video.close()
    with mss.MSS() as peer:
        region = {"left": 100, "top": 50, "width": 640, "height": 480}

        def mss_frame() -> None:
            picture = np.asarray(peer.grab(region))
            cv2.cvtColor(crop_and_resize(picture, SIZE, SIZE), cv2.COLOR_BGRA2RGB)

        rows.append({"source": "mss (peer)", **_times(mss_frame), "limit ms": ""})
    x.close()
    return rows


def _times(frame: Callable[[], None]) -> dict[str, float]:
    """p50 and p99 in milliseconds, as medians over the runs."""
    middles, tails = list[float](), list[float]()
    for _ in range(RUNS):
        times = list[float]()
        for _ in range(FRAMES):
            began = time.perf_counter()
            frame()
            times.append(1e3 * (time.perf_counter() - began))
        middles.append(statistics.median(times))
        tails.append(statistics.quantiles(times, n=100)[98])
    return {"ms p50": statistics.median(middles), "ms p99": statistics.median(tails)}


if __name__ == "__main__":
    main()
