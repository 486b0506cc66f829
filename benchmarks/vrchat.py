"""A life of kind vrchat against the stand-in, heard on its way: latency, loss, a flood.

python -m benchmarks.vrchat [--only latency|loss|flood] [--minutes 10]

This program stands between body and stand-in, as a tap: it takes what the body sends, notes when,
loses some of it where asked, and passes the rest on. Latency is from the frame in the body's hands
being grabbed (journal: time of observing less frame age) to the beat's first packet arriving here.
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

from benchmarks.common import ROOT, publish
from interfaces.ipc.board import Board
from interfaces.journal.reader import JournalReader
from interfaces.osc.message import decode, encode

FLOOD_PER_S = 2000
_SEED = 0


class Tap:
    """Forwards to `target` what comes to `port`, or loses it. `first_ns`: of each beat's packets,
    the first. `apart` has, for each packet, until when from when an input was not as intended."""

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
        self.apart_s: list[float] = []  # each time an input was not as intended, for how long
        self._intended: dict[str, float] = {}
        self._real: dict[str, float] = {}
        self._since_s: dict[str, float] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._thread.join()
        now = time.perf_counter()
        self.apart_s += [now - since for since in self._since_s.values()]
        self._in.close()
        self._out.close()

    def _forward(self) -> None:
        while not self._closed:
            try:
                datagram = self._in.recv(4096)
            except TimeoutError:
                continue
            self.arrived_ns.append(time.perf_counter_ns())
            came = self._random.random() >= self._loss
            if came:
                self._out.sendto(datagram, self._target)
            else:
                self.lost += 1
            for address, arguments in decode(datagram):
                self._compare(address, arguments, came)

    def _compare(self, address: str, arguments: Sequence[object], came: bool) -> None:
        if not address.startswith("/input/"):
            return
        now, value = time.perf_counter(), float(str(arguments[0]))
        self._intended[address] = value
        if came:
            self._real[address] = value
        if self._real.get(address, 0.0) == value:
            since = self._since_s.pop(address, None)
            if since is not None:
                self.apart_s.append(now - since)
        else:
            self._since_s.setdefault(address, now)


class Life:
    """A stand-in, a tap and a run between them, in a folder of its own."""

    def __init__(self, folder: Path, hz: float, loss: float = 0.0) -> None:
        osc_in, self.ear = _free(socket.SOCK_DGRAM), _free(socket.SOCK_DGRAM)
        http = _free(socket.SOCK_STREAM)
        self.run, self.hz = folder / "run", hz
        self.tap = Tap(osc_in, loss)
        self.standin = subprocess.Popen(
            [
                *(sys.executable, "main.py", "standin", "--no-oscquery", "--http", str(http)),
                *("--osc", f"{osc_in}:127.0.0.1:{self.ear}", "world.standin.fps=30"),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        words = [
            *("world.kind=vrchat", f"world.camera.source=http://127.0.0.1:{http}/camera.mjpg"),
            *(f"world.osc.send_port={self.tap.port}", f"world.osc.receive_port={self.ear}"),
            f"beat.hz={hz:g}",
        ]
        self.process = subprocess.Popen(
            [*(sys.executable, "main.py", "run", "default", *words), "--out", str(self.run)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self._wait_for_beats()

    def beats(self) -> int:
        try:
            return int(Board(self.run / "board.mmap")["ticks"])
        except (OSError, ValueError):
            return 0

    def close(self) -> dict[str, Any]:
        """Its summary."""
        self.process.terminate()
        self.process.wait(30)
        self.tap.close()
        self.standin.terminate()
        self.standin.wait(10)
        return json.loads((self.run / "summary.json").read_text(encoding="utf-8"))

    def _wait_for_beats(self) -> None:
        deadline = time.perf_counter() + 60
        while self.beats() < 5:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"no beats; see {self.run}/logs")
            time.sleep(0.05)


def latency(seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), 20.0)
        time.sleep(seconds)
        summary = life.close()
        reader = JournalReader(life.run / "journal")
        reader.refresh()
        steps = reader.read(reader.first, reader.end - reader.first)
        arrived = np.sort(np.array(life.tap.arrived_ns))
        observed = steps["monotonic_ns"]
        grabbed = observed - (1e9 * steps["frame_age_s"]).astype(np.int64)
        first = np.searchsorted(arrived, observed)
        within = first < len(arrived)
        took = 1e-6 * (arrived[first[within]] - grabbed[within])
        took = took[took < 1e3 / life.hz * 10]  # the last beats, ended before they sent
    return {
        "beats": len(took),
        "p50 ms": round(float(np.percentile(took, 50)), 1),
        "p99 ms": round(float(np.percentile(took, 99)), 1),
        "max ms": round(float(took.max()), 1),
        "frame age p50 ms": summary["frame_age_ms"]["p50"],
        "missed": summary["missed_beats"],
    }


def loss(minutes: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), 10.0, loss=0.1)
        before = life.beats()
        time.sleep(60.0 * minutes)
        beats = life.beats() - before
        life.close()
        apart = np.array(life.tap.apart_s)
    return {
        "minutes": minutes,
        "beats": beats,
        "packets": len(life.tap.arrived_ns),
        "lost %": round(100.0 * life.tap.lost / len(life.tap.arrived_ns), 2),
        "longest apart s": round(float(apart.max(initial=0.0)), 3),
        "beats over 0.2 s": int((apart > 0.2).sum()),
        "within 0.2 s %": round(100.0 * (1.0 - (apart > 0.2).sum() / beats), 3),
    }


def flood(seconds: float, flooded: bool) -> dict[str, Any]:
    """One life, with or without the flood."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), 20.0)
        sent = _flood(life.ear, seconds) if flooded else time.sleep(seconds) or 0
        summary = life.close()
    late = summary["lateness_ms"]
    return {
        "life": "flood" if flooded else "quiet",
        "messages/s": round(sent / seconds),
        "received": summary["osc"]["received"],
        "late p50 ms": late["p50"],
        "late p99 ms": late["p99"],
        "late max ms": late["max"],
        "missed": summary["missed_beats"],
    }


def _flood(port: int, seconds: float) -> int:
    """Three parameters a PhysBone, as an avatar full of them tells; how many messages it was."""
    mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    messages = [
        encode(f"/avatar/parameters/Bone{i}_{what}", 0.01 * i)
        for i in range(11)
        for what in ("Angle", "Stretch", "Squish")
    ]
    sent, began = 0, time.perf_counter()
    while (now := time.perf_counter() - began) < seconds:
        while sent < now * FLOOD_PER_S:
            mouth.sendto(messages[sent % len(messages)], ("127.0.0.1", port))
            sent += 1
        time.sleep(0.01)  # a frame of a fast client
    mouth.close()
    return sent


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["latency", "loss", "flood"], default="")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the loss")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each other life")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    if asked.only in ("", "latency"):
        rows = [latency(asked.seconds) for _ in range(asked.runs)]
        publish("vrchat-latency", "Frame grabbed to OSC packet, 30 fps, 20 Hz", rows)
    if asked.only in ("", "flood"):
        rows = [
            flood(asked.seconds, flooded) for _ in range(asked.runs) for flooded in (False, True)
        ]
        publish("vrchat-flood", f"{FLOOD_PER_S} OSC messages a second, 20 Hz", rows)
    if asked.only in ("", "loss"):
        publish("vrchat-loss", "A tenth of all packets lost, 10 Hz", [loss(asked.minutes)])


if __name__ == "__main__":
    main()
