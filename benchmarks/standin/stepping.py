"""Speed of the stand-in: lockstep steps per second in each place, and the live stand-in.

python -m benchmarks.standin.stepping [--runs 5] [--seconds 20]

Lockstep: each step has six substeps and one picture at 10 Hz, in one process on one core.
"simulator" is OSC in, OSC out and picture. "World" adds the avatar parameters and the action
encoder of the body. Rendering 14 plain boxes with the same renderer shows how fast the machine is
on that day.

Live: 128x128 at 30 frames per second with all of OSC, driven at 10 Hz by another process. The age
of a frame is the time from before it is drawn until the camera code of the body has it. A time
stamp in its pixels gives the start.
"""

import argparse
import math
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ROOT, publish
from configs.devices import CameraConfig
from configs.load import load_config
from interfaces.core.clock import RealClock
from interfaces.devices.camera import Camera
from interfaces.osc.message import decode, encode
from interfaces.standin.geometry.meshes import box
from interfaces.standin.geometry.solids import Solids
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.picture.renderer import Renderer
from interfaces.standin.picture.scene import View
from interfaces.standin.picture.time_stamp import read_time_stamp
from interfaces.standin.places.build import VERSIONS
from interfaces.standin.places.place import Place, separate_surfaces

STEPS = 400
SIZE = 128  # width and height of the live picture; the default
DEAD_TIME_S, TICK_S = 0.033, 1 / 60


def _world(place: str, size: int) -> LockstepStandin:
    overrides = [f"world.standin.place={place}"]
    overrides += [f"world.{part}={size}" for part in ("camera.width", "camera.height")]
    overrides += [f"world.standin.{part}={size}" for part in ("width", "height")]
    return LockstepStandin(load_config(Path("default"), overrides), 0)


def steps_per_s(place: str, size: int) -> float:
    """Steps per second of a new World, after its first picture. Actions are drawn in advance."""
    world = _world(place, size)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (STEPS, world.spaces.num_actions)).astype(np.float32)
    world.observe()
    began = time.perf_counter()
    for action in actions:
        world.act(action)
        world.observe()
    took = time.perf_counter() - began
    world.close()
    return STEPS / took


def simulator_steps_per_s(place: str, size: int) -> float:
    """The same for the simulator alone: three axes as input, OSC output, one picture."""
    world = _world(place, size)
    rng = np.random.default_rng(0)
    messages = [
        [
            encode(f"/input/{name}", float(rng.uniform(-1, 1)))
            for name in ("Vertical", "Horizontal", "LookHorizontal")
        ]
        for _ in range(STEPS)
    ]
    world.observe()
    began = time.perf_counter()
    for datagrams in messages:
        world.core.step(6, datagrams)
        world.core.frame()
    took = time.perf_counter() - began
    world.close()
    return STEPS / took


def boxes_per_s(size: int) -> float:
    """Pictures per second of 14 plain boxes with a turning camera: the speed of this machine."""
    circle = [(math.cos(0.45 * i), math.sin(0.45 * i)) for i in range(14)]
    boxes = [box((5 * x, 5 * z, 0.0), (1, 1, 2), (0.5 + 0.4 * x, 0.6, 0.5)) for x, z in circle]
    place = Place("boxes", 1, Solids(8.0, ()), tuple(separate_surfaces("box", boxes)), 0)
    settings = load_config(Path("default"), []).world.standin
    renderer = Renderer(settings.model_copy(update={"width": size, "height": size}), place)
    renderer.render(View(0.0, 1.6, 0.0, 0.0, 0.0, (), 0.0, 12.0))
    began = time.perf_counter()
    for i in range(STEPS):
        renderer.render(View(0.0, 1.6, 0.0, 7.0 * i, 0.0, (), 0.0, 12.0))
    took = time.perf_counter() - began
    renderer.close()
    return STEPS / took


