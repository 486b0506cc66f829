"""A run of kind vrchat against the stand-in: latency, packet loss, and a flood of messages.

python -m benchmarks.realtime.vrchat_latency [--only latency|loss|flood|rays] [--minutes 10]

This program forwards the packets from body to stand-in, records their times, and can drop some of
them. Latency is the time from the capture of the frame to the first packet of its tick. The capture
time is the observation time in the journal minus the frame age.

`rays`: 64 raycasts of an avatar, which change in every frame at 60 Hz. Ratio and distance of each
ray are a message of their own, so a frame is a burst of 128 messages.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ROOT, publish
from interfaces.journal.reader import JournalReader
from interfaces.osc.message import decode, encode
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder

FLOOD_PER_S = 2000
RAYS, RAY_HZ = 64, 60
RAY_LOADS = {  # Name: whether the body observes the rays, and whether they are sent.
    "no rays": (False, False),
    "64 rays, not observed": (False, True),
    "64 rays, observed": (True, True),
}
_SEED = 0


class Tap:
    """Forwards the packets of `port` to `target`, and drops a share `loss` of them."""

    def __init__(self, target: int, loss: float) -> None:
        self._in = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._in.bind(("127.0.0.1", 0))
        self._in.settimeout(0.2)
        self.port = int(self._in.getsockname()[1])
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._target, self._loss = ("127.0.0.1", target), loss
        self._random = random.Random(_SEED)
        self.arrived_ns: list[int] = []
        self.lost = 0
        self.mismatches_s: list[float] = []  # how long an input differed from the intended one
        self._intended: dict[str, float] = {}
        self._received: dict[str, float] = {}
        self._mismatch_since_s: dict[str, float] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._thread.join()
        now = time.perf_counter()
        self.mismatches_s += [now - since for since in self._mismatch_since_s.values()]
        self._in.close()
        self._out.close()

    def _forward(self) -> None:
        while not self._closed:
            try:
                datagram = self._in.recv(4096)
            except TimeoutError:
                continue
            self.arrived_ns.append(time.perf_counter_ns())
            delivered = self._random.random() >= self._loss
            if delivered:
                self._out.sendto(datagram, self._target)
            else:
                self.lost += 1
            for address, arguments in decode(datagram):
                self._compare(address, arguments, delivered)

    def _compare(self, address: str, arguments: Sequence[object], delivered: bool) -> None:
        if not address.startswith("/input/"):
            return
        now, value = time.perf_counter(), float(str(arguments[0]))
        self._intended[address] = value
        if delivered:
            self._received[address] = value
        if self._received.get(address, 0.0) == value:
            since = self._mismatch_since_s.pop(address, None)
            if since is not None:
                self.mismatches_s.append(now - since)
        else:
            self._mismatch_since_s.setdefault(address, now)


class TappedRun:
    """A run of kind vrchat in its own folder, connected to a stand-in through a tap."""

    def __init__(
        self, folder: Path, hz: float, loss: float = 0.0, overrides: Sequence[str] = ()
    ) -> None:
        osc_in, self.receive_port = _free(socket.SOCK_DGRAM), _free(socket.SOCK_DGRAM)
        http = _free(socket.SOCK_STREAM)
        self.folder, self.hz = folder / "run", hz
        self.tap = Tap(osc_in, loss)
        self.standin = subprocess.Popen(
            [
                *(sys.executable, "main.py", "standin", "--no-oscquery", "--http", str(http)),
                *("--osc", f"{osc_in}:127.0.0.1:{self.receive_port}", "world.standin.fps=30"),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        words = [
            *("world.kind=vrchat", f"world.camera.source=http://127.0.0.1:{http}/camera.mjpg"),
            *(
                f"world.osc.send_port={self.tap.port}",
                f"world.osc.receive_port={self.receive_port}",
            ),
            f"tick.hz={hz:g}",
            *overrides,
        ]
        self.process = subprocess.Popen(
            [*(sys.executable, "main.py", "run", "default", *words), "--out", str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self._wait_for_ticks()

    def ticks(self) -> int:
        try:
            return int(open_board(RunFolder(self.folder))["ticks"])
        except (OSError, ValueError):
            return 0

    def close(self) -> dict[str, Any]:
        """Ends the run and returns its summary.json."""
        self.process.terminate()
        self.process.wait(30)
        self.tap.close()
        self.standin.terminate()
        self.standin.wait(10)
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))

    def _wait_for_ticks(self) -> None:
        deadline = time.perf_counter() + 60
        while self.ticks() < 5:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"no ticks; see {self.folder}/logs")
            time.sleep(0.05)


def latency(seconds: float) -> dict[str, Any]:
    """Latency from captured frame to OSC packet, at 20 Hz."""
    with tempfile.TemporaryDirectory() as folder:
        run = TappedRun(Path(folder), 20.0)
        time.sleep(seconds)
        summary = run.close()
        reader = JournalReader(run.folder / "journal")
        reader.refresh()
        steps = reader.read(reader.first, reader.end - reader.first)
        arrived = np.sort(np.array(run.tap.arrived_ns))
        observed = steps["monotonic_ns"]
        grabbed = observed - (1e9 * steps["frame_age_s"]).astype(np.int64)
        first = np.searchsorted(arrived, observed)
        within = first < len(arrived)
        took = 1e-6 * (arrived[first[within]] - grabbed[within])
        took = took[took < 1e3 / run.hz * 10]  # without the last ticks, which sent no packet
    return {
        "ticks": len(took),
        "p50 ms": round(float(np.percentile(took, 50)), 1),
        "p99 ms": round(float(np.percentile(took, 99)), 1),
        "max ms": round(float(took.max()), 1),
        "frame age p50 ms": summary["frame_age_ms"]["p50"],
        "missed ticks": summary["missed_beats"],
    }


def loss(minutes: float) -> dict[str, Any]:
    """How long inputs differ from the intended ones with 10 % packet loss, at 10 Hz."""
    with tempfile.TemporaryDirectory() as folder:
        run = TappedRun(Path(folder), 10.0, loss=0.1)
        before = run.ticks()
        time.sleep(60.0 * minutes)
        ticks = run.ticks() - before
        run.close()
        mismatches = np.array(run.tap.mismatches_s)
    return {
        "minutes": minutes,
        "ticks": ticks,
        "packets": len(run.tap.arrived_ns),
        "packets lost %": round(100.0 * run.tap.lost / len(run.tap.arrived_ns), 2),
        "longest mismatch s": round(float(mismatches.max(initial=0.0)), 3),
        "mismatches over 0.2 s": int((mismatches > 0.2).sum()),
        "ticks without a long mismatch %": round(
            100.0 * (1.0 - (mismatches > 0.2).sum() / ticks), 3
        ),
    }


def flood(seconds: float, flooded: bool) -> dict[str, Any]:
    """One run at 20 Hz, with or without the flood."""
    with tempfile.TemporaryDirectory() as folder:
        run = TappedRun(Path(folder), 20.0)
        sent = _flood(run.receive_port, seconds) if flooded else time.sleep(seconds) or 0
        summary = run.close()
    return {
        "load": f"{FLOOD_PER_S} messages/s" if flooded else "normal",
        **_load_and_lateness(sent / seconds, summary),
    }


def _flood(port: int, seconds: float) -> int:
    """Sends three parameters of each PhysBone of an avatar; returns the number of messages."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    messages = [
        encode(f"/avatar/parameters/Bone{i}_{what}", 0.01 * i)
        for i in range(11)
        for what in ("Angle", "Stretch", "Squish")
    ]
    sent, began = 0, time.perf_counter()
    while (now := time.perf_counter() - began) < seconds:
        while sent < now * FLOOD_PER_S:
            sender.sendto(messages[sent % len(messages)], ("127.0.0.1", port))
            sent += 1
        time.sleep(0.01)  # a frame of a fast client
    sender.close()
    return sent


