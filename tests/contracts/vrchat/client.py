"""A plain OSC, HTTP and MJPEG client, knowing nothing of Yume: what the contract suite speaks with.

By default a stand-in is started as a program of its own. To point the suite at a real client:
YUME_VRCHAT=9000:127.0.0.1:9001 YUME_VRCHAT_CAMERA=0 python -m pytest tests/contracts/vrchat
and YUME_VRCHAT_SPEEDS=4,2,2,200 says how fast one runs, walks, strafes (m/s) and turns (degrees/s)
in the world it is in, which its maker chose.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import cv2
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from tests.conftest import ROOT

REAL = os.environ.get("YUME_VRCHAT")
PATIENCE_S = 5.0
PARAMETER = "/avatar/parameters/"


@dataclass
class Client:
    """Hears and speaks OSC. `log` has (arrival in seconds, address, value, datagram)."""

    send_port: int
    receive_port: int
    camera: str | int
    http: str | None = None  # of the stand-in; a real client has none
    log: list[tuple[float, str, object, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ear.bind(("127.0.0.1", self.receive_port))
        self._ear.settimeout(0.2)
        self._ended = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        self._ear.close()
        self._mouth.close()

    def raw(self, datagram: bytes) -> None:
        self._mouth.sendto(datagram, ("127.0.0.1", self.send_port))

    def send(self, address: str, *values: object) -> None:
        self.raw(message(address, *values))

    def input(self, name: str, value: object) -> None:
        self.send(f"/input/{name}", value)

    def rest(self) -> None:
        """Let go of everything the suite touches."""
        for name in ("Vertical", "Horizontal", "LookHorizontal", "LookVertical"):
            self.input(name, 0.0)
        for name in ("MoveForward", "Run", "Jump", "Voice", "AFKToggle", "LookRight"):
            self.input(name, 0)

    def value(self, name: str) -> object:
        """The newest value heard of an avatar parameter; None if none was."""
        return next((v for _, a, v, _ in reversed(self.log) if a == PARAMETER + name), None)

    def until(self, name: str, wanted: Callable[[object], bool], *, after: int = 0) -> object:
        """Wait for a value of an avatar parameter, heard after the first `after` of the log."""
        return self.hear(lambda a, v: a == PARAMETER + name and wanted(v), after=after)[1]

    def hear(
        self, wanted: Callable[[str, object], bool], *, after: int = 0
    ) -> tuple[float, object]:
        deadline, at = time.monotonic() + PATIENCE_S, after
        with self._changed:
            while True:
                while at < len(self.log):
                    arrived, address, value, _ = self.log[at]
                    if wanted(address, value):
                        return arrived, value
                    at += 1
                left = deadline - time.monotonic()
                assert left > 0, f"not heard; the last: {[e[1:3] for e in self.log[-8:]]}"
                self._changed.wait(left)

    def heard_since(self, mark: int) -> set[str]:
        return {address.removeprefix(PARAMETER) for _, address, _, _ in self.log[mark:]}

    def ask(self, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        """GET, or POST of JSON, to the stand-in."""
        assert self.http is not None
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.http + path, data, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def picture(self, after_s: float = 0.0):
        """A frame grabbed at least so long after the call."""
        capture = cv2.VideoCapture(self.camera)
        began = time.monotonic()
        try:
            while True:
                good, frame = capture.read()
                assert good, f"no picture from {self.camera}"
                if time.monotonic() - began >= after_s:
                    return frame
        finally:
            capture.release()

    def _listen(self) -> None:
        while not self._ended:
            with contextlib.suppress(TimeoutError):
                datagram = self._ear.recv(65536)
                arrived = time.monotonic()
                with self._changed:
                    for timed in OscPacket(datagram).messages:
                        told = timed.message
                        value = told.params[0] if told.params else None
                        self.log.append((arrived, told.address, value, datagram))
                    self._changed.notify_all()


def message(address: str, *values: object) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


@contextlib.contextmanager
def standin(*words: str) -> Iterator[Client]:
    """A stand-in as a program of its own, and a client of it that heard the avatar being loaded."""
    osc_in, osc_out = (free_port(socket.SOCK_DGRAM) for _ in range(2))
    http = free_port(socket.SOCK_STREAM)
    root = f"http://127.0.0.1:{http}"
    client = Client(osc_in, osc_out, f"{root}/camera.mjpg", root)
    process = subprocess.Popen(
        command("standin", *words, "--osc", f"{osc_in}:127.0.0.1:{osc_out}", "--http", str(http)),
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30.0
        while True:
            try:
                client.ask("/truth")
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, f"the stand-in ended with {process.returncode}"
                assert time.monotonic() < deadline
                time.sleep(0.05)
        client.hear(lambda address, _: address == "/avatar/change")
        client.until("IsAnimatorEnabled", bool)
        yield client
    finally:
        process.terminate()
        process.wait(10.0)
        client.close()


@contextlib.contextmanager
def real() -> Iterator[Client]:
    """The client that YUME_VRCHAT names."""
    send, _, receive = (REAL or "").split(":")
    camera = os.environ.get("YUME_VRCHAT_CAMERA", "0")
    client = Client(int(send), int(receive), int(camera) if camera.isdecimal() else camera)
    yield client
    client.close()


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "main.py"), *words]
