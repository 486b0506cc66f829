"""Check the two OSC ports: which programs use them, and which messages arrive."""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from configs.errors import BadInput
from configs.world_settings import WorldConfig
from interfaces.doctor.check_vrchat_process import ENABLE, VRCHAT, is_here
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.osc.message import OscError, decode
from interfaces.osc.oscquery_browser import Peer
from interfaces.osc.ports import LOOPBACK, own_address, port_owners, same_host
from interfaces.vrchat.endpoints import VRCHAT_IN_PORT, VRCHAT_OUT_PORT, resolve_host

LISTEN_S = 2.0
_FALLBACK = "; OSCQuery finds no client, so a run uses this port"


def port_findings(
    world: WorldConfig,
    listen_s: float = LISTEN_S,
    clients: Callable[[], Sequence[Peer]] = tuple,
) -> list[Finding]:
    """Whether VRChat listens on the port to which Yume sends, and Yume can listen on the other.

    `clients` returns the clients that OSCQuery finds; it is called only if the ports depend on it.
    """
    send_port, receive_port, fallback = world.osc.send_port, world.osc.receive_port, False
    try:
        host = resolve_host(world.osc.host)
        here = own_address(host) if world.kind == "vrchat" else LOOPBACK
    except BadInput as error:
        return [problem("ports", str(error), "name an existing machine: world.osc.host")]
    if world.kind == "vrchat" and not (send_port and receive_port):
        asks = world.osc.oscquery
        answered = asks and any(same_host(each.host, host) for each in clients())
        if not answered:  # the same fallback as in a run
            fallback = asks
            send_port, receive_port = send_port or VRCHAT_IN_PORT, receive_port or VRCHAT_OUT_PORT
    send = _send_finding(world, send_port)
    # Do not wait for messages of a client that does not run: it would repeat the first problem.
    listen_s = listen_s if send.level != "problem" else 0.0
    receive = _receive_finding(world, receive_port, here, listen_s)
    return [_with_fallback(each) if fallback else each for each in (send, receive)]


def _with_fallback(finding: Finding) -> Finding:
    return replace(finding, text=finding.text + _FALLBACK)


def _send_finding(world: WorldConfig, port: int) -> Finding:
    standin = world.kind == "standin"
    if not port:
        source = "a free port, chosen when a run starts" if standin else "given by OSCQuery"
        return ok("send port", source)
    if not is_here(world.osc.host):
        text = f"{port} on {world.osc.host}; only that machine knows which program listens"
        return ok("send port", text)
    owners = port_owners(port)
    if owners is None:
        return ok("send port", f"{port}; the system does not say which program listens")
    names = ", ".join(map(str, owners))
    if standin:
        if not owners:
            return ok("send port", f"{port} is free for the stand-in")
        remedy = "close it, or let Yume choose a free port: world.osc.send_port=0"
        return problem("send port", f"{port} is used by {names}", remedy)
    if not owners:
        return problem(
            "send port",
            f"no program listens on {port}: VRChat does not run, or its OSC is off",
            f"{ENABLE}; if VRChat was started with --osc=IN:…, world.osc.send_port=IN",
        )
    if VRCHAT in [each.name for each in owners]:
        return ok("send port", f"{names} listens on {port}")
    text = f"{names} listens on {port}, which is not {VRCHAT}"
    remedy = (
        "correct for a stand-in or an OSC router; otherwise close it, then switch OSC off and on"
    )
    return warning("send port", text, remedy)


def _receive_finding(world: WorldConfig, port: int, here: str, listen_s: float) -> Finding:
    if not port:
        return ok("receive port", "a free port, chosen when a run starts")
    # Windows allows a second bind beside a wildcard address, and only one program gets the
    # messages. So look for owners before binding.
    owners = port_owners(port, here)
    if world.kind == "standin":
        listen_s = 0.0
    addresses = None if owners else _listen(here, port, listen_s)
    if addresses is None:
        names = ", ".join(map(str, owners or [])) or "a program that the system does not name"
        return problem("receive port", f"{port} is used by {names}", _free_port_remedy(world))
    if not listen_s:
        return ok("receive port", f"{port} is free")
    if not addresses:
        return warning(
            "receive port",
            f"{port} is free, but no message came within {listen_s:g} s",
            "VRChat sends only changes: move in it and try again; if still nothing comes, OSC is "
            "off there, or it sends to another address (--osc)",
        )
    first = ", ".join(list(dict.fromkeys(addresses))[:2])
    text = f"{port} is free; {len(addresses)} messages in {listen_s:g} s: {first}"
    return ok("receive port", text)


def _free_port_remedy(world: WorldConfig) -> str:
    if world.kind != "vrchat":
        return "close it, or let Yume choose a free port: world.osc.receive_port=0"
    if not world.osc.oscquery or world.osc.receive_port:
        return (
            "close it, or let VRChat find Yume at another port: world.osc.oscquery=true "
            "world.osc.receive_port=0"
        )
    return f"close it, or let VRChat find Yume at another port: {ENABLE}"


def _listen(here: str, port: int, seconds: float) -> Sequence[str] | None:
    """The OSC addresses of all messages, in order; None if the port cannot be opened."""
    addresses: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind((here, port))
        except OSError:
            return None
        deadline = time.perf_counter() + seconds
        while (left_s := deadline - time.perf_counter()) > 0:
            receiver.settimeout(left_s)
            with contextlib.suppress(TimeoutError, ConnectionResetError, OscError):
                addresses += [address for address, _ in decode(receiver.recv(65536))]
    return addresses
