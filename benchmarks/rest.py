"""Every input at rest, whatever ends or hangs: a whole life, a client that hears all it is told.

python -m benchmarks.rest [--trials 10] [--only NAME]

Real processes: a `run` of kind vrchat whose client is this program and whose camera is a
stand-in's stream. Measured is from the blow until the last input that was not at rest is, and
stays so for a second (a guard that dies is back before that: a beat and a half there). What has
been measured already stands in the JSON and is not done again.
"""

import argparse
import contextlib
import json
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import RESULTS, ROOT, machine, publish
from interfaces.board import Board
from interfaces.vrchat.osc import decode

HZ = 10.0
DEAD_MS, HUNG_MS = 200.0, 1e3 * 2.5 / HZ + 200.0
# A command line like main.py whose policy fails as soon as a file called FAIL lies in the folder.
FAULTY = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
import main
main.MAIN = Path(__file__).resolve()
if "_body" in sys.argv:
    from agent.brain import Brain
    step, fail = Brain.step, Path(sys.argv[-1]) / "FAIL"
    def faulty(self, *args, **kwargs):
        if fail.exists():
            fail.unlink()
            raise RuntimeError("the policy fails, as asked")
        return step(self, *args, **kwargs)
    Brain.step = faulty
main.app()
"""


class Client:
    """Hears what VRChat would: the newest value of each input, and when all came to rest."""

    def __init__(self) -> None:
        self._udp = self._bound(0)
        self.port = self._udp.getsockname()[1]
        self.values: dict[str, float] = {}
        self.rested_at: float | None = None  # none: something moves
        self._gap_s = 0.0
        self._back = threading.Event()
        self._first: dict[str, float] = {}  # of each input, since it is back
        self._first_at = math.inf
        self._closed = False
        threading.Thread(target=self._hear, daemon=True).start()

    def close(self) -> None:
        self._closed = True

    def first_after_gap_ms(self, gap_s: float) -> float:
        """Close the port for so long; from opening it to the first packet, infinite where the
        first value of an input was not rest."""
        self._back.clear()
        self._gap_s = gap_s
        self._back.wait()
        back_at = time.perf_counter()
        time.sleep(1.0)
        return math.inf if any(self._first.values()) else 1e3 * (self._first_at - back_at)

    @staticmethod
    def _bound(port: int) -> socket.socket:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", port))
        udp.settimeout(0.2)
        return udp

    def _hear(self) -> None:
        while not self._closed:
            if self._gap_s:
                self._udp.close()
                time.sleep(self._gap_s)
                self._gap_s, self._first, self._first_at = 0.0, {}, math.inf
                self._udp = self._bound(self.port)
                self._back.set()
            try:
                datagram = self._udp.recv(4096)
            except TimeoutError:
                continue
            self._first_at = min(self._first_at, time.perf_counter())
            for address, arguments in decode(datagram):
                if address.startswith("/input/"):
                    self.values[address] = float(arguments[0])
                    self._first.setdefault(address, self.values[address])
            if any(self.values.values()):
                self.rested_at = None
            elif self.rested_at is None:
                self.rested_at = time.perf_counter()
        self._udp.close()


class Life:
    """A run under way, and its camera."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.client = folder / "run", Client()
        self.http = _free(socket.SOCK_STREAM)
        self.camera = self._start_camera()
        main = folder / "faulty_main.py"
        main.write_text(FAULTY, encoding="utf-8")
        words = [
            *("world.kind=vrchat", f"world.camera.source=http://127.0.0.1:{self.http}/camera.mjpg"),
            *(f"world.osc.send_port={self.client.port}", f"beat.hz={HZ}"),
            f"world.osc.receive_port={_free(socket.SOCK_DGRAM)}",
            *("trainer.prefill=100000", "world.situations.menu=[]"),  # this client never answers
        ]
        self.process = subprocess.Popen(
            [sys.executable, str(main), "run", "tiny", *words, "--out", str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self.wait_for_motion()

    def _start_camera(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "main.py", "standin", "--http", str(self.http)),
                *("--osc", "0:127.0.0.1:0", "--no-oscquery"),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def pid(self, name: str) -> int:
        text = (self.folder / "processes.json").read_text(encoding="utf-8")
        return int(json.loads(text)[name])

    def wait_for_motion(self) -> None:
        """Half a second of beats with something pressed in each."""
        deadline, moving = time.perf_counter() + 60.0, 0
        while moving < 50:
            time.sleep(0.01)
            moving = moving + 1 if any(self.client.values.values()) else 0
            if time.perf_counter() > deadline:
                raise RuntimeError(f"no motion; see {self.folder}/logs")

    def rested_ms(self, blow: "Blow", held_s: float) -> float:
        """From the blow to a rest of `held_s`; infinite where there is none in five seconds."""
        began = time.perf_counter()
        blow(self)
        while time.perf_counter() - began < 5.0:
            rested = self.client.rested_at
            if rested is not None and rested >= began and time.perf_counter() - rested > held_s:
                return 1e3 * (rested - began)
            time.sleep(0.01)
        return float("inf")

    def restart_camera(self) -> None:
        self.camera.wait()
        self.camera = self._start_camera()

    def close(self) -> None:
        with contextlib.suppress(psutil.Error, OSError):
            for name in ("body", "guard", "trainer"):
                psutil.Process(self.pid(name)).resume()
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        time.sleep(1.0)
        self.camera.kill()
        self.camera.wait()
        self.client.close()


def _stop_file(life: Life) -> None:
    (life.folder / "STOP").write_text("", encoding="utf-8")


def _pause(life: Life) -> None:
    Board(life.folder / "board.mmap")["paused"] = 1


Blow = Callable[["Life"], object]


@dataclass(frozen=True)
class Cause:
    """What happens to a life. live_on: what makes it live on; none: a new life is needed. At most
    `trials_per_life`: who dies too often is not started again."""

    name: str
    promised_ms: float
    blow: Blow
    live_on: Blow | None = None
    held_s: float = 1.0
    trials_per_life: int = 1_000

    def trial_ms(self, life: "Life") -> float:
        return life.rested_ms(self.blow, self.held_s)


class PortGone(Cause):
    """The client goes and comes back: until its first packet; infinite if an input was not rest."""

    def trial_ms(self, life: "Life") -> float:
        return life.client.first_after_gap_ms(gap_s=1.0)


def _again(life: "Life") -> None:
    """The supervisor does it."""


def _guard_told_then_body_killed(life: "Life", number: int) -> None:
    """A guard does not go while there is a body to watch."""
    os.kill(life.pid("guard"), number)
    time.sleep(0.1)
    os.kill(life.pid("body"), 9)


CAUSES = [
    Cause("body SIGKILL", DEAD_MS, lambda life: os.kill(life.pid("body"), 9), _again, 1.0, 5),
    Cause(
        "body SIGSTOP, then SIGCONT",
        HUNG_MS,
        lambda life: os.kill(life.pid("body"), signal.SIGSTOP),
        lambda life: os.kill(life.pid("body"), signal.SIGCONT),
    ),
    Cause(
        "guard SIGKILL", HUNG_MS, lambda life: os.kill(life.pid("guard"), 9), _again, 1.5 / HZ, 5
    ),
    *(
        Cause(
            f"body {name}",
            HUNG_MS,
            lambda life, name=name: os.kill(life.pid("body"), getattr(signal, name)),
            _again,
            1.5 / HZ,
            5,
        )
        for name in ("SIGINT", "SIGTERM")
    ),
    *(
        Cause(
            f"guard {name}, which it outlives, then body SIGKILL",
            DEAD_MS + 100.0,  # of which it waits 100 before the second blow
            lambda life, name=name: _guard_told_then_body_killed(life, getattr(signal, name)),
            _again,
            1.0,
            5,
        )
        for name in ("SIGINT", "SIGTERM")
    ),
    Cause("policy raises", HUNG_MS, lambda life: (life.folder / "FAIL").touch(), _again, 1.0, 5),
    Cause(
        "camera gone", HUNG_MS, lambda life: life.camera.kill(), lambda life: life.restart_camera()
    ),
    PortGone("client's port gone and back", HUNG_MS, _again, _again),
    Cause("emergency stop", DEAD_MS, _stop_file, lambda life: (life.folder / "STOP").unlink()),
    Cause(
        "pause",
        HUNG_MS,
        _pause,
        lambda life: Board(life.folder / "board.mmap").__setitem__("paused", 0),
    ),
    Cause("supervisor SIGINT", HUNG_MS, lambda life: life.process.send_signal(signal.SIGINT)),
    Cause("supervisor SIGTERM", HUNG_MS, lambda life: life.process.terminate()),
    Cause("supervisor SIGKILL", HUNG_MS, lambda life: life.process.kill()),
]


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--only", default="", help="causes whose name holds this")
    parser.add_argument("--anew", action="store_true", help="forget the trials of earlier runs")
    asked = parser.parse_args()
    kept = RESULTS / "rest-trials.json"
    took: dict[str, dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else {}
    for cause in CAUSES:
        if asked.only not in cause.name:
            continue
        if asked.anew:
            took.pop(cause.name, None)
        # Trials are kept and gone on with, so each cause says what it was measured on.
        trials = took.setdefault(cause.name, {"commit": machine()["commit"], "ms": []})["ms"]
        while len(trials) < asked.trials:
            with tempfile.TemporaryDirectory() as folder:
                life = Life(Path(folder))
                try:
                    for _ in range(min(cause.trials_per_life, asked.trials - len(trials))):
                        trials.append(round(cause.trial_ms(life), 1))
                        kept.write_text(json.dumps(took, indent=1), encoding="utf-8")
                        print(f"{cause.name}: {trials[-1]} ms", flush=True)
                        if cause.live_on is None:
                            break
                        cause.live_on(life)
                        life.client.values.clear()
                        life.wait_for_motion()
                finally:
                    life.close()
    rows = [
        {
            "what happens": cause.name,
            "ms p50": statistics.median(took[cause.name]["ms"]),
            "ms max": max(took[cause.name]["ms"]),
            "promised ms": cause.promised_ms,
            "in time": f"{sum(ms <= cause.promised_ms for ms in took[cause.name]['ms'])} "
            f"of {len(took[cause.name]['ms'])}",
            "commit": took[cause.name]["commit"],
        }
        for cause in CAUSES
        if cause.name in took
    ]
    publish("rest", f"Every input at rest ({HZ:g} Hz)", rows)


if __name__ == "__main__":
    main()
