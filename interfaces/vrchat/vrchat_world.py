"""VRChat as a World: OSC output, OSC input and a camera. A live stand-in uses the same code."""

import socket
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from configs.world_settings import WorldConfig
from interfaces.core.clock import Clock
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation
from interfaces.devices.audio_input import AudioInput, LogMel, raw_shape
from interfaces.devices.camera import Camera
from interfaces.osc.osc_receiver import OscReceiver
from interfaces.osc.ports import listen_at
from interfaces.vrchat.avatar_io import AvatarIO
from interfaces.vrchat.client_log import ClientLogFollower, log_folder
from interfaces.vrchat.endpoints import Endpoints
from interfaces.vrchat.situation_detector import FrameSample
from interfaces.vrchat.voice import Voice


def vrchat_spaces(config: WorldConfig) -> Spaces:
    """Shapes and names of the observations and actions in VRChat."""
    audio, camera = config.audio_input, config.camera
    has_audio = audio.device is not None
    return Spaces(
        (camera.height, camera.width, 3),
        (*config.parameters, *config.sense_features),
        config.actions,
        LogMel(audio).shape if has_audio else (),
        raw_shape(audio) if has_audio and audio.keep_raw else (),
    )


class VRChatWorld:
    """A running VRChat client, real or stand-in, at `endpoints`.

    `tick_s`: seconds per tick. `is_fenced` is asked before every datagram, and `is_late` before
    every datagram of an action. They stop a body that was suspended in the middle of a tick: after
    a fence it sends nothing more, and after a pause nothing more of the old action.

    Raises PortTaken when the receive port is in use, and BadWav for a sound that cannot be played.
    """

    def __init__(
        self,
        config: WorldConfig,
        endpoints: Endpoints,
        clock: Clock,
        tick_s: float = 0.1,
        is_fenced: Callable[[], bool] = bool,
        is_late: Callable[[], bool] = bool,
    ) -> None:
        self._is_fenced, self._is_late = is_fenced, is_late
        self._spaces = vrchat_spaces(config)
        self._clock = clock
        self._target = (endpoints.osc_host, endpoints.osc_send_port)
        listener = listen_at(endpoints.osc_receive_port, endpoints.osc_receive_host)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._out.setblocking(False)
        self._out.connect(self._target)  # connected, so that the system reports a closed port
        self._audio, voice = None, None
        if config.audio_input.device is not None:
            self._audio = AudioInput(config.audio_input, clock)
        if config.voice.device is not None:
            voice = Voice(config.voice, config.actions, tick_s)
        self.avatar_io = AvatarIO(config, self._spaces, clock.now, tick_s, voice)
        self.sent_datagrams = 0
        self._copies = config.osc.copies
        self._allowed_worlds = config.limits.worlds
        self._log = ClientLogFollower(log_folder(config.limits)) if self._allowed_worlds else None
        self._closed = False
        self.camera_source = endpoints.camera_source
        self._camera = Camera(self.camera_source, config.camera, clock)
        self._receiver = OscReceiver(
            listener, endpoints.osc_host, self.avatar_io.parameters.receive
        )

    @property
    def spaces(self) -> Spaces:
        return self._spaces

    @property
    def foreign_datagrams(self) -> int:
        """How many datagrams another address than the client's sent. They are ignored."""
        return self._receiver.foreign

    def has_frame(self) -> bool:
        """Whether the camera has delivered a frame."""
        return self._camera.newest() is not None

    def observe(self) -> Observation:
        newest, frame = self._camera.newest(), None
        if newest is not None:
            now = self._clock.now()
            frame = FrameSample(
                newest.picture,
                now - newest.at_s,
                newest.number,
                newest.brightness,
                max(0.0, newest.at_s - newest.unchanged_since_s),
            )
        if self._log is not None:
            self.avatar_io.world_allowed = self._log.world in self._allowed_worlds
        observation = self.avatar_io.observe(frame)
        if self._audio is not None:
            window = self._audio.newest()
            observation.sound, observation.sound_raw = window.bands, window.raw
        return observation

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        self._send(self.avatar_io.act(action), self._is_late)
        return self.avatar_io.last_sent

    def rest(self) -> None:
        self._send(self.avatar_io.rest())

    def forget(self) -> None:
        self.avatar_io.rest()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for _ in range(3):  # UDP may lose a packet
            self.rest()
        self._receiver.close()
        self._out.close()
        self._camera.close()
        if self._audio is not None:
            self._audio.close()
        if self._log is not None:
            self._log.close()
        self.avatar_io.close()

    def _send(self, datagrams: list[bytes], is_late: Callable[[], bool] = bool) -> None:
        """Send the datagrams, and notice whether a client listens.

        Without a client the observation asks for rest. A client that returns then receives rest
        values first, not the middle of a movement.
        """
        refused = False
        repeated = [each for each in datagrams if not each.startswith(b"/chatbox/")]
        for datagram in datagrams + repeated * (self._copies - 1):
            if self._is_fenced() or is_late():
                break
            # A full buffer or an unreachable client must not stop the tick. The next tick sends the
            # whole state again.
            try:
                self._out.send(datagram)
                self.sent_datagrams += 1
            except ConnectionError:
                refused = True
            except OSError:
                pass
        try:
            self._out.recv(1)  # no data arrives here, but the system reports a closed port
        except ConnectionError:
            refused = True
        except OSError:
            pass
        self.avatar_io.client_gone = refused
