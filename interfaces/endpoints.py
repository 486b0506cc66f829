"""Where this life's world is reached: the real ports and camera, chosen when a run starts."""

import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from configs.errors import BadInput
from configs.schema import WorldConfig
from interfaces.files import write_json


@dataclass(frozen=True)
class Endpoints:
    """OSC in and out, and where the picture comes from."""

    osc_host: str
    osc_send_port: int
    osc_receive_port: int
    camera_source: str | int


def choose_endpoints(config: WorldConfig) -> Endpoints:
    """What the configuration says; port 0 becomes a free one, `auto` the stand-in's stream.

    Raises BadInput for a host that is not known.
    """
    send_port = config.osc.send_port or _free_port(socket.SOCK_DGRAM)
    receive_port = config.osc.receive_port or _free_port(socket.SOCK_DGRAM)
    source = config.camera.source
    if source == "auto":
        source = f"http://127.0.0.1:{_free_port(socket.SOCK_STREAM)}/camera.mjpg"
    return Endpoints(_resolved(config.osc.host), send_port, receive_port, source)


def write_endpoints(path: Path, endpoints: Endpoints) -> None:
    write_json(path, asdict(endpoints))


def read_endpoints(path: Path) -> Endpoints:
    return Endpoints(**json.loads(path.read_text(encoding="utf-8")))


def _resolved(host: str) -> str:
    """The address of a name, looked up once: in the beat it would wait for the name service."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise BadInput(f"world.osc.host {host}: no such host ({error})") from error


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
