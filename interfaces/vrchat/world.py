"""VRChat as a World: OSC out, OSC in, a camera. The stand-in is driven by this very code."""

import contextlib
import socket
import threading

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.schema import WorldConfig
from interfaces.clock import Clock
from interfaces.endpoints import Endpoints
from interfaces.spaces import Spaces
from interfaces.vrchat.camera import Camera
from interfaces.vrchat.feelings import Feelings
from interfaces.vrchat.hands import Hands
from interfaces.world import Observation, Situation

STALE_FRAME_S = 2.0


def vrchat_spaces(config: WorldConfig) -> Spaces:
    return Spaces((config.camera.height, config.camera.width, 3), config.parameters, config.actions)


class PortTaken(BadInput, OSError):
    """Another program already listens where the avatar's parameters should arrive."""


class VRChatWorld:
    """A running VRChat client, real or stand-in, at `endpoints`.

    Raises PortTaken when the receive port is not free.
    """

    def __init__(self, config: WorldConfig, endpoints: Endpoints, clock: Clock) -> None:
        self._spaces = vrchat_spaces(config)
        self._clock = clock
        self._target = (endpoints.osc_host, endpoints.osc_send_port)
        self._in = _listen(endpoints.osc_receive_port)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._out.setblocking(False)
        self._feelings = Feelings(config.parameters)
        self._hands = Hands(config.actions)
        self._last_sent = np.zeros(self._spaces.num_actions, np.float32)
        self._dark = np.zeros(self._spaces.image_shape, np.uint8)
        self._avatar_changes = 0
        self._first = True
        self.sent_datagrams = 0
        self._closed = False
        self.camera_source = endpoints.camera_source
        self._camera = Camera(self.camera_source, config.camera.width, config.camera.height, clock)
        self._listener = threading.Thread(target=self._hear, name="osc-in", daemon=True)
        self._listener.start()

    @property
    def spaces(self) -> Spaces:
        return self._spaces

    @property
    def received(self) -> int:
        return self._feelings.received

    @property
    def ignored(self) -> int:
        return self._feelings.ignored

    def has_frame(self) -> bool:
        return self._camera.newest() is not None

    def observe(self) -> Observation:
        now = self._clock.now()
        grabbed = self._camera.newest()
        situation = Situation.NONE
        if grabbed is None or now - grabbed.at_s > STALE_FRAME_S:
            situation |= Situation.NO_FRAME
        changed = self._feelings.avatar_changes != self._avatar_changes
        if changed and not self._first:
            situation |= Situation.AVATAR_CHANGE
        self._avatar_changes = self._feelings.avatar_changes
        is_first = self._first or bool(situation & Situation.AVATAR_CHANGE)
        self._first = False
        return Observation(
            image=self._dark if grabbed is None else grabbed.picture,
            vector=np.concatenate([self._feelings.vector(), self._last_sent]),
            is_first=is_first,
            frame_age_s=0.0 if grabbed is None else now - grabbed.at_s,
            frame_number=0 if grabbed is None else grabbed.number,
            situation=situation,
        )

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        datagrams, sent = self._hands.move(action)
        self._send(datagrams)
        self._last_sent = sent
        return sent

    def rest(self) -> None:
        self._send(self._hands.rest())
        self._last_sent = np.zeros_like(self._last_sent)

    def forget(self) -> None:
        self._hands.rest()
        self._last_sent = np.zeros_like(self._last_sent)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for _ in range(3):  # UDP may lose one
            self.rest()
        self._in.close()
        self._out.close()
        self._camera.close()
        self._listener.join(timeout=1.0)

    def _send(self, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            # A full buffer or an unreachable client must not stop the beat; the whole state goes
            # out again at the next one.
            with contextlib.suppress(OSError):
                self._out.sendto(datagram, self._target)
                self.sent_datagrams += 1

    def _hear(self) -> None:
        while not self._closed:
            try:
                datagram = self._in.recv(65536)
            except TimeoutError:
                continue
            except ConnectionResetError:
                continue  # Windows reports an earlier send nobody heard
            except OSError:
                return
            self._feelings.take(datagram)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"world.osc.receive_port {port}: another program listens there ({error.strerror}); "
            "close it or choose another port"
        ) from error
    listener.settimeout(0.25)
    return listener
