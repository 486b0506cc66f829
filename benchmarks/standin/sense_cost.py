"""What contacts and raycasts of the avatar cost in lockstep, and rays in the live stand-in.

python -m benchmarks.standin.sense_cost [--rounds 30] [--steps 40] [--seconds 20]

Lockstep, without a learner: steps of the World per second of CPU time, at 10 Hz with six substeps
and one picture of 128x128 each. All cases of a place take the same actions, a few steps each in
turn, so that a slower moment of the machine meets them alike. The cost is the share of the speed
without senses that is lost in the same round.

Live: CPU time of the stand-in's process, with rays and without, in turn. A program that moves the
avatar receives its datagrams.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ROOT, publish
from configs.load import load_config
from configs.standin import AVATAR_ID
from interfaces.osc.message import encode
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.places.build import VERSIONS

SIZE = 128  # width and height of the picture; the default
RAYS = [
    {"name": "YumeRayP", "count": 40, "hits": "players"},
    {"name": "YumeRayW", "count": 24, "hits": "world"},
]
NONE = "no senses"
# Name: whether it has the rays, and the number of contacts.
CASES = {
    NONE: (False, 0),
    "4 contacts": (False, 4),
    "8 contacts": (False, 8),
    "64 rays": (True, 0),
    "64 rays, 4 contacts": (True, 4),
}


def _ray_override() -> str:
    return "world.standin.avatars=" + json.dumps([{"id": AVATAR_ID, "rays": RAYS}])


def _world(place: str, rays: bool, contacts: int) -> LockstepStandin:
    overrides = [f"world.standin.place={place}"]
    overrides += [f"world.{part}={SIZE}" for part in ("camera.width", "camera.height")]
    overrides += [f"world.standin.{part}={SIZE}" for part in ("width", "height")]
    if rays:
        overrides.append(_ray_override())
    overrides.append(f"world.contacts.mode={'on' if contacts else 'off'}")
    if contacts:
        overrides.append(f"world.contacts.count={contacts}")
    return LockstepStandin(load_config(Path("default"), overrides), 0)


def lockstep(place: str, rounds: int, steps: int) -> dict[str, list[float]]:
    """Steps per CPU-second of each case in each round."""
    worlds = {case: _world(place, *parts) for case, parts in CASES.items()}
    speeds: dict[str, list[float]] = {case: [] for case in CASES}
    rng, order = np.random.default_rng(0), list(CASES)
    for round_number in range(rounds + 1):  # the first one is a warm-up
        actions = rng.uniform(-1, 1, (steps, worlds[NONE].spaces.num_actions)).astype(np.float32)
        order = order[1:] + order[:1]
        for case in order:
            world, began = worlds[case], time.process_time()
            for action in actions:
                world.observe()
                world.act(action)
            took = time.process_time() - began
            if round_number:
                speeds[case].append(steps / took)
    for world in worlds.values():
        world.close()
    return speeds


def lost_percent(speeds: dict[str, list[float]], case: str) -> list[float]:
    """Of each round, the share of the speed without senses that is lost."""
    pairs = zip(speeds[case], speeds[NONE], strict=True)
    return [100.0 * (1.0 - speed / without) for speed, without in pairs]


def live_cpu_percent(place: str, rays: bool, seconds: float) -> float:
    """CPU of a live stand-in, in percent of one core, while its avatar moves."""
    ports = [_free(socket.SOCK_DGRAM), _free(socket.SOCK_DGRAM), _free(socket.SOCK_STREAM)]
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", ports[1]))
    overrides = [f"world.standin.place={place}", *([_ray_override()] if rays else [])]
    osc = f"{ports[0]}:127.0.0.1:{ports[1]}"
    process = subprocess.Popen(
        [sys.executable, "main.py", "standin", *overrides, "--osc", osc, "--http", str(ports[2])],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    stop = threading.Event()
    mover = threading.Thread(target=_move, args=(ports[0], stop))
    try:
        receiver.settimeout(60)
        receiver.recv(65536)  # the first datagram: it runs
        mover.start()
        standin = psutil.Process(process.pid)
        time.sleep(1.0)
        before, began = sum(standin.cpu_times()[:2]), time.perf_counter()
        time.sleep(seconds)
        used = sum(standin.cpu_times()[:2]) - before
        return 100.0 * used / (time.perf_counter() - began)
    finally:
        stop.set()
        process.terminate()
        process.wait(60)
        receiver.close()


def _move(port: int, stop: threading.Event) -> None:
    rng = np.random.default_rng(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while not stop.wait(0.1):
            for name in ("Vertical", "Horizontal", "LookHorizontal"):
                message = encode(f"/input/{name}", float(rng.uniform(-1, 1)))
                sender.sendto(message, ("127.0.0.1", port))


def _free(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    rounds: dict[str, dict[str, list[float]]] = {}
    for place, version in VERSIONS.items():
        name = f"{place} v{version}"
        speeds = lockstep(place, options.rounds, options.steps)
        rounds[name] = {case: [round(each, 1) for each in speeds[case]] for case in CASES}
        row: dict[str, Any] = {"place": name, NONE: round(statistics.median(speeds[NONE]))}
        for case in list(CASES)[1:]:
            row[f"{case}, % lost"] = round(statistics.median(lost_percent(speeds, case)), 1)
        rows.append(row)
    live: dict[str, list[float]] = {"without": [], "64 rays": []}
    for _ in range(3 if options.seconds else 0):
        for case, values in live.items():
            values.append(round(live_cpu_percent("room", case != "without", options.seconds), 1))
    publish(
        "standin/sense_cost",
        "Senses of the stand-in's avatar: steps per CPU-second, and what is lost",
        rows,
        rounds=rounds,
        steps_per_round=options.steps,
        live_cpu_percent=live,
        live_seconds=options.seconds,
    )
    print(f"live, room, CPU % of one core: {live}")


if __name__ == "__main__":
    main()
