"""Finds other OSCQuery programs by mDNS and reads their trees over HTTP, trusting no answer.

Anyone on the network can answer mDNS. So a record only says where to ask, and only this machine and
one configured host are asked.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address
from typing import Any

from loguru import logger
from zeroconf import Error as ZeroconfError
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo

from configs.reading.json_document import ANY, OddNumbers, parse_json
from interfaces.osc.mdns import LOOPBACK, OSCJSON, BackgroundTask, open_mdns
from interfaces.osc.ports import same_host

_ANSWER_S = 1.0
_ANSWER_BYTES = 4 * 2**20
_RESOLVE_MS = 1000.0
# Delay before each try. Changes come in bursts, and some programs advertise before they listen.
_TRIES_S = (0.05, 1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Peer:
    """An OSCQuery program: its HTTP address, its OSC address, and the top names of its tree.

    `own_name`: the name that the program itself gives; a record may give another one. A program on
    another machine than the configured one is not asked: its `osc_port` is 0, and it has no paths.
    """

    name: str
    host: str
    http_port: int
    osc_host: str
    osc_port: int
    paths: frozenset[str]
    own_name: str = ""


class Browser:
    """Calls `on_found` for each new or changed peer, and `on_lost` with the name of a removed one.

    Both run in the thread of the browser, never after `close`, and must return quickly.

    `interfaces`: the addresses of the network interfaces to use; None uses all.
    `loopback_only`: OSC goes to this machine, whatever address a peer gives. VRChat does the same.
    `host`: the IPv4 address of the only machine that is asked, besides this one by loopback.
    `wants`: the names to report; other records are not even resolved.
    """

    def __init__(
        self,
        on_found: Callable[[Peer], None],
        on_lost: Callable[[str], None],
        interfaces: Sequence[str] | None = LOOPBACK,
        loopback_only: bool = True,
        host: str = LOOPBACK[0],
        wants: Callable[[str], object] = bool,
    ) -> None:
        self._host, self._wants = host, wants
        self._requests: dict[tuple[str, int], asyncio.Task[tuple[object, object]]] = {}
        self._on_found, self._on_lost = on_found, on_lost
        self._interfaces, self._loopback_only = interfaces, loopback_only
        self._peers: dict[str, Peer] = {}
        self._visits: dict[str, asyncio.Task[None]] = {}
        self._background = BackgroundTask("oscquery: browsing", self._watch)

    def close(self) -> None:
        self._background.close()

    async def _watch(self) -> None:
        async with (
            open_mdns(self._interfaces) as mdns,
            AsyncServiceBrowser(mdns.zeroconf, OSCJSON, handlers=[self._service_changed]),
        ):
            try:
                await asyncio.Event().wait()  # until closed
            finally:
                for visit in self._visits.values():
                    visit.cancel()

    def _service_changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if visit := self._visits.pop(name, None):
            visit.cancel()
        if state_change is ServiceStateChange.Removed:
            self._report_lost(name)
        elif self._wants(name.removesuffix(f".{OSCJSON}")):
            self._visits[name] = asyncio.create_task(self._visit(zeroconf, name))

    async def _visit(self, mdns: Zeroconf, name: str) -> None:
        failure: Exception | None = None
        for pause_s in _TRIES_S:
            await asyncio.sleep(pause_s)
            try:
                peer = await self._ask(mdns, name)
            except OSError as error:  # no program answers, or not yet
                failure = error
            except (ValueError, HTTPException, RecursionError, ZeroconfError) as error:
                failure = error
                break
            else:
                return self._report_found(name, peer)
        logger.debug("oscquery: {} ignored: {!r}", name, failure)
        self._report_lost(name)

    async def _ask(self, mdns: Zeroconf, name: str) -> Peer:
        info = AsyncServiceInfo(OSCJSON, name)
        # The cache comes first. A request also waits for a TXT record, which some peers lack. It
        # also misses an address before the SRV record of its answer; the next try has it cached.
        info.load_from_cache(mdns)
        if not info.port or not info.addresses:
            await info.async_request(mdns, _RESOLVE_MS)
        addresses = info.parsed_addresses(IPVersion.V4Only)
        if not info.port or not addresses:
            raise TimeoutError("no port and IPv4 address received")
        instance = name.removesuffix(f".{OSCJSON}")
        failure: OSError | None = None
        allowed = [each for each in addresses if self._may_ask(each)]
        if not allowed:
            return Peer(instance, addresses[0], info.port, addresses[0], 0, frozenset())
        # Loopback first. But a peer on another machine may also advertise its own loopback.
        for host in sorted(allowed, key=lambda address: not address.startswith("127.")):
            try:
                answers = await self._request(host, info.port)
            except OSError as error:
                failure = error
                continue
            return peer_from(instance, host, info.port, *answers, self._loopback_only)
        raise failure or TimeoutError("no address")

    def _may_ask(self, address: str) -> bool:
        return address.startswith("127.") or same_host(address, self._host)

    async def _request(self, host: str, port: int) -> tuple[object, object]:
        """HOST_INFO and the tree. Many names for one program cost one request at a time."""
        request = self._requests.get((host, port))
        if request is None:
            request = asyncio.create_task(asyncio.to_thread(_read_answers, host, port))
            self._requests[host, port] = request
            request.add_done_callback(lambda done: self._request_done(host, port, done))
        return await asyncio.shield(request)

    def _request_done(self, host: str, port: int, request: asyncio.Task[Any]) -> None:
        self._requests.pop((host, port), None)
        if not request.cancelled():
            request.exception()  # read here, because every visit that waits may have been cancelled

    def _report_found(self, name: str, peer: Peer) -> None:
        if not peer.osc_port and name in self._peers:
            return  # a record that leads elsewhere does not displace a program that answered
        if self._peers.get(name) != peer:
            self._peers[name] = peer
            with _log_exceptions():
                self._on_found(peer)

    def _report_lost(self, name: str) -> None:
        if peer := self._peers.pop(name, None):
            with _log_exceptions():
                self._on_lost(peer.name)


def peer_from(
    name: str, host: str, http_port: int, host_info: object, root: object, loopback_only: bool
) -> Peer:
    """The peer with these two JSON answers. Raises ValueError if an answer is invalid."""
    if not isinstance(host_info, dict) or not isinstance(root, dict):
        raise ValueError("an answer is not a JSON object")
    osc_port = host_info.get("OSC_PORT", http_port)  # the proposal: the HTTP port is the default
    if type(osc_port) is not int or not 0 < osc_port < 65536:
        raise ValueError("OSC_PORT is not a port")
    if host_info.get("OSC_TRANSPORT", "UDP") != "UDP":
        raise ValueError("OSC_TRANSPORT is not UDP")
    contents = root.get("CONTENTS")
    contents = {} if contents is None else contents
    if not isinstance(contents, dict) or not all(isinstance(c, dict) for c in contents.values()):
        raise ValueError("CONTENTS is not an object of objects")
    osc_host = "127.0.0.1"
    if not loopback_only:
        osc_ip = IPv4Address(str(host_info.get("OSC_IP", host)))
        osc_host = host if osc_ip.is_unspecified else str(osc_ip)
    own_name = host_info.get("NAME")
    own_name = own_name if isinstance(own_name, str) else ""
    return Peer(name, host, http_port, osc_host, osc_port, frozenset(map(str, contents)), own_name)


def _read_answers(host: str, port: int) -> tuple[object, object]:
    return get_json(host, port, "/?HOST_INFO"), get_json(host, port, "/")


def get_json(host: str, port: int, target: str) -> object:
    """GET a JSON document. The complete answer must arrive within one second.

    Raises OSError, HTTPException, and ValueError for another status, size or content. NaN, 1e999
    and whole numbers of more than 40 digits become null.
    """
    connection = HTTPConnection(host, port, timeout=_ANSWER_S)
    try:
        connection.connect()
        with _time_limit(_ANSWER_S, connection.sock):
            connection.request("GET", target, headers={"Connection": "close"})
            with connection.getresponse() as response:
                body = response.read(_ANSWER_BYTES + 1)
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError(f"{target}: status {response.status}")
    if len(body) > _ANSWER_BYTES:
        raise ValueError(f"{target}: more than {_ANSWER_BYTES} bytes")
    return parse_json(body, target, ANY, odd_numbers=OddNumbers.NULL)


@contextlib.contextmanager
def _time_limit(seconds: float, connected: socket.socket) -> Generator[None]:
    """Close the connection after `seconds`. The timeout of a socket restarts with each byte."""

    def disconnect() -> None:
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, disconnect)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _log_exceptions() -> Generator[None]:
    """Log exceptions of a callback, so that they do not end the browser."""
    try:
        yield
    except Exception:
        logger.opt(exception=True).error("oscquery: a callback failed")
