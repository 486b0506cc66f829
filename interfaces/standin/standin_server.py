"""The stand-in as a program of its own: UDP in and out and a camera stream around the core."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.standin import StandinConfig
from interfaces.core.clock import Pacer, RealClock
from interfaces.standin.client.input import PHYSICS_HZ
from interfaces.standin.client.tree import nodes
from interfaces.standin.core import StandinCore
from interfaces.standin.http_requests import Requests
from interfaces.standin.http_server import Newest, Stream
from interfaces.standin.oscquery_discovery import Discovery
from interfaces.standin.picture.time_stamp import stamp
from interfaces.standin.sound.sound_scene import Hearing

JPEG_QUALITY = 90
CATCH_UP_SUBSTEPS = PHYSICS_HZ // 4  # after a stall the world moves on by at most 0.25 s
_DATAGRAMS_PER_BEAT = 512  # more is a flood, and waits in the socket or is lost there
_RECEIVE_BUFFER_BYTES = 1 << 20


class PortTaken(BadInput, OSError):
    """A port the stand-in should listen on is not free."""


class Stop(Protocol):
    def is_set(self) -> bool: ...


class Screen(Protocol):
    """Somebody in front of it: sees every picture, and may drive by keys."""

    def show(self, picture: NDArray[np.uint8], core: StandinCore) -> None: ...
    def messages(self) -> list[bytes]: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...


@dataclass(frozen=True)
class Ports:
    """Where everything is. `oscquery` 0: not found by mDNS; `name`: what it is found as."""

    osc_in: int
    osc_out: int
    http: int
    oscquery: int = 0
    name: str = ""


def serve(
    config: StandinConfig,
    *,
    seed: int,
    osc_in_port: int,
    osc_out_host: str,
    osc_out_port: int,
    http_port: int,
    ready: Callable[[Ports], None],
    stop: Stop,
    hz: float = 60.0,
    screen: Callable[[Ports], Screen] | None = None,
) -> None:
    """Live until `stop` is set. Blocks; draws in the calling thread.

    Port 0 means a free one. `ready` gets the real ports once everything listens and the first
    picture is there. Listens on 127.0.0.1 only. `hz`: beats per second, each of 60 / hz substeps.
    Raises PortTaken, and BadInput for a sound device that is not there.
    """
    with contextlib.ExitStack() as stack:
        udp = stack.enter_context(_listen("osc_in_port", osc_in_port))
        hearing = stack.enter_context(contextlib.closing(Hearing(config, seed)))
        core, newest = StandinCore(config, seed), Newest()
        requests = Requests(core)
        try:
            stream = stack.enter_context(Stream(http_port, newest, requests))
        except OSError as error:
            raise _taken("http_port", http_port, error) from error
        target = (osc_out_host, osc_out_port or _free_port())
        if config.faults.port_taken:
            stack.enter_context(_listen("osc_out_port", target[1]))
        newest.publish(_jpeg(core.frame()), core.truth())
        thread = threading.Thread(
            target=stream.serve_forever, args=(0.1,), name="stand-in http", daemon=True
        )
        thread.start()
        stack.callback(thread.join)
        stack.callback(stream.shutdown)
        stack.callback(newest.close)
        osc_in = int(udp.getsockname()[1])
        discovery = None
        if config.oscquery:
            discovery = Discovery(
                lambda: nodes(core.avatar_config, core.values, core.inputs, core.camera),
                seed=seed,
                osc_port=osc_in,
                advertised_port=config.faults.advertised_port or osc_in,
            )
            stack.callback(discovery.close)
        ports = Ports(
            osc_in,
            target[1],
            stream.port,
            0 if discovery is None else discovery.http_port,
            "" if discovery is None else discovery.name,
        )
        watched = None if screen is None else screen(ports)
        if watched is not None:
            stack.callback(watched.close)
        ready(ports)
        _Life(core, config, udp, target, newest, requests, discovery, hearing, watched).live(
            stop, hz
        )


@dataclass
class _Life:
    """The world's own thread: a beat is to receive, to advance, to send, and now and then draw."""

    core: StandinCore
    config: StandinConfig
    udp: socket.socket
    target: tuple[str, int]
    newest: Newest
    requests: Requests
    discovery: Discovery | None
    hearing: Hearing
    screen: Screen | None

    def live(self, stop: Stop, hz: float) -> None:
        pacer = Pacer(RealClock(spin_s=0.0), hz)
        beats = substeps = frames = 0
        while not (stop.is_set() or (self.screen is not None and self.screen.closed)):
            beats += 1 + pacer.wait().skipped
            due = round(beats * PHYSICS_HZ / hz) - substeps
            substeps += due
            self.requests.fulfil()
            self.core.hear(*self.hearing.microphone())
            received = _drain(self.udp) + ([] if self.screen is None else self.screen.messages())
            for substep in range(min(due, CATCH_UP_SUBSTEPS)):
                self._send(self.core.step(1, received if substep == 0 else []))
            if int(beats * self.config.fps / hz) > frames:
                frames = int(beats * self.config.fps / hz)
                self._draw()

    def _send(self, datagrams: list[bytes]) -> None:
        if not datagrams:
            return
        targets = [self.target]
        if self.discovery is not None:
            found = self.discovery.receivers()
            targets += [each for each in found if each != self.target]
        for target in targets:
            for datagram in datagrams:
                with contextlib.suppress(OSError):  # nobody there, or a full buffer: UDP loses
                    self.udp.sendto(datagram, target)

    def _draw(self) -> None:
        core = self.core
        self.hearing.update(core)
        if core.faults.video == "missing":
            self.newest.publish(None, core.truth())
            return
        drawn_ns = time.perf_counter_ns()
        picture = core.frame()
        if self.screen is not None:
            self.screen.show(picture, core)
        if self.config.timestamp:
            picture = picture.copy()
            stamp(picture, drawn_ns)
        self.newest.publish(_jpeg(picture), core.truth())


def _drain(udp: socket.socket) -> list[bytes]:
    datagrams: list[bytes] = []
    for _ in range(_DATAGRAMS_PER_BEAT):
        try:
            datagrams.append(udp.recv(65536))
        except BlockingIOError:
            break
        except OSError:
            continue  # Windows reports here an earlier send that nobody heard
    return datagrams


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise RuntimeError(f"OpenCV could not write a JPEG of shape {picture.shape}")
    return encoded.tobytes()


def _listen(what: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.bind(("127.0.0.1", port))
    except OSError as error:
        udp.close()
        raise _taken(what, port, error) from error
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    udp.setblocking(False)
    return udp


def _free_port() -> int:
    """A UDP port nobody uses now, for the agent to listen on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _taken(what: str, port: int, error: OSError) -> PortTaken:
    return PortTaken(f"the stand-in's {what} {port} is not free ({error.strerror})")
