"""A stand-in on real sockets, in a thread of the test process."""

import contextlib
import json
import math
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from configs.standin import StandinConfig
from interfaces.osc.message import decode
from interfaces.standin.standin_server import Ports, serve

SMALL = StandinConfig(width=64, height=64)
TIMEOUT_S = 10.0
TOKEN = "5ecret"


@dataclass
class LiveStandin:
    """A running stand-in, and the socket that receives its avatar parameters."""

    ports: Ports
    receiver: socket.socket

    def send(self, *datagrams: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, ("127.0.0.1", self.ports.osc_in))

    def wait_for(self, name: str, wanted: Callable[[float], bool]) -> None:
        """Receive until the avatar parameter has a wanted value."""
        deadline = time.perf_counter() + TIMEOUT_S
        while time.perf_counter() < deadline:
            for address, (value,) in decode(self.receiver.recv(65536)):
                if address == f"/avatar/parameters/{name}" and wanted(float(value)):  # type: ignore[arg-type]
                    return
        raise AssertionError(f"{name} never had a wanted value")

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.ports.http}{path}"

    def truth(self) -> dict[str, object]:
        with urllib.request.urlopen(self.url("/truth"), timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    def time_s(self) -> float:
        return float(self.truth()["time_s"])  # type: ignore[arg-type]

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, object]]:
        """Status and JSON content of the answer."""
        headers.setdefault("Authorization", f"Bearer {TOKEN}")
        request = urllib.request.Request(self.url(path), body, headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@contextlib.contextmanager
def live_standin(
    config: StandinConfig = SMALL, *, episode_s: float = math.inf, **ports: int
) -> Iterator[LiveStandin]:
    """Run a stand-in. `ports`: `osc_in` and `http`; a free port if not given."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(TIMEOUT_S)
    real_ports: list[Ports] = []
    is_ready, stop = threading.Event(), threading.Event()

    def ready(ports: Ports) -> None:
        real_ports.append(ports)
        is_ready.set()

    thread = threading.Thread(
        target=serve,
        args=(config,),
        kwargs={
            "seed": 0,
            "osc_in_port": ports.get("osc_in", 0),
            "osc_out_host": "127.0.0.1",
            "osc_out_port": receiver.getsockname()[1],
            "http_port": ports.get("http", 0),
            "ready": ready,
            "stop": stop,
            "episode_s": episode_s,
            "token": TOKEN,
        },
    )
    thread.start()
    try:
        assert is_ready.wait(TIMEOUT_S)
        yield LiveStandin(real_ports[0], receiver)
    finally:
        stop.set()
        thread.join(TIMEOUT_S)
        receiver.close()
        assert not thread.is_alive()
