"""Skipped ticks while other programs flood the OSC port of a run, phase by phase with no flood.

python -m benchmarks.reliability.osc_floods [--rounds 3] [--seconds 5] [--rate 30000] [KIND …]
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import ROOT, publish
from benchmarks.realtime.fault_injection import free_port
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader
from interfaces.osc.message import encode

LIMIT_PERCENT = 1.0  # of ticks that may be skipped
_PAUSE_S = 0.002  # the sender sends a burst, then sleeps until the next one
_HEAD = b"#bundle\0" + bytes(8)
_WANTED = encode("/avatar/parameters/VelocityX", 0.5)
_UNWANTED = encode("/avatar/parameters/Bone_Angle", 0.5)
_ARRAY = b"/avatar/parameters/VelocityX\0\0\0\0,[f]\0\0\0\0" + struct.pack(">f", 0.5)


def _bundle(*elements: bytes) -> bytes:
    return _HEAD + b"".join(struct.pack(">i", len(each)) + each for each in elements)


def _largest(message: bytes) -> bytes:
    return _bundle(*[message] * ((64_000 - 16) // (len(message) + 4)))


def _nested(inner: bytes, levels: int) -> bytes:
    for _ in range(levels):
        inner = _bundle(inner)
    return inner


_SAME = {
    "single, wanted": _WANTED,
    "bundles of 10, unwanted": _bundle(*[_UNWANTED] * 10),
    "bundles of 10, wanted": _bundle(*[_WANTED] * 10),
    "bundles of 10, other addresses": _bundle(*[encode("/tracking/head/pose", 0.5)] * 10),
    "bundles of 5,300 messages": _largest(b"/a\0\0,\0\0\0"),
    "bundles of 1,400 wanted messages": _largest(_WANTED),
    "bundles of 1,300 arrays": _largest(_ARRAY),
    "bundles of 1,300 wanted, nested 8 times": _nested(_bundle(*[_WANTED] * 1300), 7),
}
_NUMBERS = (float("nan"), float("inf"), -3e38)
# By kind: the datagrams, which are sent in a circle.
KINDS: dict[str, Callable[[], list[bytes]]] = {
    "single, unwanted": lambda: [encode(f"/avatar/parameters/Bone{i}", 0.5) for i in range(1000)],
    **{name: lambda same=same: [same] for name, same in _SAME.items()},
    "/avatar/change": lambda: [encode("/avatar/change", f"avtr_{i}") for i in range(1000)],
    "NaN and infinite": lambda: [encode("/avatar/parameters/VelocityX", n) for n in _NUMBERS],
    "random bytes": lambda: [os.urandom(64) for _ in range(1000)],
}


def send(kind: str, port: int, rate: float) -> None:
    """Send datagrams of this kind until the input closes; print how many, and the CPU seconds.

    A sender that is too slow for the rate sends as many as it can.
    """
    datagrams, number = KINDS[kind](), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        os.set_blocking(sys.stdin.fileno(), False)
        first, began, cpu_s = time.perf_counter(), time.perf_counter(), time.process_time()
        while _input_is_open():
            due = int(rate * (time.perf_counter() - began)) - number
            if due > rate * 0.1:  # too slow: forget what is overdue
                began += (due - 1) / rate
                due = 1
            for _ in range(due):
                with contextlib.suppress(OSError):
                    out.send(datagrams[number % len(datagrams)])
                number += 1
            time.sleep(_PAUSE_S)
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - first
    print(json.dumps({"sent_per_s": number / wall_s, "sender_cpu": cpu_s / wall_s}))


def _input_is_open() -> bool:
    try:
        return os.read(sys.stdin.fileno(), 1) != b""
    except BlockingIOError:
        return True


class Sender:
    """A process that sends datagrams of one kind to `port` from its creation until `stop`."""

    def __init__(self, kind: str, port: int, rate: float) -> None:
        command = [sys.executable, "-m", __spec__.name, "--send", kind, "--port", str(port)]
        self._process = subprocess.Popen(
            [*command, "--rate", str(rate)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> dict[str, float]:
        """End it. Returns its datagrams and CPU seconds per second."""
        return json.loads(self._process.communicate(timeout=20)[0])


class FloodedRun:
    """A run in the stand-in, and what its journal and Board say about a span of time."""

    def __init__(self, folder: Path, preset: str) -> None:
        self._folder, self.port = folder, free_port(socket.SOCK_DGRAM)
        words = [preset, f"world.osc.receive_port={self.port}", "--seed", "0", "--quiet"]
        self._process = subprocess.Popen(
            [sys.executable, "main.py", "run", *words, "--out", str(folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.perf_counter() + 60.0
        while not (folder / "board.mmap").exists() or Board(folder / "board.mmap")["ticks"] < 50:
            if time.perf_counter() > deadline or self._process.poll() is not None:
                self.close()
                raise RuntimeError(f"the run did not start; see {folder}/logs")
            time.sleep(0.1)
        self._board, self._reader = Board(folder / "board.mmap"), JournalReader(folder / "journal")
        self._body = psutil.Process(int(self._board["body_pid"]))

    def measure(self, seconds: float) -> dict[str, Any]:
        """Ticks, skipped ticks, lateness and CPU of the next seconds."""
        self._reader.refresh()
        first, received, cpu_s = self._reader.end, int(self._board["osc_received"]), self._cpu_s()
        began = time.perf_counter()
        time.sleep(seconds)
        wall_s, cpu_s = time.perf_counter() - began, self._cpu_s() - cpu_s
        received = int(self._board["osc_received"]) - received
        time.sleep(0.3)  # the steps of the last ticks are written meanwhile
        self._reader.refresh()
        steps = self._reader.read(first, self._reader.end - first)
        return {
            "ticks": len(steps["skipped"]) + int(steps["skipped"].sum()),
            "skipped": int(steps["skipped"].sum()),
            "late_ms": (1e3 * steps["lateness_s"]).round(3).tolist(),
            "received": received,
            "body_cpu": cpu_s / wall_s,
            "wall_s": wall_s,
        }

    def close(self) -> None:
        """End the run and wait for it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def _cpu_s(self) -> float:
        times = self._body.cpu_times()
        return times.user + times.system


