"""The stand-in over real sockets: UDP in and out, pictures over HTTP, sound, and OSCQuery."""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.standin import StandinConfig
from interfaces.core.clock import Pacer, RealClock
from interfaces.ipc.access_token import new_token
from interfaces.osc.oscquery import client_name, host_info
from interfaces.osc.oscquery_server import OscQueryServer
from interfaces.standin.client.input import PHYSICS_HZ
from interfaces.standin.client_tree import client_tree
from interfaces.standin.core import StandinCore
from interfaces.standin.http_requests import RequestQueue
from interfaces.standin.http_server import LatestPicture, StandinHttpServer
from interfaces.standin.oscquery_discovery import OscQueryDiscovery
from interfaces.standin.picture.time_stamp import write_time_stamp
from interfaces.standin.sound.sound_scene import SoundScene
from interfaces.standin.stop_flags import StopFlag

JPEG_QUALITY = 90
CATCH_UP_SUBSTEPS = PHYSICS_HZ // 4  # after a stall the world advances by at most 0.25 s
_DATAGRAMS_PER_TICK = 512  # the rest of a flood stays in the socket, which may drop it
_RECEIVE_BUFFER_BYTES = 1 << 20


class StandinPortTaken(BadInput, OSError):
    """A port on which the stand-in should listen is in use."""


class LocalPlayer(Protocol):
    """A person at this machine: sees every picture and may drive the avatar by keys."""

    def show(self, picture: NDArray[np.uint8], core: StandinCore) -> None:
        """Show a picture, uint8 (height, width, 3), and the state of the world."""
        ...

    def messages(self) -> list[bytes]:
        """The OSC datagrams of the person since the last call."""
        ...

    def close(self) -> None:
        """Close the window."""
        ...

    @property
    def closed(self) -> bool:
        """Whether the person has ended the program."""
        ...


@dataclass(frozen=True)
class Ports:
    """The ports in use. `oscquery` is 0 without mDNS; `name` is the advertised service name."""

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
    stop: StopFlag,
    hz: float = 60.0,
    player: Callable[[Ports], LocalPlayer] | None = None,
    episode_s: float = math.inf,
    query_port: int = 0,
    token: str = "",
) -> None:
    """Run in real time until `stop` is set. Blocks; renders in the calling thread.

    Port 0 selects a free port. `ready` gets the real ports once all sockets listen and the first
    picture exists. Listens on 127.0.0.1 only. `hz`: ticks per second, each of 60 / hz substeps.
    `episode_s`: see StandinCore. `query_port`: answer OSCQuery there without announcing it; 0 does
    not. `token`: what changes of faults and events need; "" refuses all of them.
    Raises StandinPortTaken, and BadInput for a sound device that does not exist.
    """
    with contextlib.ExitStack() as stack:
        udp = stack.enter_context(_bind_udp("osc_in_port", osc_in_port))
        sound = stack.enter_context(contextlib.closing(SoundScene(config, seed)))
        core, latest = StandinCore(config, seed, episode_s=episode_s), LatestPicture()
        requests = RequestQueue(core)
        try:
            http = stack.enter_context(
                StandinHttpServer(http_port, latest, requests, token or new_token())
            )
        except OSError as error:
            raise _port_taken("http_port", http_port, error) from error
        target = (osc_out_host, osc_out_port or _free_port())
        if config.faults.port_taken:
            stack.enter_context(_bind_udp("osc_out_port", target[1]))
        latest.publish(_encode_jpeg(core.frame()), core.truth())
        thread = threading.Thread(
            target=http.serve_forever, args=(0.1,), name="stand-in http", daemon=True
        )
        thread.start()
        stack.callback(thread.join)
        stack.callback(http.shutdown)
        stack.callback(latest.close)
        osc_in = int(udp.getsockname()[1])
        discovery = None
        tree = lambda: client_tree(core)  # noqa: E731
        if query_port:
            try:
                query = OscQueryServer(
                    tree, lambda: host_info(client_name(seed), osc_in), query_port
                )
            except OSError as error:
                raise _port_taken("query_port", query_port, error) from error
            query.start()
            stack.callback(query.close)
        if config.oscquery:
            discovery = OscQueryDiscovery(
                tree,
                seed=seed,
                osc_port=osc_in,
                advertised_port=config.faults.advertised_port or osc_in,
                faults=lambda: core.faults,
            )
            stack.callback(discovery.close)
        ports = Ports(
            osc_in,
            target[1],
            http.port,
            0 if discovery is None else discovery.http_port,
            "" if discovery is None else discovery.name,
        )
        local_player = None if player is None else player(ports)
        if local_player is not None:
            stack.callback(local_player.close)
        ready(ports)
        loop = _ServerLoop(
            core, config, udp, target, latest, requests, discovery, sound, local_player
        )
        loop.run(stop, hz)


