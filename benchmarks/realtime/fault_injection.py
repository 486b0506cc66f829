"""Faults on request: a live run, a client that receives its inputs, and causes that end or hang it.

`benchmarks.realtime.input_release` measures the release of the inputs after each cause, and
`tests/e2e/test_rest.py` tests it.
"""

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from benchmarks.common import ROOT
from benchmarks.processes import INTERRUPTIBLE, interrupt, kill, resume, suspend
from interfaces.osc.message import decode
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import leftover_processes

HZ = 10.0
DEAD_MS, HUNG_MS = 200.0, 1e3 * 2.5 / HZ + 200.0  # limits after the end and after a hang
# A program like main.py whose policy fails as soon as a file FAIL exists in the run folder.
FAULTY_PROGRAM = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
import main
from interfaces.cli import live_command
live_command.MAIN = Path(__file__).resolve()
if "_body" in sys.argv:
    from agent.acting.brain import Brain
    step, fail = Brain.step, Path(sys.argv[-1]) / "FAIL"
    def faulty(self, *args, **kwargs):
        if fail.exists():
            fail.unlink()
            raise RuntimeError("the policy fails on request")
        return step(self, *args, **kwargs)
    Brain.step = faulty
main.app()
"""


class Camera(Protocol):
    """A video stream that can be stopped and restarted at the same `url`."""

    url: str

    def stop(self) -> None: ...

    def restart(self) -> None: ...


class Client:
    """Receives OSC like VRChat: the newest value of each input, and when all became 0."""

    def __init__(self) -> None:
        self._udp = self._bound(0)
        self.port = self._udp.getsockname()[1]
        self.values: dict[str, float] = {}
        self.released_at: float | None = None  # None while an input is not 0
        self._gap_s = 0.0
        self._reopened = threading.Event()
        self.first_values: dict[str, float] = {}  # of each input, since the port reopened
        self._first_at = math.inf
        self._closed = False
        threading.Thread(target=self._receive, daemon=True).start()

    def close(self) -> None:
        self._closed = True

    def forget(self) -> None:
        """Forget all values, so that only those received from now on count."""
        self.values, self.first_values = {}, {}

    def first_after_gap_ms(self, gap_s: float, listen_s: float) -> float:
        """Closes the port for `gap_s`; returns the time from its reopening to the first packet.

        The result is infinite if the first value of any input, received within `listen_s`, is
        not 0.
        """
        self._reopened.clear()
        self._gap_s = gap_s
        self._reopened.wait()
        reopened_at = time.perf_counter()
        time.sleep(listen_s)
        return math.inf if any(self.first_values.values()) else 1e3 * (self._first_at - reopened_at)

    @staticmethod
    def _bound(port: int) -> socket.socket:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", port))
        udp.settimeout(0.2)
        return udp

    def _receive(self) -> None:
        while not self._closed:
            if self._gap_s:
                self._udp.close()
                time.sleep(self._gap_s)
                self._gap_s, self.first_values, self._first_at = 0.0, {}, math.inf
                self._udp = self._bound(self.port)
                self._reopened.set()
            try:
                datagram = self._udp.recv(4096)
            except TimeoutError:
                continue
            self._first_at = min(self._first_at, time.perf_counter())
            for address, arguments in decode(datagram):
                if address.startswith("/input/"):
                    self.values[address] = float(str(arguments[0]))
                    self.first_values.setdefault(address, self.values[address])
            if any(self.values.values()):
                self.released_at = None
            elif self.released_at is None:
                self.released_at = time.perf_counter()
        self._udp.close()


class LiveRun:
    """A live run of kind vrchat in `folder`/run, with `camera` as its source and `client`.

    `settings`: KEY=VALUE words for its configuration.
    """

    def __init__(self, folder: Path, camera: Camera, settings: Sequence[str] = ()) -> None:
        self.folder, self.client, self.camera = folder / "run", Client(), camera
        main = folder / "faulty_main.py"
        main.write_text(FAULTY_PROGRAM, encoding="utf-8")
        words = [
            *("world.kind=vrchat", f"world.camera.source={camera.url}"),
            *(f"world.osc.send_port={self.client.port}", f"tick.hz={HZ}"),
            f"world.osc.receive_port={free_port(socket.SOCK_DGRAM)}",
            *("trainer.prefill=100000", "world.situations.menu=[]"),  # this client never answers
            *settings,
        ]
        self.process = subprocess.Popen(
            [sys.executable, str(main), "run", "tiny", *words, "--out", str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            **INTERRUPTIBLE,
        )
        self.wait_for_motion()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def pid(self, name: str) -> int:
        text = (self.folder / "processes.json").read_text(encoding="utf-8")
        return int(json.loads(text)[name])

    def wait_for_motion(self) -> None:
        """Waits for half a second in which some input is always pressed."""
        deadline, moving = time.perf_counter() + 60.0, 0
        while moving < 50:
            time.sleep(0.01)
            moving = moving + 1 if any(self.client.values.values()) else 0
            if time.perf_counter() > deadline:
                raise RuntimeError(f"no motion; see {self.folder}/logs")

    def release_ms(self, inject: Callable[["LiveRun"], object], stable_s: float) -> float:
        """Time from the fault until all inputs are released for `stable_s`.

        The result is infinite if that does not happen within five seconds.
        """
        began = time.perf_counter()
        inject(self)
        while time.perf_counter() - began < 5.0:
            released = self.client.released_at
            if (
                released is not None
                and released >= began
                and time.perf_counter() - released > stable_s
            ):
                return 1e3 * (released - began)
            time.sleep(0.01)
        return float("inf")

    def close(self) -> None:
        with contextlib.suppress(psutil.Error, OSError):
            for name in ("supervisor", "body", "guard", "trainer"):
                resume(self.pid(name))
        if self.alive:
            interrupt(self.process)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        # The children end soon after a killed supervisor. Only then may the folder be deleted.
        deadline = time.perf_counter() + 5.0
        while self.leftover and time.perf_counter() < deadline:
            time.sleep(0.05)
        self.client.close()

    @property
    def leftover(self) -> dict[str, int]:
        """The processes of the run that still exist, by name."""
        return leftover_processes(RunFolder(self.folder))


def _write_stop_file(run: LiveRun) -> None:
    (run.folder / "STOP").write_text("", encoding="utf-8")


def _pause(run: LiveRun) -> None:
    open_board(RunFolder(run.folder))["paused"] = 1


RunAction = Callable[[LiveRun], object]


@dataclass(frozen=True)
class Cause:
    """A fault: `inject` causes it, and `recover` lets the run continue.

    Without `recover` each trial needs a new run. `trials_per_run` limits the restarts of one
    process, because the supervisor gives up after many. The inputs must stay released for
    `stable_s`. It is short where a process ends by itself, since the supervisor restarts it within
    a second.
    """

    name: str
    limit_ms: float
    inject: RunAction
    recover: RunAction | None = None
    stable_s: float = 1.0
    trials_per_run: int = 1_000

    def trial_ms(self, run: LiveRun, stable_s: float | None = None) -> float:
        return run.release_ms(self.inject, self.stable_s if stable_s is None else stable_s)


class PortClosed(Cause):
    """The client's port closes and reopens. The result is infinite if an input is then not 0."""

    def trial_ms(self, run: LiveRun, stable_s: float | None = None) -> float:
        stable_s = self.stable_s if stable_s is None else stable_s
        return run.client.first_after_gap_ms(stable_s, stable_s)