def ray_flood(seconds: float, load: str) -> dict[str, Any]:
    """One run at 20 Hz beside the messages of 64 rays."""
    observed, sent_at_all = RAY_LOADS[load]
    with tempfile.TemporaryDirectory() as folder:
        mode = f"world.rays.mode={'on' if observed else 'off'}"
        run = TappedRun(Path(folder), 20.0, overrides=[mode])
        body = psutil.Process(_body_pid(run.folder))
        cpu_before, began = sum(body.cpu_times()[:2]), time.perf_counter()
        sent = _send_rays(run.receive_port, seconds) if sent_at_all else time.sleep(seconds) or 0
        cpu = (sum(body.cpu_times()[:2]) - cpu_before) / (time.perf_counter() - began)
        summary = run.close()
    return {
        "load": load,
        **_load_and_lateness(sent / seconds, summary),
        "body CPU %": round(100.0 * cpu, 1),
    }


def _load_and_lateness(messages_per_s: float, summary: dict[str, Any]) -> dict[str, Any]:
    """The columns that all floods have."""
    late = summary["lateness_ms"]
    return {
        "messages/s": round(messages_per_s),
        "received": summary["osc"]["received"],
        "lateness p50 ms": late["p50"],
        "lateness p99 ms": late["p99"],
        "lateness max ms": late["max"],
        "missed ticks": summary["missed_beats"],
    }


def _body_pid(run: Path) -> int:
    return int(json.loads((run / "processes.json").read_text(encoding="utf-8"))["body"])


def _send_rays(port: int, seconds: float) -> int:
    """Sends ratio and distance of every ray in each frame; returns the number of messages."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names = [f"YumeRayP{i}" for i in range(40)] + [f"YumeRayW{i}" for i in range(RAYS - 40)]
    # A few frames that differ, encoded beforehand: encoding would cost more than sending.
    frames = [
        [
            encode(f"/avatar/parameters/{name}_{what}", 0.1 + 0.05 * frame + 0.001 * i)
            for i, name in enumerate(names)
            for what in ("Ratio", "Distance")
        ]
        for frame in range(16)
    ]
    sent, began = 0, time.perf_counter()
    for frame in range(round(seconds * RAY_HZ)):
        time.sleep(max(0.0, frame / RAY_HZ - (time.perf_counter() - began)))
        for message in frames[frame % len(frames)]:
            sender.sendto(message, ("127.0.0.1", port))
        sent += len(frames[0])
    sender.close()
    return sent


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["latency", "loss", "flood", "rays"], default="")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the packet-loss run")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each other run")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if options.only in ("", "latency"):
        rows = [latency(options.seconds) for _ in range(options.runs)]
        title = "Latency from captured frame to OSC packet, 30 fps, 20 Hz"
        publish("realtime/vrchat_latency", title, rows)
    if options.only in ("", "flood"):
        rows = [
            flood(options.seconds, flooded)
            for _ in range(options.runs)
            for flooded in (False, True)
        ]
        title = f"Lateness under {FLOOD_PER_S} OSC messages per second, 20 Hz"
        publish("realtime/vrchat_flood", title, rows)
    if options.only in ("", "rays"):
        rows = [ray_flood(options.seconds, load) for _ in range(options.runs) for load in RAY_LOADS]
        publish("realtime/ray_flood", "Lateness beside the messages of 64 rays, 20 Hz", rows)
    if options.only in ("", "loss"):
        title = "Input state with 10 % packet loss, 10 Hz"
        publish("realtime/vrchat_loss", title, [loss(options.minutes)])


if __name__ == "__main__":
    main()
