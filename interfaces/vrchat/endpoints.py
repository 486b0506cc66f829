"""The addresses of a run's world: real ports and camera source, chosen when the run starts."""

import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from configs.errors import BadInput
from configs.reading.json_document import read_json
from configs.strict import Port
from configs.vrchat import OscConfig
from configs.world_settings import WorldConfig
from interfaces.devices.video_source import check_video
from interfaces.ipc.atomic_files import write_json
from interfaces.osc.ports import LOOPBACK, listen_at, own_address
from interfaces.vrchat.client_log import log_folder

if TYPE_CHECKING:  # it imports mDNS, which few processes need
    from interfaces.osc.oscquery_browser import Peer

VRCHAT_IN_PORT, VRCHAT_OUT_PORT = 9000, 9001  # VRChat's default ports


@dataclass(frozen=True)
class Endpoints:
    """OSC input and output of the client, and the source of its picture.

    `osc_receive_host`: the address of this machine that receives the client's parameters. It is
    loopback, unless the client runs on another machine.

    `query_host` and `query_port`: the client's OSCQuery server, if one was found. `advertised`:
    whether OSCQuery tells the client about `osc_receive_port`.

    `notice`: a message for the user, or "".
    """

    osc_host: str
    osc_send_port: Port
    osc_receive_port: Port
    camera_source: str | int
    osc_receive_host: str = LOOPBACK
    query_host: str = ""
    query_port: Port = 0
    advertised: bool = False
    notice: str = ""


ENDPOINTS = TypeAdapter(Endpoints)


def choose_endpoints(config: WorldConfig) -> Endpoints:
    """The endpoints of a configuration. Port 0 becomes a free port, camera `auto` the stand-in's.

    VRChat with OSCQuery: the ports that the client reports. If no client answers, or without
    OSCQuery: VRChat's default ports.

    Raises PortTaken for a receive port in use. Raises BadInput for an unknown host, for several
    matching clients, and for a camera source or log folder that does not exist.
    """
    source = config.camera.source
    if source == "auto":
        source = f"http://{LOOPBACK}:{_free_port(socket.SOCK_STREAM)}/camera.mjpg"
    else:
        check_video(source)
    if config.limits.worlds:
        log_folder(config.limits)
    osc, host = config.osc, resolve_host(config.osc.host)
    for_kind = _vrchat_endpoints if config.kind == "vrchat" else _standin_endpoints
    endpoints = for_kind(osc, host, source)
    if config.kind == "standin" and config.sense_features:  # to tell silent from absent
        query_port = _free_port(socket.SOCK_STREAM)
        endpoints = replace(endpoints, query_host=LOOPBACK, query_port=query_port)
    listen_at(endpoints.osc_receive_port, endpoints.osc_receive_host).close()
    return endpoints


def _standin_endpoints(osc: OscConfig, host: str, source: str | int) -> Endpoints:
    """The run starts the stand-in itself, at these ports."""
    send_port = osc.send_port or _free_port(socket.SOCK_DGRAM)
    return Endpoints(host, send_port, osc.receive_port or _free_port(socket.SOCK_DGRAM), source)


def _vrchat_endpoints(osc: OscConfig, host: str, source: str | int) -> Endpoints:
    if not osc.oscquery:
        return _with_notice(client_endpoints(osc, host, source, None))
    from interfaces.vrchat.client_finder import (  # imports mDNS, which few processes need
        choose_client,
        find_clients,
    )

    clients = find_clients(osc.interfaces or None, host=host, name=osc.client)
    client = choose_client(clients, host, osc.client)
    endpoints = client_endpoints(osc, host, source, client)
    if client is None:
        return _with_notice(
            endpoints,
            "no VRChat client answers OSCQuery (is OSC enabled in its action menu?); "
            f"sending to port {endpoints.osc_send_port} and listening at port "
            f"{endpoints.osc_receive_port} instead",
        )
    notice = ""
    if osc.send_port and osc.send_port != client.osc_port:
        notice = (
            f"{client.name} advertises OSC port {client.osc_port}, but world.osc.send_port is "
            f"{osc.send_port}: sending there (with --osc VRChat still advertises 9000)"
        )
    return _with_notice(endpoints, notice)


def client_endpoints(
    osc: OscConfig, host: str, source: str | int, client: "Peer | None"
) -> Endpoints:
    """The endpoints of VRChat at `host`, an IPv4 address. Without `client`: its default ports."""
    own = own_address(host)
    send_port, receive_port = osc.send_port or VRCHAT_IN_PORT, osc.receive_port or VRCHAT_OUT_PORT
    endpoints = Endpoints(host, send_port, receive_port, source, own)
    if client is None:
        return endpoints
    endpoints = replace(
        endpoints,
        osc_send_port=osc.send_port or client.osc_port,
        query_host=client.host,
        query_port=client.http_port,
        advertised=not osc.receive_port,
    )
    if own == LOOPBACK and not osc.receive_port:
        endpoints = replace(endpoints, osc_receive_port=_free_port(socket.SOCK_DGRAM))
    return endpoints


def _with_notice(endpoints: Endpoints, notice: str = "") -> Endpoints:
    """Add `notice`, and for a client on another machine how VRChat must be started there.

    By default VRChat sends parameters to its own machine only, whatever address OSCQuery reports.
    """
    if endpoints.osc_receive_host == LOOPBACK:
        return replace(endpoints, notice=notice)
    option = (
        f"--osc={endpoints.osc_send_port}:{endpoints.osc_receive_host}:{endpoints.osc_receive_port}"
    )
    remote = f"VRChat on {endpoints.osc_host} sends parameters here only if started with {option}"
    return replace(endpoints, notice="\n".join(filter(None, [notice, remote])))


def write_endpoints(path: Path, endpoints: Endpoints) -> None:
    """Write the endpoints of a run as JSON."""
    write_json(path, asdict(endpoints))


def read_endpoints(path: Path) -> Endpoints:
    """Read what write_endpoints wrote. Raises UnreadableFile and MissingFile."""
    return read_json(path, ENDPOINTS)


def resolve_host(host: str) -> str:
    """The IPv4 address of a host name. Resolved once, because a look-up in a tick would wait.

    Raises BadInput for an unknown host.
    """
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise BadInput(f"world.osc.host {host}: no such host ({error})") from error


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
