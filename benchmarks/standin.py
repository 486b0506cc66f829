"""The stand-in: lockstep steps a second in each place; what the live one costs, when it answers.

python -m benchmarks.standin [--runs 5] [--seconds 20]

Lockstep: six substeps and a picture a step at 10 Hz, in one process on one core; alone (OSC in, OSC
out, picture) and as a World, with the body's senses and hands around it. Fourteen boxes, drawn and
read back by the same renderer with nothing else, are the machine's measure on that day.
Live: 128x128 at 30 pictures a second with all of OSC, driven at 10 Hz by another process. The age
of a picture is from before it was drawn to when the body's camera code holds it, by the stamp in
its pixels.
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
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.picture.meshes import box
from interfaces.standin.picture.renderer import Renderer
from interfaces.standin.picture.scene import View
from interfaces.standin.picture.time_stamp import read_stamp
from interfaces.standin.places.build import VERSIONS
from interfaces.standin.places.place import Place, apart
from interfaces.standin.places.solids import Solids

STEPS = 400
SIZE = 128  # of the live picture: the default
DEAD_TIME_S, TICK_S = 0.033, 1 / 60


def _world(place: str, size: int) -> LockstepStandin:
    overrides = [f"world.standin.place={place}"]
    overrides += [f"world.{part}={size}" for part in ("camera.width", "camera.height")]
    overrides += [f"world.standin.{part}={size}" for part in ("width", "height")]
    return LockstepStandin(load_config(Path("default"), overrides), 0)


def steps_per_s(place: str, size: int) -> float:
    """Of a fresh world, after its first picture; the actions are drawn beforehand."""
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


def alone_per_s(place: str, size: int) -> float:
    """The same without the body: three axes in, whatever comes out, a picture."""
    world = _world(place, size)
    rng = np.random.default_rng(0)
    told = [
        [
            encode(f"/input/{name}", float(rng.uniform(-1, 1)))
            for name in ("Vertical", "Horizontal", "LookHorizontal")
        ]
        for _ in range(STEPS)
    ]
    world.observe()
    began = time.perf_counter()
    for datagrams in told:
        world.core.step(6, datagrams)
        world.core.frame()
    took = time.perf_counter() - began
    world.close()
    return STEPS / took


def boxes_per_s(size: int) -> float:
    """Pictures of fourteen plain boxes while the eye turns: what this machine can do today."""
    circle = [(math.cos(0.45 * i), math.sin(0.45 * i)) for i in range(14)]
    boxes = [box((5 * x, 5 * z, 0.0), (1, 1, 2), (0.5 + 0.4 * x, 0.6, 0.5)) for x, z in circle]
    place = Place("boxes", 1, Solids(8.0, ()), tuple(apart("box", boxes)), 0)
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
    """One live stand-in: share of a core, age of pictures, and the round trip of OSC."""
    osc_in, osc_out = _free(socket.SOCK_DGRAM), _free(socket.SOCK_DGRAM)
    http = _free(socket.SOCK_STREAM)
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", osc_out))
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
        costs = psutil.Process(process.pid)
        trips = _round_trips(ear, osc_in, 60)
        before, began = sum(costs.cpu_times()[:2]), time.perf_counter()
        ages, frames = _ages_ms(url, seconds, osc_in)
        took = time.perf_counter() - began
        memory_mb = costs.memory_full_info().uss / 2**20
        core = (sum(costs.cpu_times()[:2]) - before) / took
    finally:
        process.terminate()
        process.wait(10)
        ear.close()
    return {
        "core %": round(100 * core, 1),
        "fps": round(frames / took, 1),
        "age p50 ms": round(float(np.percentile(ages, 50)), 2),
        "age p99 ms": round(float(np.percentile(ages, 99)), 2),
        "osc p50 ms": round(1e3 * float(np.percentile(trips, 50)), 1),
        "osc p99 ms": round(1e3 * float(np.percentile(trips, 99)), 1),
        "osc promised ms": round(1e3 * (DEAD_TIME_S + TICK_S) + 10, 1),
        "USS MB": round(memory_mb, 1),
    }


def _round_trips(ear: socket.socket, port: int, times: int) -> list[float]:
    """Seconds from an input to the velocity parameter that it changed."""
    mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.settimeout(2.0)
    trips: list[float] = []
    for i in range(times):
        time.sleep(0.05 + 0.013 * (i % 7))  # at any phase of its tick
        wanted = float(i % 2 == 0)
        began = time.perf_counter()
        mouth.sendto(encode("/input/LookHorizontal", wanted), ("127.0.0.1", port))
        while True:
            address, (value,) = decode(ear.recv(65536))[0]
            if address.endswith("/AngularY") and bool(value) == bool(wanted):
                break
        trips.append(time.perf_counter() - began)
    mouth.close()
    return trips


def _ages_ms(url: str, seconds: float, port: int) -> tuple[list[float], int]:
    """From before a picture was drawn to when the body's own camera code holds it, decoded."""
    mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    camera = Camera(url, CameraConfig(width=SIZE, height=SIZE), RealClock())
    rng, ages = np.random.default_rng(0), list[float]()
    ends, spoken, number = time.perf_counter() + seconds, 0.0, 0
    while (now := time.perf_counter()) < ends:
        if now - spoken > 0.1:
            spoken = now
            for name in ("Vertical", "Horizontal", "LookHorizontal"):
                datagram = encode(f"/input/{name}", float(rng.uniform(-1, 1)))
                mouth.sendto(datagram, ("127.0.0.1", port))
        newest = camera.newest()
        if newest is not None and newest.number > number:
            number, now_ns = newest.number, time.perf_counter_ns()
            ages.append(1e-6 * (now_ns - read_stamp(newest.picture, now_ns)))
        time.sleep(0.0005)
    camera.close()
    mouth.close()
    return ages[5:], len(ages)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens on {port}"
        time.sleep(0.1)


def _free(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _row(name: str, runs: int, measures: dict[str, Callable[[], float]]) -> dict[str, Any]:
    """Median (best) of each measure, in steps a second."""
    row: dict[str, Any] = {"steps a second": name}
    for size in ("64x64", "128x128"):
        for column in (f"{size} alone", size):
            speeds = [measures[column]() for _ in range(runs)] if column in measures else []
            row[column] = round(statistics.median(speeds)) if speeds else None
            row[f"{column} best"] = round(max(speeds)) if speeds else None
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    asked = parser.parse_args()
    sizes = (64, 128)
    rows = [
        _row("fourteen boxes", asked.runs, {f"{n}x{n}": partial(boxes_per_s, n) for n in sizes})
    ]
    for place, version in VERSIONS.items():
        measures = {f"{n}x{n} alone": partial(alone_per_s, place, n) for n in sizes}
        measures |= {f"{n}x{n}": partial(steps_per_s, place, n) for n in sizes}
        rows.append(_row(f"{place} v{version}", asked.runs, measures))
    lives = [live(asked.seconds) for _ in range(3)]
    middle = {name: statistics.median(each[name] for each in lives) for name in lives[0]}
    publish("standin", "stand-in, lockstep", rows, live=middle, lives=lives)
    print(f"live, room, 128x128 at 30 fps: {middle}")


if __name__ == "__main__":
    main()
