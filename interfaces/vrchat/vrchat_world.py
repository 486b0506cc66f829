"""VRChat as a World: OSC out, OSC in, a camera. The stand-in is driven by this very code."""

import socket
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from configs.schema import WorldConfig
from interfaces.core.clock import Clock
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation
from interfaces.devices.audio_input import Ears, LogMel, raw_shape
from interfaces.devices.camera import Camera
from interfaces.osc.ports import listen_at
from interfaces.vrchat.avatar_io import Presence
from interfaces.vrchat.client_log import WorldLog, log_folder
from interfaces.vrchat.endpoints import Endpoints
from interfaces.vrchat.situation_detector import Sight
from interfaces.vrchat.voice import Voice


def vrchat_spaces(config: WorldConfig) -> Spaces:
    ears, camera = config.ears, config.camera
    hears = ears.device is not None
    return Spaces(
        (camera.height, camera.width, 3),
        config.parameters,
        config.actions,
        LogMel(ears).shape if hears else (),
        raw_shape(ears) if hears and ears.keep_raw else (),
    )


class VRChatWorld:
    """A running VRChat client, real or stand-in, at `endpoints`.

    Raises PortTaken when the receive port is not free.
    """

    def __init__(
        self,
        config: WorldConfig,
        endpoints: Endpoints,
        clock: Clock,
        beat_s: float = 0.1,
        fenced: Callable[[], bool] = bool,
    ) -> None:
        """`fenced` is asked before every datagram: a body that was stopped in mid-beat and wakes
        behind the guard's fence sends nothing of it."""
        self._fenced = fenced
        self._spaces = vrchat_spaces(config)
        self._clock = clock
        self._target = (endpoints.osc_host, endpoints.osc_send_port)
        self._in = listen_at(endpoints.osc_receive_port, endpoints.osc_receive_host)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._out.setblocking(False)
        self._out.connect(self._target)  # so that a closed port is told
        self._ears, voice = None, None
        if config.ears.device is not None:
            self._ears = Ears(config.ears, clock)
        if config.voice.device is not None:
            voice = Voice(config.voice, config.actions, beat_s)
        self.presence = Presence(config, self._spaces, clock.now, beat_s, voice)
        self.sent_datagrams = 0
        self._copies = config.osc.copies
        self._worlds = config.manners.worlds
        self._log = WorldLog(log_folder(config.manners)) if self._worlds else None
        self._closed = False
        self.camera_source = endpoints.camera_source
        self._camera = Camera(self.camera_source, config.camera, clock)
        self._listener = threading.Thread(target=self._hear, name="osc-in", daemon=True)
        self._listener.start()

    @property
    def spaces(self) -> Spaces:
        return self._spaces

    def has_frame(self) -> bool:
        return self._camera.newest() is not None

    def observe(self) -> Observation:
        grabbed, sight = self._camera.newest(), None
        if grabbed is not None:
            now = self._clock.now()
            sight = Sight(
                grabbed.picture,
                now - grabbed.at_s,
                grabbed.number,
                grabbed.brightness,
                max(0.0, grabbed.at_s - grabbed.same_since_s),
            )
        if self._log is not None:
            self.presence.world_allowed = self._log.world in self._worlds
        observation = self.presence.observe(sight)
        if self._ears is not None:
            heard = self._ears.newest()
            observation.sound, observation.sound_raw = heard.bands, heard.raw
        return observation

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        self._send(self.presence.act(action))
        return self.presence.last_sent

    def rest(self) -> None:
        self._send(self.presence.rest())

    def forget(self) -> None:
        self.presence.rest()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for _ in range(3):  # UDP may lose one
            self.rest()
        self._in.close()
        self._out.close()
        self._camera.close()
        if self._ears is not None:
            self._ears.close()
        if self._log is not None:
            self._log.close()
        self.presence.close()
        self._listener.join(timeout=1.0)

    def _send(self, datagrams: list[bytes]) -> None:
        """Send, and notice whether anybody listens.

        While nobody does the world asks for rest: the first that a client hears which has come back
        is rest, never half of a stride.
        """
        refused = False
        again = [each for each in datagrams if not each.startswith(b"/chatbox/")]
        for datagram in datagrams + again * (self._copies - 1):
            if self._fenced():
                break
            # A full buffer or an unreachable client must not stop the beat; the whole state goes
            # out again at the next one.
            try:
                self._out.send(datagram)
                self.sent_datagrams += 1
            except ConnectionError:
                refused = True
            except OSError:
                pass
        try:
            self._out.recv(1)  # nothing is ever sent here, but the word that a port is closed is
        except ConnectionError:
            refused = True
        except OSError:
            pass
        self.presence.client_gone = refused

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
            self.presence.feelings.take(datagram)
