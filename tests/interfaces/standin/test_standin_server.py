"""The live stand-in over real sockets: UDP in and out, the camera as OpenCV reads it, the truth."""

import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.core import StandinCore
from interfaces.standin.http_server import Stream
from interfaces.standin.standin_server import Ports, PortTaken, serve

CONFIG = StandinConfig(width=64, height=64)
PATIENCE_S = 10.0


@dataclass
class Life:
    """A live stand-in, and the socket where it sends what the avatar feels."""

    ports: Ports
    ear: socket.socket

    def send(self, *datagrams: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            for datagram in datagrams:
                mouth.sendto(datagram, ("127.0.0.1", self.ports.osc_in))

    def hear_until(self, name: str, wanted: Callable[[float], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for address, (value,) in decode(self.ear.recv(65536)):
                if address == f"/avatar/parameters/{name}" and wanted(float(value)):  # type: ignore[arg-type]
                    return
        raise AssertionError(f"{name} never became what was wanted")

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.ports.http}{path}"

    def truth(self) -> dict[str, object]:
        with urllib.request.urlopen(self.url("/truth"), timeout=PATIENCE_S) as answer:
            return json.load(answer)


@contextlib.contextmanager
def living(config: StandinConfig = CONFIG, **ports: int) -> Iterator[Life]:
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))
    ear.settimeout(PATIENCE_S)
    told: list[Ports] = []
    is_ready, stop = threading.Event(), threading.Event()

    def ready(real: Ports) -> None:
        told.append(real)
        is_ready.set()

    thread = threading.Thread(
        target=serve,
        args=(config,),
        kwargs={
            "seed": 0,
            "osc_in_port": ports.get("osc_in", 0),
            "osc_out_host": "127.0.0.1",
            "osc_out_port": ear.getsockname()[1],
            "http_port": ports.get("http", 0),
            "ready": ready,
            "stop": stop,
        },
    )
    thread.start()
    try:
        assert is_ready.wait(PATIENCE_S)
        yield Life(told[0], ear)
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        ear.close()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    with living() as life:
        yield life


def test_it_hears_and_answers_over_udp(life: Life) -> None:
    life.send(encode("/input/LookHorizontal", 1.0))
    life.hear_until("AngularY", lambda value: value == pytest.approx(200.0))
    life.send(encode("/input/LookHorizontal", 0.0))
    life.hear_until("AngularY", lambda value: value == 0.0)


def test_garbage_does_not_stop_it(life: Life) -> None:
    life.send(b"", b"\0" * 100, b"#bundle\0\0", encode("/nobody/knows", 1), b"/x" * 20000)
    life.send(encode("/input/Jump", 0), encode("/input/Jump", 1), encode("/input/Jump", 0))
    life.hear_until("VelocityY", lambda value: value > 2.0)
    life.hear_until("Grounded", bool)


def test_time_passes_as_in_life(life: Life) -> None:
    began, world_began = time.monotonic(), float(life.truth()["time_s"])  # type: ignore[arg-type]
    time.sleep(0.5)
    passed = float(life.truth()["time_s"]) - world_began  # type: ignore[arg-type]
    assert passed == pytest.approx(time.monotonic() - began, abs=0.15)


def test_opencv_reads_the_camera(life: Life) -> None:
    capture = cv2.VideoCapture(life.url("/camera.mjpg"), cv2.CAP_FFMPEG)
    try:
        assert capture.isOpened()
        capture.read()
        began = time.monotonic()
        pictures = [capture.read()[1] for _ in range(15)]
        seconds = time.monotonic() - began
    finally:
        capture.release()
    assert all(picture.shape == (64, 64, 3) for picture in pictures)
    assert np.std(pictures[-1]) > 20
    assert 15 / seconds == pytest.approx(30.0, rel=0.4)


def test_the_camera_shows_what_the_core_sees() -> None:
    """Looking up, away from whoever walks about: the same picture, in the right colours."""
    look = encode("/input/LookVertical", 1.0)
    core = StandinCore(CONFIG, 0)
    core.step(100, [look])
    with living() as life:
        life.send(look)
        capture = cv2.VideoCapture(life.url("/camera.mjpg"), cv2.CAP_FFMPEG)
        deadline, off = time.monotonic() + PATIENCE_S, 255.0
        while off > 8.0 and time.monotonic() < deadline:
            rgb = capture.read()[1][..., ::-1]
            off = float(np.abs(rgb.astype(float) - core.frame()).mean())
        capture.release()
    assert off <= 8.0


def test_clients_that_vanish_do_no_harm(life: Life) -> None:
    for _ in range(5):
        rude = socket.create_connection(("127.0.0.1", life.ports.http))
        rude.sendall(b"GET /camera.mjpg HTTP/1.1\r\n\r\n")
        rude.recv(10)
        rude.close()
    deaf = socket.create_connection(("127.0.0.1", life.ports.http))
    deaf.sendall(b"GET /camera.mjpg HTTP/1.1\r\n\r\n")  # never reads
    time.sleep(0.2)
    before = float(life.truth()["time_s"])  # type: ignore[arg-type]
    time.sleep(0.2)
    assert float(life.truth()["time_s"]) > before  # type: ignore[arg-type]
    deaf.close()


@pytest.mark.parametrize("path", ["/", "/camera", "/truth/x", "/../etc/passwd"])
def test_anything_else_is_not_found(life: Life, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(life.url(path), timeout=PATIENCE_S)
    assert caught.value.code == 404
    caught.value.close()


@pytest.mark.parametrize("kind", ["osc_in", "http"])
def test_a_taken_port_is_named(life: Life, kind: str) -> None:
    taken = getattr(life.ports, kind)
    ports = {"osc_in_port": 0, "http_port": 0} | {f"{kind}_port": taken}
    with pytest.raises(PortTaken, match=rf"{kind}_port {taken}"):
        serve(
            CONFIG,
            seed=0,
            osc_out_host="127.0.0.1",
            osc_out_port=0,
            ready=lambda ports: None,
            stop=threading.Event(),
            **ports,
        )


def test_ports_are_free_again_afterwards() -> None:
    with living() as first:
        ports = first.ports
        with urllib.request.urlopen(first.url("/truth"), timeout=PATIENCE_S):
            pass
    with living(osc_in=ports.osc_in, http=ports.http) as second:
        assert second.ports.osc_in == ports.osc_in
        assert second.ports.http == ports.http


def test_a_free_port_is_chosen_to_send_to() -> None:
    stop, told = threading.Event(), []

    def ready(ports: Ports) -> None:
        told.append(ports)
        stop.set()

    serve(
        CONFIG,
        seed=0,
        osc_in_port=0,
        osc_out_host="127.0.0.1",
        osc_out_port=0,
        http_port=0,
        ready=ready,
        stop=stop,
    )
    chosen = (told[0].osc_in, told[0].osc_out, told[0].http)
    assert all(1024 <= port <= 65535 for port in chosen)
    assert told[0].oscquery == 0  # in a run it is not found by mDNS unless asked for


def test_too_many_clients_are_turned_away_and_the_others_served(life: Life) -> None:
    with contextlib.ExitStack() as open_sockets:
        crowd = [
            open_sockets.enter_context(
                socket.create_connection(("127.0.0.1", life.ports.http), PATIENCE_S)
            )
            for _ in range(Stream.max_clients + 1)
        ]
        assert crowd[-1].recv(100).startswith(b"HTTP/1.1 503")
        crowd[0].sendall(b"GET /truth HTTP/1.0\r\n\r\n")
        assert crowd[0].recv(100).startswith(b"HTTP/1.0 200")