def _restarted(run: LiveRun) -> None:
    """The supervisor restarts the process."""


def _signal_guard_then_kill_body(run: LiveRun, number: int) -> None:
    """The guard ignores the signal while a body exists."""
    os.kill(run.pid("guard"), number)
    time.sleep(0.1)
    kill(run.pid("body"))


# Windows has no signals between processes; there Ctrl-Break stands for SIGINT.
_SIGNALS = () if sys.platform == "win32" else ("SIGINT", "SIGTERM")
CAUSES = [
    Cause("body SIGKILL", DEAD_MS, lambda run: kill(run.pid("body")), _restarted, 1.0, 5),
    Cause(
        "body SIGSTOP, then SIGCONT",
        HUNG_MS,
        lambda run: suspend(run.pid("body")),
        lambda run: resume(run.pid("body")),
    ),
    Cause(
        "guard SIGKILL",
        HUNG_MS,
        lambda run: kill(run.pid("guard")),
        _restarted,
        1.5 / HZ,
        5,
    ),
    *(
        Cause(
            f"body {name}",
            HUNG_MS,
            lambda run, name=name: os.kill(run.pid("body"), getattr(signal, name)),
            _restarted,
            1.5 / HZ,
            5,
        )
        for name in _SIGNALS
    ),
    *(
        Cause(
            f"guard {name} (ignored), then body SIGKILL",
            DEAD_MS + 100.0,  # 100 ms pass before the body is killed
            lambda run, name=name: _signal_guard_then_kill_body(run, getattr(signal, name)),
            _restarted,
            1.0,
            5,
        )
        for name in _SIGNALS
    ),
    Cause("policy raises", HUNG_MS, lambda run: (run.folder / "FAIL").touch(), _restarted, 1.0, 5),
    Cause("camera lost", HUNG_MS, lambda run: run.camera.stop(), lambda run: run.camera.restart()),
    PortClosed("client port closed and reopened", HUNG_MS, _restarted, _restarted),
    Cause("emergency stop", DEAD_MS, _write_stop_file, lambda run: (run.folder / "STOP").unlink()),
    Cause(
        "pause",
        HUNG_MS,
        _pause,
        lambda run: open_board(RunFolder(run.folder)).__setitem__("paused", 0),
    ),
    Cause("supervisor SIGINT", HUNG_MS, lambda run: interrupt(run.process)),
    *(
        Cause(f"supervisor {name}", HUNG_MS, lambda run: run.process.terminate())
        for name in _SIGNALS[1:]
    ),
    Cause("supervisor SIGKILL", HUNG_MS, lambda run: run.process.kill()),
]


def free_port(kind: socket.SocketKind) -> int:
    """A free port of this machine."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
