"""Where this life's world is reached: the real ports and camera, chosen when a run starts."""

import json
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from configs.errors import BadInput
from configs.schema import WorldConfig
from configs.vrchat import OscConfig
from interfaces.devices.video_source import check_video
from interfaces.ipc.atomic_files import write_json
from interfaces.osc.ports import LOOPBACK, listen_at, own_address
from interfaces.vrchat.client_log import log_folder

USUAL_IN, USUAL_OUT = 9000, 9001  # VRChat's own ports


@dataclass(frozen=True)
class Endpoints:
    """OSC in and out, and where the picture comes from.

    osc_receive_host: our address that the client's parameters come to; loopback, unless the client
    is elsewhere. query_host and query_port: where the client's OSCQuery is asked, if it was found;
    advertised: it is told of `osc_receive_port` by OSCQuery. `notice` is what a person should know
    of it.
    """

    osc_host: str
    osc_send_port: int
    osc_receive_port: int
    camera_source: str | int
    osc_receive_host: str = LOOPBACK
    query_host: str = ""
    query_port: int = 0
    advertised: bool = False
    notice: str = ""


def choose_endpoints(config: WorldConfig) -> Endpoints:
    """What the configuration says; port 0 becomes a free one, `auto` the stand-in's stream.

    In VRChat with OSCQuery: what the client found there says; without one, or without OSCQuery, its
    usual ports. Raises PortTaken for a receive port that is not free, and BadInput for a host that
    is not known, where several clients could be meant, and for a camera or a log folder that
    waiting does not bring.
    """
    source = config.camera.source
    if source == "auto":
        source = f"http://{LOOPBACK}:{_free_port(socket.SOCK_STREAM)}/camera.mjpg"
    else:
        check_video(source)
    if config.manners.worlds:
        log_folder(config.manners)
    osc, host = config.osc, address_of(config.osc.host)
    found = _in_vrchat(osc, host, source) if config.kind == "vrchat" else _beside(osc, host, source)
    listen_at(found.osc_receive_port, found.osc_receive_host).close()
    return found


def _beside(osc: OscConfig, host: str, source: str | int) -> Endpoints:
    """A stand-in of our own takes the ports it is given."""
    send_port = osc.send_port or _free_port(socket.SOCK_DGRAM)
    return Endpoints(host, send_port, osc.receive_port or _free_port(socket.SOCK_DGRAM), source)


def _in_vrchat(osc: OscConfig, host: str, source: str | int) -> Endpoints:
    here = own_address(host)
    ports = Endpoints(host, osc.send_port or USUAL_IN, osc.receive_port or USUAL_OUT, source, here)
    if not osc.oscquery:
        return _told(ports)
    from interfaces.vrchat.client_finder import (  # mDNS: not in every process
        choose_client,
        find_clients,
    )

    client = choose_client(find_clients(osc.interfaces or None), host, osc.client)
    if client is None:
        return _told(
            ports,
            "no VRChat client answers OSCQuery (is OSC enabled in its action menu?); "
            f"sending to {ports.osc_send_port} and listening at {ports.osc_receive_port} instead",
        )
    notice = ""
    if osc.send_port and osc.send_port != client.osc_port:
        notice = (
            f"{client.name} advertises OSC port {client.osc_port}, world.osc.send_port says "
            f"{osc.send_port}: sending there (with --osc VRChat still advertises 9000)"
        )
    ports = replace(
        ports,
        osc_send_port=osc.send_port or client.osc_port,
        query_host=client.host,
        query_port=client.http_port,
        advertised=not osc.receive_port,
    )
    if here == LOOPBACK and not osc.receive_port:
        ports = replace(ports, osc_receive_port=_free_port(socket.SOCK_DGRAM))
    return _told(ports, notice)


def _told(ports: Endpoints, notice: str = "") -> Endpoints:
    """With what a person should know: VRChat tells its own machine only, unless it is started so.
    (It does not go by the address that OSCQuery tells.)"""
    if ports.osc_receive_host == LOOPBACK:
        return replace(ports, notice=notice)
    start = f"--osc={ports.osc_send_port}:{ports.osc_receive_host}:{ports.osc_receive_port}"
    elsewhere = f"VRChat on {ports.osc_host} is heard only if it was started with {start}"
    return replace(ports, notice="\n".join(filter(None, [notice, elsewhere])))


def write_endpoints(path: Path, endpoints: Endpoints) -> None:
    write_json(path, asdict(endpoints))


def read_endpoints(path: Path) -> Endpoints:
    return Endpoints(**json.loads(path.read_text(encoding="utf-8")))


def address_of(host: str) -> str:
    """The address of a name, looked up once: in the beat it would wait for the name service.
    Raises BadInput."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise BadInput(f"world.osc.host {host}: no such host ({error})") from error


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