@dataclass
class _ServerLoop:
    """The world's own thread. Each tick receives, advances and sends; some ticks also render."""

    core: StandinCore
    config: StandinConfig
    udp: socket.socket
    target: tuple[str, int]
    latest: LatestPicture
    requests: RequestQueue
    discovery: OscQueryDiscovery | None
    sound: SoundScene
    player: LocalPlayer | None

    def run(self, stop: StopFlag, hz: float) -> None:
        pacer = Pacer(RealClock(spin_s=0.0), hz)
        ticks = substeps = frames = loads = 0
        while not (stop.is_set() or (self.player is not None and self.player.closed)):
            ticks += 1 + pacer.wait().skipped
            due = round(ticks * PHYSICS_HZ / hz) - substeps
            substeps += due
            self.requests.process()
            if self.discovery is not None:
                self.discovery.show(self.core.faults.osc)
            self.core.set_voice(*self.sound.microphone())
            received = _drain(self.udp) + ([] if self.player is None else self.player.messages())
            for substep in range(min(due, CATCH_UP_SUBSTEPS)):
                self._send(self.core.step(1, received if substep == 0 else []))
            if self.core.place_loads != loads:
                loads = self.core.place_loads
                logger.info("stand-in: room {}, people: {}", loads, len(self.core.people))
            if int(ticks * self.config.fps / hz) > frames:
                frames = int(ticks * self.config.fps / hz)
                self._render()

    def _send(self, datagrams: list[bytes]) -> None:
        if not datagrams:
            return
        targets = [self.target]
        if self.discovery is not None:
            targets += [each for each in self.discovery.receivers() if each != self.target]
        for target in targets:
            for datagram in datagrams:
                with contextlib.suppress(OSError):  # no receiver, or a full buffer: UDP loses data
                    self.udp.sendto(datagram, target)

    def _render(self) -> None:
        core = self.core
        self.sound.update(core)
        if core.faults.video == "missing":
            self.latest.publish(None, core.truth())
            return
        drawn_ns = time.perf_counter_ns()
        picture = core.frame()
        if self.player is not None:
            self.player.show(picture, core)
        if self.config.timestamp:
            picture = picture.copy()
            write_time_stamp(picture, drawn_ns)
        self.latest.publish(_encode_jpeg(picture), core.truth())


def _drain(udp: socket.socket) -> list[bytes]:
    datagrams: list[bytes] = []
    for _ in range(_DATAGRAMS_PER_TICK):
        try:
            datagrams.append(udp.recv(65536))
        except BlockingIOError:
            break
        except OSError:
            continue  # Windows reports here that an earlier datagram reached no receiver
    return datagrams


def _encode_jpeg(picture: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise RuntimeError(f"OpenCV could not encode a JPEG of shape {picture.shape}")
    return encoded.tobytes()


def _bind_udp(setting: str, port: int) -> socket.socket:
    """A non-blocking UDP socket on loopback. `setting` names the port in the error message."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.bind(("127.0.0.1", port))
    except OSError as error:
        udp.close()
        raise _port_taken(setting, port, error) from error
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    udp.setblocking(False)
    return udp


def _free_port() -> int:
    """A UDP port that is free now, on which the agent can listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port_taken(setting: str, port: int, error: OSError) -> StandinPortTaken:
    return StandinPortTaken(f"the stand-in's {setting} {port} is not free ({error.strerror})")
