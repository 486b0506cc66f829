"""The two OSC ports: who holds them, and what is said on ours."""

import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import psutil

from configs.schema import WorldConfig
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.doctor.running import ENABLE, VRCHAT, is_here
from interfaces.vrchat.osc import OscError, decode

LISTEN_S = 2.0
_COMMAND_CHARACTERS = 40


@dataclass(frozen=True)
class Holder:
    """A program that listens on a port; pid 0 where the system does not tell."""

    name: str
    pid: int = 0

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


def port_findings(world: WorldConfig, listen_s: float = LISTEN_S) -> list[Finding]:
    """Whether VRChat listens where Yume will talk, and Yume can listen where VRChat will talk."""
    send = _send(world)
    # To wait for a client that does not listen either would say the same twice.
    return [send, _receive(world, listen_s if send.level != "problem" else 0.0)]


def holders(port: int) -> list[Holder] | None:
    """Who listens on this UDP port; None where the system does not tell."""
    try:
        sockets = psutil.net_connections("udp")
    except psutil.AccessDenied:  # macOS tells root only
        return None
    # "udp" is of IPv6 too: a wildcard there takes the port of IPv4.
    pids = {each.pid for each in sockets if each.laddr and each.laddr[1] == port}
    return [_holder(pid) for pid in sorted(pids, key=lambda pid: pid or 0)]


def _holder(pid: int | None) -> Holder:
    if pid is None:
        return Holder("a program of another user")
    try:
        process = psutil.Process(pid)
        name = process.name()
        if name.startswith("python"):  # which program that is, its words tell
            words = [Path(w).name if w.endswith(".py") else w for w in process.cmdline()[1:]]
            name = shorten(" ".join([name, *words]), _COMMAND_CHARACTERS, placeholder=" …")
    except psutil.Error:
        return Holder("a program", pid)
    return Holder(name, pid)


def _send(world: WorldConfig) -> Finding:
    port, standin = world.osc.send_port, world.kind == "standin"
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


def _receive(world: WorldConfig, listen_s: float) -> Finding:
    port = world.osc.receive_port
    if not port:
        return ok("receive port", "a free one, when a run starts")
    # Windows lets us bind beside a wildcard, and only one of the two hears: ask for holders first.
    found = holders(port)
    if world.kind == "standin":
        listen_s = 0.0
    heard = None if found else _listened(port, listen_s)
    if heard is None:
        who = ", ".join(map(str, found or [])) or "a program the system does not name"
        cure = "close it"
        if world.kind == "vrchat":
            cure += ", or be found at a port of our own: world.osc.oscquery=true "
        else:
            cure += ", or let a free one be chosen: "
        return problem(
            "receive port", f"{port} is taken by {who}", f"{cure}world.osc.receive_port=0"
        )
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


def _listened(port: int, seconds: float) -> Sequence[str] | None:
    """The addresses of all messages that came, in order; None if the port cannot be had."""
    heard: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        try:
            ear.bind(("127.0.0.1", port))
        except OSError:
            return None
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            ear.settimeout(left_s)
            with contextlib.suppress(TimeoutError, ConnectionResetError, OscError):
                heard += [address for address, _ in decode(ear.recv(65536))]
    return heard
