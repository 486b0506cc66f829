"""What releases the inputs of a run: where the client is, and what it must get."""

import contextlib
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interfaces.runtime.run_folder import RunFolder

if TYPE_CHECKING:  # half a second, for which the command `stop` does not wait
    from configs.schema import Config
    from interfaces.vrchat.endpoints import Endpoints

_COPIES, _SPACING_S = 3, 0.01  # UDP may lose a packet


@dataclass(frozen=True)
class ReleasePlan:
    """`target`: host and port of the client. `rest`: datagrams that release every input.

    `hz`: ticks per second of the body.
    """

    target: tuple[str, int]
    rest: tuple[bytes, ...]
    hz: float

    def __str__(self) -> str:
        return f"{self.target[0]}:{self.target[1]}"

    def send(self) -> None:
        """Send every rest value three times. It takes 20 ms."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for i in range(_COPIES):
                for datagram in self.rest:
                    with contextlib.suppress(OSError):  # no client listens: nothing to release
                        out.sendto(datagram, self.target)
                if i + 1 < _COPIES:
                    time.sleep(_SPACING_S)


def release_plan(config: "Config", endpoints: "Endpoints") -> ReleasePlan:
    """The plan of a configuration at the chosen endpoints."""
    from interfaces.safety.input_rest import input_rest_datagrams

    return ReleasePlan(
        (endpoints.osc_host, endpoints.osc_send_port),
        tuple(input_rest_datagrams(config.world)),
        config.tick.hz,
    )


def read_release_plan(run: RunFolder) -> ReleasePlan:
    """The plan by the files of a run's folder. Raises ConfigError, OSError, ValueError, TypeError.

    The folder may come from another person: check the host before sending.
    """
    from interfaces.vrchat.endpoints import read_endpoints

    return release_plan(run.config, read_endpoints(run.endpoints))
