"""A whole life, real processes, a client that hears all it is told, and what can end or hang it:
what `benchmarks.rest` measures and `tests/e2e/test_rest.py` tries."""

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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from benchmarks.common import ROOT
from interfaces.ipc.board import Board
from interfaces.osc.message import decode
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import left_over

HZ = 10.0
DEAD_MS, HUNG_MS = 200.0, 1e3 * 2.5 / HZ + 200.0
# A command line like main.py whose policy fails as soon as a file called FAIL lies in the folder.
FAULTY = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
import main
main.MAIN = Path(__file__).resolve()
if "_body" in sys.argv:
    from agent.acting.brain import Brain
    step, fail = Brain.step, Path(sys.argv[-1]) / "FAIL"
    def faulty(self, *args, **kwargs):
        if fail.exists():
            fail.unlink()
            raise RuntimeError("the policy fails, as asked")
        return step(self, *args, **kwargs)
    Brain.step = faulty
main.app()
"""


class Camera(Protocol):
    """A stream that can be taken away. url: where it is seen, the same after it came back."""

    url: str

    def go(self) -> None: ...

    def come_back(self) -> None: ...


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

    def first_after_gap_ms(self, gap_s: float, listen_s: float) -> float:
        """Close the port for so long; from opening it to the first packet, infinite where the
        first value of an input, of all that came within `listen_s`, was not rest."""
        self._back.clear()
        self._gap_s = gap_s
        self._back.wait()
        back_at = time.perf_counter()
        time.sleep(listen_s)
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
                    self.values[address] = float(str(arguments[0]))
                    self._first.setdefault(address, self.values[address])
            if any(self.values.values()):
                self.rested_at = None
            elif self.rested_at is None:
                self.rested_at = time.perf_counter()
        self._udp.close()


class Life:
    """A run of kind vrchat under way in `folder`/run: it sees by `camera`, and drives `client`."""

    def __init__(self, folder: Path, camera: Camera) -> None:
        self.folder, self.client, self.camera = folder / "run", Client(), camera
        main = folder / "faulty_main.py"
        main.write_text(FAULTY, encoding="utf-8")
        words = [
            *("world.kind=vrchat", f"world.camera.source={camera.url}"),
            *(f"world.osc.send_port={self.client.port}", f"beat.hz={HZ}"),
            f"world.osc.receive_port={free_port(socket.SOCK_DGRAM)}",
            *("trainer.prefill=100000", "world.situations.menu=[]"),  # this client never answers
        ]
        self.process = subprocess.Popen(
            [sys.executable, str(main), "run", "tiny", *words, "--out", str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self.wait_for_motion()

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

    def rested_ms(self, blow: Callable[["Life"], object], held_s: float) -> float:
        """From the blow to a rest of `held_s`; infinite where there is none in five seconds."""
        began = time.perf_counter()
        blow(self)
        while time.perf_counter() - began < 5.0:
            rested = self.client.rested_at
            if rested is not None and rested >= began and time.perf_counter() - rested > held_s:
                return 1e3 * (rested - began)
            time.sleep(0.01)
        return float("inf")

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
        # Nobody outlives a killed supervisor long, and the folder must be nobody's.
        deadline = time.perf_counter() + 5.0
        while self.left and time.perf_counter() < deadline:
            time.sleep(0.05)
        self.client.close()

    @property
    def left(self) -> dict[str, int]:
        """The processes of the run that are still there, by name."""
        return left_over(RunFolder(self.folder))


def _stop_file(life: Life) -> None:
    (life.folder / "STOP").write_text("", encoding="utf-8")


def _pause(life: Life) -> None:
    Board(life.folder / "board.mmap")["paused"] = 1


Blow = Callable[[Life], object]


@dataclass(frozen=True)
class Cause:
    """What happens to a life. live_on: what makes it live on; none: a new life is needed. At most
    `trials_per_life`: who dies too often is not started again. held_s: how long the rest must last
    to be one, if nothing else is asked; who ends by itself is back before a second is over."""

    name: str
    promised_ms: float
    blow: Blow
    live_on: Blow | None = None
    held_s: float = 1.0
    trials_per_life: int = 1_000

    def trial_ms(self, life: Life, held_s: float | None = None) -> float:
        return life.rested_ms(self.blow, self.held_s if held_s is None else held_s)


class PortGone(Cause):
    """The client goes and comes back: until its first packet; infinite if an input was not rest."""

    def trial_ms(self, life: Life, held_s: float | None = None) -> float:
        held_s = self.held_s if held_s is None else held_s
        return life.client.first_after_gap_ms(held_s, held_s)


def _again(life: Life) -> None:
    """The supervisor does it."""


def _guard_told_then_body_killed(life: Life, number: int) -> None:
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
        "camera gone", HUNG_MS, lambda life: life.camera.go(), lambda life: life.camera.come_back()
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


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
