"""IPv4 addresses and UDP ports of this machine, and the programs that use the ports."""

import errno
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import psutil

from configs.errors import BadInput

LOOPBACK = "127.0.0.1"
_WSAEACCES = 10013
_RESERVED = "netsh interface ipv4 show excludedportrange protocol=udp"
_COMMAND_CHARACTERS = 40


class PortTaken(BadInput, OSError):
    """Another program already uses the UDP port for the avatar parameters."""


@dataclass(frozen=True)
class PortOwner:
    """A program that listens on a port. `pid` is 0 when the system does not give it."""

    name: str
    pid: int = 0

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


def own_addresses() -> list[str]:
    """The IPv4 addresses of this machine; loopback alone, if the system does not tell."""
    try:
        interfaces = psutil.net_if_addrs()
    except (OSError, RuntimeError):  # Windows, without a service of its own
        return [LOOPBACK]
    return [
        address.address
        for addresses in interfaces.values()
        for address in addresses
        if address.family == socket.AF_INET
    ]


def same_host(one: str, other: str) -> bool:
    """Whether two IPv4 addresses are equal, or both belong to this machine."""
    own = own_addresses()
    return one == other or all(each in own or each.startswith("127.") for each in (one, other))


def own_address(host: str) -> str:
    """The address of this machine on the route to the IPv4 address `host`.

    For an address of this machine the result is 127.0.0.1, because a client here sends to loopback.
    Nothing is sent. Raises BadInput without a route to `host`.
    """
    if same_host(host, LOOPBACK):
        return LOOPBACK
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError as error:
            raise BadInput(
                f"world.osc.host {host}: no network route to it ({error.strerror})"
            ) from error
        return str(probe.getsockname()[0])


def listen_at(port: int, address: str = LOOPBACK) -> socket.socket:
    """Bind the UDP socket for the avatar parameters. Raises PortTaken with the owner's name."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        if sys.platform == "win32" and error.errno in (errno.EACCES, _WSAEACCES):
            raise PortTaken(
                f"world.osc.receive_port {port} is reserved by Windows or in use ({_RESERVED} "
                "lists the reserved ports). Choose another port"
            ) from error
        owner = ", ".join(map(str, port_owners(port, address) or [])) or "another program"
        raise PortTaken(
            f"world.osc.receive_port {port} is taken by {owner} ({error.strerror}). Close it or "
            "choose another port"
        ) from error
    _set_receive_timeout(listener)
    return listener


def _set_receive_timeout(listener: socket.socket, seconds: float = 0.25) -> None:
    """Let the system end a wait for data. A timeout of Python would add a call per datagram.

    The wait ends with a BlockingIOError, on Windows with a TimeoutError.
    """
    if sys.platform == "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, round(1000 * seconds))
    else:
        whole, part = divmod(seconds, 1.0)
        time_value = struct.pack("@ll", int(whole), round(1e6 * part))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, time_value)


def port_owners(port: int, address: str = LOOPBACK) -> list[PortOwner] | None:
    """The programs that listen on this UDP port; None when the system does not tell.

    This reads the list of all sockets, which is too slow for a tick.
    """
    try:
        sockets = psutil.net_connections("udp")
    except (psutil.Error, OSError, RuntimeError):  # macOS tells only root
        return None
    # "udp" includes IPv6: a wildcard address there takes the IPv4 port too.
    taking = {address, f"::ffff:{address}", "0.0.0.0", "::"}
    pids = {
        each.pid
        for each in sockets
        if each.laddr and each.laddr[1] == port and each.laddr[0] in taking
    }
    return [_port_owner(pid) for pid in sorted(pids, key=lambda pid: pid or 0)]


def _port_owner(pid: int | None) -> PortOwner:
    if not pid:  # Windows may say 0, which is no program
        return PortOwner("a program of another user")
    try:
        process = psutil.Process(pid)
        name = process.name()
        if name.startswith("python"):  # the arguments show which program it is
            words = [Path(w).name if w.endswith(".py") else w for w in process.cmdline()[1:]]
            name = shorten(" ".join([name, *words]), _COMMAND_CHARACTERS, placeholder=" …")
    except psutil.Error:
        return PortOwner("a program", pid)
    return PortOwner(name, pid)