def live(seconds: float) -> dict[str, Any]:
    """One live stand-in: CPU, age of frames, and the OSC round trip."""
    osc_in, osc_out = _free(socket.SOCK_DGRAM), _free(socket.SOCK_DGRAM)
    http = _free(socket.SOCK_STREAM)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", osc_out))
    process = subprocess.Popen(
        [
            *(sys.executable, "main.py", "standin", "world.standin.timestamp=true"),
            *("--osc", f"{osc_in}:127.0.0.1:{osc_out}", "--http", str(http)),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{http}/camera.mjpg"
        _wait_for(http)
        standin = psutil.Process(process.pid)
        trips = _round_trips(receiver, osc_in, 60)
        before, began = sum(standin.cpu_times()[:2]), time.perf_counter()
        ages, frames = _ages_ms(url, seconds, osc_in)
        took = time.perf_counter() - began
        memory_mb = standin.memory_full_info().uss / 2**20
        core = (sum(standin.cpu_times()[:2]) - before) / took
    finally:
        process.terminate()
        process.wait(10)
        receiver.close()
    return {
        "CPU %": round(100 * core, 1),
        "fps": round(frames / took, 1),
        "frame age p50 ms": round(float(np.percentile(ages, 50)), 2),
        "frame age p99 ms": round(float(np.percentile(ages, 99)), 2),
        "OSC round trip p50 ms": round(1e3 * float(np.percentile(trips, 50)), 1),
        "OSC round trip p99 ms": round(1e3 * float(np.percentile(trips, 99)), 1),
        "OSC round trip limit ms": round(1e3 * (DEAD_TIME_S + TICK_S) + 10, 1),
        "memory MB": round(memory_mb, 1),
    }


def _round_trips(receiver: socket.socket, port: int, times: int) -> list[float]:
    """Seconds from an input to the velocity parameter that it changes."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.settimeout(2.0)
    trips: list[float] = []
    for i in range(times):
        time.sleep(0.05 + 0.013 * (i % 7))  # at different phases of its tick
        wanted = float(i % 2 == 0)
        began = time.perf_counter()
        sender.sendto(encode("/input/LookHorizontal", wanted), ("127.0.0.1", port))
        while True:
            address, (value,) = decode(receiver.recv(65536))[0]
            if address.endswith("/AngularY") and bool(value) == bool(wanted):
                break
        trips.append(time.perf_counter() - began)
    sender.close()
    return trips


def _ages_ms(url: str, seconds: float, port: int) -> tuple[list[float], int]:
    """Ages of the decoded frames in ms, from before the drawing, and the number of frames."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    camera = Camera(url, CameraConfig(width=SIZE, height=SIZE), RealClock())
    rng, ages = np.random.default_rng(0), list[float]()
    ends, sent_at, number = time.perf_counter() + seconds, 0.0, 0
    while (now := time.perf_counter()) < ends:
        if now - sent_at > 0.1:
            sent_at = now
            for name in ("Vertical", "Horizontal", "LookHorizontal"):
                datagram = encode(f"/input/{name}", float(rng.uniform(-1, 1)))
                sender.sendto(datagram, ("127.0.0.1", port))
        newest = camera.newest()
        if newest is not None and newest.number > number:
            number, now_ns = newest.number, time.perf_counter_ns()
            ages.append(1e-6 * (now_ns - read_time_stamp(newest.picture, now_ns)))
        time.sleep(0.0005)
    camera.close()
    sender.close()
    return ages[5:], len(ages)


def _wait_for(port: int) -> None:
    deadline = time.perf_counter() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.perf_counter() < deadline, f"no process listens on port {port}"
        time.sleep(0.1)


def _free(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _row(name: str, runs: int, measures: dict[str, Callable[[], float]]) -> dict[str, Any]:
    """Median and best of each measurement, in steps per second."""
    row: dict[str, Any] = {"place": name}
    for size in ("64x64", "128x128"):
        for column in (f"{size} simulator", f"{size} World"):
            speeds = [measures[column]() for _ in range(runs)] if column in measures else []
            row[column] = round(statistics.median(speeds)) if speeds else None
            row[f"{column} best"] = round(max(speeds)) if speeds else None
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    sizes = (64, 128)
    rows = [
        _row(
            "14 boxes, rendering only",
            options.runs,
            {f"{n}x{n} World": partial(boxes_per_s, n) for n in sizes},
        )
    ]
    for place, version in VERSIONS.items():
        measures = {f"{n}x{n} simulator": partial(simulator_steps_per_s, place, n) for n in sizes}
        measures |= {f"{n}x{n} World": partial(steps_per_s, place, n) for n in sizes}
        rows.append(_row(f"{place} v{version}", options.runs, measures))
    runs = [live(options.seconds) for _ in range(3)]
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    title = "Stand-in in lockstep: steps per second on one core"
    publish("standin/stepping", title, rows, live_median=median, live_runs=runs)
    print(f"live, room, 128x128 at 30 fps: {median}")


if __name__ == "__main__":
    main()
