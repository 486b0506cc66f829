"""Addresses and UDP ports of this machine: how a client reaches us, and who listens where."""

import socket
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import psutil

from configs.errors import BadInput

LOOPBACK = "127.0.0.1"
_COMMAND_CHARACTERS = 40


class PortTaken(BadInput, OSError):
    """Another program already listens where the avatar's parameters should arrive."""


@dataclass(frozen=True)
class Holder:
    """A program that listens on a port; pid 0 where the system does not tell."""

    name: str
    pid: int = 0

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


def same_host(one: str, other: str) -> bool:
    """Whether two IPv4 addresses are of one machine, as far as this one can know."""
    own = {
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET
    }
    return one == other or all(each in own or each.startswith("127.") for each in (one, other))


def own_address(host: str) -> str:
    """The address by which `host` (an IPv4 address) reaches this machine: that of the way to it.

    Loopback for this machine itself, whatever its address: a client here sends to 127.0.0.1.
    Nothing is sent. Raises BadInput where no way leads there.
    """
    if same_host(host, LOOPBACK):
        return LOOPBACK
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError as error:
            raise BadInput(
                f"world.osc.host {host}: no network leads there ({error.strerror})"
            ) from error
        return str(probe.getsockname()[0])


def listen_at(port: int, address: str = LOOPBACK) -> socket.socket:
    """Where the client's parameters arrive. Raises PortTaken, which says by whom."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        who = ", ".join(map(str, holders(port, address) or [])) or "another program"
        raise PortTaken(
            f"world.osc.receive_port {port} is taken by {who} ({error.strerror}): close it or "
            "choose another port"
        ) from error
    listener.settimeout(0.25)
    return listener


def holders(port: int, address: str = LOOPBACK) -> list[Holder] | None:
    """Who listens on this UDP port of this address; None where the system does not tell.

    It looks at every socket of the machine, which takes a while: not for a beat.
    """
    try:
        sockets = psutil.net_connections("udp")
    except psutil.AccessDenied:  # macOS tells root only
        return None
    # "udp" is of IPv6 too: a wildcard there takes the port of IPv4.
    taking = {address, f"::ffff:{address}", "0.0.0.0", "::"}
    pids = {
        each.pid
        for each in sockets
        if each.laddr and each.laddr[1] == port and each.laddr[0] in taking
    }
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
