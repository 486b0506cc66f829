"""The client under measurement: sends inputs, reads responses, and always releases the inputs."""

import threading
from pathlib import Path
from types import TracebackType

from configs.schema import Config
from interfaces.core.clock import RealClock
from interfaces.devices.camera import Camera, CameraFrame
from interfaces.runtime.guarded_client import GuardedClient
from interfaces.vrchat.avatar_parameters import AvatarParameters
from interfaces.vrchat.endpoints import Endpoints

PARAMETERS = ("AngularY", "VelocityX", "VelocityZ")


class MeasuredClient(GuardedClient):
    """A GuardedClient with the parameters and the camera that show how it responds."""

    def __init__(
        self, config: Config, endpoints: Endpoints, main: Path, stopped: threading.Event
    ) -> None:
        clock = RealClock()
        self.parameters = AvatarParameters(PARAMETERS, (), {}, clock.now)
        super().__init__(config, endpoints, main, stopped, self.parameters.receive)
        self._camera = Camera(endpoints.camera_source, config.world.camera, clock)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._camera.close()

    def frame(self) -> CameraFrame | None:
        """The newest frame, or None."""
        return self._camera.newest()
