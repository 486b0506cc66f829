"""The two OSC ports: who holds them, and what is said on ours."""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from configs.errors import BadInput
from configs.schema import WorldConfig
from interfaces.doctor.check_vrchat_process import ENABLE, VRCHAT, is_here
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.osc.message import OscError, decode
from interfaces.osc.oscquery_browser import Peer
from interfaces.osc.ports import LOOPBACK, holders, own_address, same_host
from interfaces.vrchat.endpoints import USUAL_IN, USUAL_OUT, address_of

LISTEN_S = 2.0
_UNASKED = "; OSCQuery finds nobody, so a run uses it"


def port_findings(
    world: WorldConfig,
    listen_s: float = LISTEN_S,
    clients: Callable[[], Sequence[Peer]] = tuple,
) -> list[Finding]:
    """Whether VRChat listens where Yume will talk, and Yume can listen where VRChat will talk.

    `clients`: those OSCQuery finds, asked for only where the ports depend on it.
    """
    send_port, receive_port, fallen_back = world.osc.send_port, world.osc.receive_port, False
    try:
        host = address_of(world.osc.host)
        here = own_address(host) if world.kind == "vrchat" else LOOPBACK
    except BadInput as error:
        return [problem("ports", str(error), "name a machine that is there: world.osc.host")]
    if world.kind == "vrchat" and not (send_port and receive_port):
        asked = world.osc.oscquery
        found = asked and any(same_host(each.host, host) for each in clients())
        if not found:  # what a run does then
            fallen_back = asked
            send_port, receive_port = send_port or USUAL_IN, receive_port or USUAL_OUT
    send = _send(world, send_port)
    # To wait for a client that does not listen either would say the same twice.
    listen_s = listen_s if send.level != "problem" else 0.0
    receive = _receive(world, receive_port, here, listen_s)
    return [_because(each) if fallen_back else each for each in (send, receive)]


def _because(finding: Finding) -> Finding:
    return replace(finding, text=finding.text + _UNASKED)


def _send(world: WorldConfig, port: int) -> Finding:
    standin = world.kind == "standin"
    if not port:
        return ok("send port", "a free one, when a run starts" if standin else "told by OSCQuery")
    if not is_here(world.osc.host):
        return ok("send port", f"{port} on {world.osc.host}; only that machine knows who listens")
    found = holders(port)
    if found is None:
        return ok("send port", f"{port}; the system does not tell who listens")
    who = ", ".join(map(str, found))
    if standin:
        if not found:
            return ok("send port", f"{port} is free for the stand-in")
        cure = "close it, or let a free one be chosen: world.osc.send_port=0"
        return problem("send port", f"{port} is taken by {who}", cure)
    if not found:
        return problem(
            "send port",
            f"nobody listens on {port}: VRChat does not run, or its OSC is off",
            f"{ENABLE}; if VRChat was started with --osc=IN:…, world.osc.send_port=IN",
        )
    if VRCHAT in [each.name for each in found]:
        return ok("send port", f"{port} is heard by {who}")
    text = f"{port} is heard by {who}, which is not {VRCHAT}"
    cure = "fine for a stand-in or an OSC router; else close it, then switch OSC off and on"
    return warning("send port", text, cure)


def _receive(world: WorldConfig, port: int, here: str, listen_s: float) -> Finding:
    if not port:
        return ok("receive port", "a free one, when a run starts")
    # Windows lets us bind beside a wildcard, and only one of the two hears: ask for holders first.
    found = holders(port, here)
    if world.kind == "standin":
        listen_s = 0.0
    heard = None if found else _listened(here, port, listen_s)
    if heard is None:
        who = ", ".join(map(str, found or [])) or "a program the system does not name"
        cure = "close it"
        if world.kind != "vrchat":
            cure += ", or let a free one be chosen: world.osc.receive_port=0"
        elif not world.osc.oscquery or world.osc.receive_port:
            cure += (
                ", or be found at a port of our own: world.osc.oscquery=true "
                "world.osc.receive_port=0"
            )
        else:
            cure += f", or be found by VRChat at a port of our own: {ENABLE}"
        return problem("receive port", f"{port} is taken by {who}", cure)
    if not listen_s:
        return ok("receive port", f"{port} is free")
    if not heard:
        return warning(
            "receive port",
            f"{port} is free, but nothing came within {listen_s:g} s",
            "VRChat tells only what changes: move in it and ask again; if nothing comes still, OSC "
            "is off there, or goes elsewhere (--osc)",
        )
    first = ", ".join(list(dict.fromkeys(heard))[:2])
    return ok("receive port", f"{port} is free; {len(heard)} messages in {listen_s:g} s: {first}")


def _listened(here: str, port: int, seconds: float) -> Sequence[str] | None:
    """The addresses of all messages that came, in order; None if the port cannot be had."""
    heard: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        try:
            ear.bind((here, port))
        except OSError:
            return None
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            ear.settimeout(left_s)
            with contextlib.suppress(TimeoutError, ConnectionResetError, OscError):
                heard += [address for address, _ in decode(ear.recv(65536))]
    return heard
