"""A plain OSC, HTTP and MJPEG client without Yume's code, which the contract tests use.

By default it starts a stand-in as a separate program. To run the tests against a real client:
YUME_VRCHAT=9000:127.0.0.1:9001 YUME_VRCHAT_CAMERA=0 python -m pytest tests/contracts/vrchat

YUME_VRCHAT_SPEEDS=4,2,2,200 gives the speeds of the world that the real client is in: run, walk and
strafe (m/s), and turn (degrees/s).
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
from pathlib import Path

import cv2
import numpy as np
import pytest
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from tests.conftest import ROOT
from tests.polling import wait_until

REAL = os.environ.get("YUME_VRCHAT")
TIMEOUT_S = 5.0
PARAMETER = "/avatar/parameters/"
# Of the world the client is in: the defaults of VRChat's VRCWorld prefab, and a look sensitivity.
RUN_M_S, WALK_M_S, STRAFE_M_S, TURN_DEG_S = map(
    float, os.environ.get("YUME_VRCHAT_SPEEDS", "4,2,2,200").split(",")
)
standin_only = pytest.mark.skipif(REAL is not None, reason="needs the stand-in's HTTP")


@dataclass
class PlainClient:
    """Sends and receives OSC. `log`: (arrival in seconds, address, value, datagram) of all."""

    send_port: int
    receive_port: int
    camera: str | int
    http: str | None = None  # root URL of the stand-in; a real client has none
    log: list[tuple[float, str, object, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.bind(("127.0.0.1", self.receive_port))
        self._receiver.settimeout(0.2)
        self._ended = False
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        self._receiver.close()
        self._sender.close()

    def send_raw(self, datagram: bytes) -> None:
        self._sender.sendto(datagram, ("127.0.0.1", self.send_port))

    def send(self, address: str, *values: object) -> None:
        self.send_raw(message(address, *values))

    def set_input(self, name: str, value: object) -> None:
        self.send(f"/input/{name}", value)

    def release_inputs(self) -> None:
        """Release every input that the tests use."""
        for name in ("Vertical", "Horizontal", "LookHorizontal", "LookVertical"):
            self.set_input(name, 0.0)
        for name in ("MoveForward", "Run", "Jump", "Voice", "AFKToggle", "LookRight"):
            self.set_input(name, 0)

    def newest(self, name: str) -> object:
        """The last received value of an avatar parameter; None if there is none."""
        return next((v for _, a, v, _ in reversed(self.log) if a == PARAMETER + name), None)

    def wait_for(self, name: str, wanted: Callable[[object], bool], *, after: int = 0) -> object:
        """Wait for a value of an avatar parameter; ignores the first `after` log entries."""
        condition = lambda a, v: a == PARAMETER + name and wanted(v)  # noqa: E731
        return self.wait_for_message(condition, after=after)[1]

    def wait_for_message(
        self, wanted: Callable[[str, object], bool], *, after: int = 0
    ) -> tuple[float, object]:
        """Wait for a message. Returns its arrival in seconds and its value."""
        deadline, at = time.perf_counter() + TIMEOUT_S, after
        with self._changed:
            while True:
                while at < len(self.log):
                    arrived, address, value, _ = self.log[at]
                    if wanted(address, value):
                        return arrived, value
                    at += 1
                remaining_s = deadline - time.perf_counter()
                assert remaining_s > 0, f"no such message; last: {[e[1:3] for e in self.log[-8:]]}"
                self._changed.wait(remaining_s)

    def wait_for_silence(self, seconds: float = 0.25) -> int:
        """Wait until no message arrives for `seconds`. Returns the length of the log."""
        while True:
            mark = len(self.log)
            with self._changed:
                if not self._changed.wait_for(lambda n=mark: len(self.log) > n, seconds):
                    return mark

    def addresses_since(self, mark: int) -> set[str]:
        """Addresses of the messages after the first `mark`; parameters by their name only."""
        return {address.removeprefix(PARAMETER) for _, address, _, _ in self.log[mark:]}

    def assert_silent(self, seconds: float, *names: str) -> None:
        """Assert that no parameter of these names arrives within `seconds`; no name: no message."""
        mark = len(self.log)
        time.sleep(seconds)
        received = self.addresses_since(mark)
        assert not (received & set(names) if names else received)

    def request(self, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        """GET, or POST of JSON, to the stand-in."""
        assert self.http is not None
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Authorization": f"Bearer {self._token()}"}
        asked = urllib.request.Request(self.http + path, data, headers)
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    def _token(self) -> str:
        """The stand-in keeps its token in a file of this user."""
        assert self.http is not None
        port = self.http.rpartition(":")[2]
        return Path(os.environ["YUME_STATE"], "tokens", f"standin-{port}").read_text().strip()

    def picture(self, after_s: float = 0.0) -> np.ndarray:
        """A frame that was grabbed at least `after_s` after this call."""
        capture = cv2.VideoCapture(self.camera)
        began = time.perf_counter()
        try:
            while True:
                good, frame = capture.read()
                assert good, f"no picture from {self.camera}"
                if time.perf_counter() - began >= after_s:
                    return frame
        finally:
            capture.release()

    def _receive(self) -> None:
        while not self._ended:
            with contextlib.suppress(TimeoutError):
                datagram = self._receiver.recv(65536)
                arrived = time.perf_counter()
                with self._changed:
                    for timed in OscPacket(datagram).messages:
                        received = timed.message
                        value = received.params[0] if received.params else None
                        self.log.append((arrived, received.address, value, datagram))
                    self._changed.notify_all()


def message(address: str, *values: object) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


def near(value: float, rel: float = 0.02) -> Callable[[object], bool]:
    """A condition for wait_for: within `rel` or 0.001 of `value`."""
    return lambda received: received == pytest.approx(value, rel=rel, abs=1e-3)


@contextlib.contextmanager
def running_standin(*arguments: str) -> Iterator[PlainClient]:
    """Run a stand-in as a program; yields a client that has received all avatar parameters."""
    osc_in, osc_out = (free_port(socket.SOCK_DGRAM) for _ in range(2))
    http = free_port(socket.SOCK_STREAM)
    root = f"http://127.0.0.1:{http}"
    client = PlainClient(osc_in, osc_out, f"{root}/camera.mjpg", root)
    osc = f"{osc_in}:127.0.0.1:{osc_out}"
    process = subprocess.Popen(
        command("standin", *arguments, "--osc", osc, "--http", str(http)),
        stdout=subprocess.DEVNULL,
    )

    def answers() -> bool:
        assert process.poll() is None, f"the stand-in ended with code {process.returncode}"
        try:
            return bool(client.request("/truth"))
        except (urllib.error.URLError, ConnectionError):
            return False

    try:
        wait_until(answers, "an answer of the stand-in", 30.0)
        client.wait_for_message(lambda address, _: address == "/avatar/change")
        client.wait_for("IsAnimatorEnabled", bool)
        yield client
    finally:
        process.terminate()
        process.wait(10.0)
        client.close()


@contextlib.contextmanager
def real_client() -> Iterator[PlainClient]:
    """The client that YUME_VRCHAT names."""
    send, _, receive = (REAL or "").split(":")
    camera = os.environ.get("YUME_VRCHAT_CAMERA", "0")
    client = PlainClient(int(send), int(receive), int(camera) if camera.isdecimal() else camera)
    yield client
    client.close()


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "main.py"), *arguments]
