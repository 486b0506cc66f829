"""The stand-in as a program of its own: UDP in and out and a camera stream around the core."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.standin import StandinConfig
from interfaces.clock import Pacer, RealClock
from interfaces.standin.client.input import PHYSICS_HZ
from interfaces.standin.core import StandinCore
from interfaces.standin.stream import Newest, Stream

JPEG_QUALITY = 90
CATCH_UP_SUBSTEPS = PHYSICS_HZ // 4  # after a stall the world moves on by at most 0.25 s
_DATAGRAMS_PER_BEAT = 512  # more is a flood, and waits in the socket or is lost there
_RECEIVE_BUFFER_BYTES = 1 << 20


class PortTaken(BadInput, OSError):
    """A port the stand-in should listen on is not free."""


class Stop(Protocol):
    def is_set(self) -> bool: ...


def serve(
    config: StandinConfig,
    *,
    seed: int,
    osc_in_port: int,
    osc_out_host: str,
    osc_out_port: int,
    http_port: int,
    ready: Callable[[dict[str, int]], None],
    stop: Stop,
    hz: float = 60.0,
) -> None:
    """Live until `stop` is set. Blocks; draws in the calling thread.

    Port 0 means a free one. `ready` gets the real ports, {"osc_in", "osc_out", "http"}, once
    everything listens and the first picture is there. Listens on 127.0.0.1 only. `hz`: beats per
    second, each of 60 / hz substeps. Raises PortTaken.
    """
    with contextlib.ExitStack() as stack:
        udp = stack.enter_context(_listen(osc_in_port))
        newest = Newest()
        try:
            stream = stack.enter_context(Stream(http_port, newest))
        except OSError as error:
            raise _taken("http_port", http_port, error) from error
        target = (osc_out_host, osc_out_port or _free_port())
        core = StandinCore(config, seed)
        newest.publish(_jpeg(core.frame()), core.truth())
        thread = threading.Thread(
            target=stream.serve_forever, args=(0.1,), name="stand-in http", daemon=True
        )
        thread.start()
        stack.callback(thread.join)
        stack.callback(stream.shutdown)
        stack.callback(newest.close)
        ready({"osc_in": udp.getsockname()[1], "osc_out": target[1], "http": stream.port})
        _live(core, config, udp, target, newest, stop, hz)


def _live(
    core: StandinCore,
    config: StandinConfig,
    udp: socket.socket,
    target: tuple[str, int],
    newest: Newest,
    stop: Stop,
    hz: float,
) -> None:
    pacer = Pacer(RealClock(spin_s=0.0), hz)
    beats = substeps = frames = 0
    while not stop.is_set():
        beats += 1 + pacer.wait().skipped
        due = round(beats * PHYSICS_HZ / hz) - substeps
        substeps += due
        for substep in range(min(due, CATCH_UP_SUBSTEPS)):
            sent = core.step(1, _drain(udp) if substep == 0 else [])
            for datagram in sent:
                with contextlib.suppress(OSError):  # nobody there, or a full buffer: UDP loses
                    udp.sendto(datagram, target)
        if int(beats * config.fps / hz) > frames:
            frames = int(beats * config.fps / hz)
            newest.publish(_jpeg(core.frame()), core.truth())


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


def _listen(port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.bind(("127.0.0.1", port))
    except OSError as error:
        udp.close()
        raise _taken("osc_in_port", port, error) from error
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