def row(kind: str, phases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The table row of all phases of one kind."""
    late = np.concatenate([phase["late_ms"] for phase in phases])
    ticks, skipped = (sum(phase[key] for phase in phases) for key in ("ticks", "skipped"))
    wall_s = sum(phase["wall_s"] for phase in phases)
    return {
        "flood": kind,
        "datagrams per s": round(float(np.mean([each["sent_per_s"] for each in phases]))),
        "received per s": round(sum(phase["received"] for phase in phases) / wall_s),
        "sender CPU %": round(100.0 * float(np.mean([each["sender_cpu"] for each in phases])), 1),
        "body CPU %": round(100.0 * float(np.mean([each["body_cpu"] for each in phases])), 1),
        "ticks": ticks,
        "skipped": skipped,
        "skipped %": round(100.0 * skipped / max(1, ticks), 2),
        "lateness p50 ms": round(float(np.median(late)), 2),
        "lateness p99 ms": round(float(np.quantile(late, 0.99)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="a part of its name")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=30_000.0)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        return send(options.send, options.port, options.rate)
    kinds = [each for each in KINDS if not options.kinds or any(w in each for w in options.kinds)]
    phases: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ("no flood", *kinds)}
    with tempfile.TemporaryDirectory() as folder:
        run = FloodedRun(Path(folder) / "run", options.preset)
        try:
            for _ in range(options.rounds):
                for kind in kinds:
                    quiet = run.measure(options.seconds)
                    phases["no flood"].append(quiet | {"sent_per_s": 0.0, "sender_cpu": 0.0})
                    sender = Sender(kind, run.port, options.rate)
                    time.sleep(1.0)  # until it sends
                    flooded = run.measure(options.seconds)
                    phases[kind].append(flooded | sender.stop())
        finally:
            run.close()
    rows = [row(kind, each) for kind, each in phases.items()]
    publish(
        "reliability/osc_floods",
        f"OSC floods of {options.rate:,.0f} datagrams per second: ticks of `run {options.preset}`",
        rows,
        limit_percent=LIMIT_PERCENT,
        rounds=options.rounds,
        seconds=options.seconds,
    )


if __name__ == "__main__":
    main()
