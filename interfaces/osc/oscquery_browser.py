"""Who else speaks OSCQuery here: found by mDNS, asked over HTTP, and trusted with nothing."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address

from loguru import logger
from zeroconf import Error as ZeroconfError
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo

from interfaces.osc.oscquery import LOOPBACK, OSCJSON, Background, listening_on

_ANSWER_S = 1.0
_ANSWER_BYTES = 4 * 2**20
_RESOLVE_MS = 1000.0
# Waited before each try: news comes in bursts, and some advertise before they listen.
_TRIES_S = (0.05, 1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Peer:
    """One that speaks OSCQuery: where to ask it, where to send OSC, and the tops of its tree."""

    name: str
    host: str
    http_port: int
    osc_host: str
    osc_port: int
    paths: frozenset[str]


class Browser:
    """Calls `found` for each peer, again when it changed, and `lost` with the name of one gone.

    Both are called in the browser's own thread, never after `close`, and must not take long.
    `interfaces`: the addresses of those to listen on, None: all there are. With `loopback_only`
    OSC goes to this machine, whatever a peer says, as VRChat's does.
    """

    def __init__(
        self,
        found: Callable[[Peer], None],
        lost: Callable[[str], None],
        interfaces: Sequence[str] | None = LOOPBACK,
        loopback_only: bool = True,
    ) -> None:
        self._found, self._lost = found, lost
        self._interfaces, self._loopback_only = interfaces, loopback_only
        self._peers: dict[str, Peer] = {}
        self._visits: dict[str, asyncio.Task[None]] = {}
        self._background = Background("oscquery: browsing", self._watch)

    def close(self) -> None:
        self._background.close()

    async def _watch(self) -> None:
        async with (
            listening_on(self._interfaces) as mdns,
            AsyncServiceBrowser(mdns.zeroconf, OSCJSON, handlers=[self._heard]),
        ):
            try:
                await asyncio.Event().wait()  # until closed
            finally:
                for visit in self._visits.values():
                    visit.cancel()

    def _heard(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if visit := self._visits.pop(name, None):
            visit.cancel()
        if state_change is ServiceStateChange.Removed:
            self._forget(name)
        else:
            self._visits[name] = asyncio.create_task(self._visit(zeroconf, name))

    async def _visit(self, mdns: Zeroconf, name: str) -> None:
        trouble: Exception | None = None
        for pause_s in _TRIES_S:
            await asyncio.sleep(pause_s)
            try:
                peer = await self._ask(mdns, name)
            except OSError as error:  # nobody there, or not yet
                trouble = error
            except (ValueError, HTTPException, RecursionError, ZeroconfError) as error:
                trouble = error
                break
            else:
                return self._meet(name, peer)
        logger.debug("oscquery: {} ignored: {!r}", name, trouble)
        self._forget(name)

    async def _ask(self, mdns: Zeroconf, name: str) -> Peer:
        info = AsyncServiceInfo(OSCJSON, name)
        # The cache first: a request also waits for a TXT record, which some peers lack, and misses
        # an address that stands before the SRV record in its answer; the next try finds it here.
        info.load_from_cache(mdns)
        if not info.port or not info.addresses:
            await info.async_request(mdns, _RESOLVE_MS)
        addresses = info.parsed_addresses(IPVersion.V4Only)
        if not info.port or not addresses:
            raise TimeoutError("no port and IPv4 address came")
        instance = name.removesuffix(f".{OSCJSON}")
        trouble: OSError | None = None
        # Loopback first; but a peer of another machine may tell its own loopback too.
        for host in sorted(addresses, key=lambda address: not address.startswith("127.")):
            try:
                told = await asyncio.to_thread(get_json, host, info.port, "/?HOST_INFO")
                root = await asyncio.to_thread(get_json, host, info.port, "/")
            except OSError as error:
                trouble = error
                continue
            return peer_from(instance, host, info.port, told, root, self._loopback_only)
        raise trouble or TimeoutError("no address")

    def _meet(self, name: str, peer: Peer) -> None:
        if self._peers.get(name) != peer:
            self._peers[name] = peer
            with _logged():
                self._found(peer)

    def _forget(self, name: str) -> None:
        if peer := self._peers.pop(name, None):
            with _logged():
                self._lost(peer.name)


def peer_from(
    name: str, host: str, http_port: int, host_info: object, root: object, loopback_only: bool
) -> Peer:
    """The peer that gave these two answers. Raises ValueError if they make no sense."""
    if not isinstance(host_info, dict) or not isinstance(root, dict):
        raise ValueError("an answer is not a JSON object")
    osc_port = host_info.get("OSC_PORT", http_port)  # the proposal: they are the same if not told
    if type(osc_port) is not int or not 0 < osc_port < 65536:
        raise ValueError("OSC_PORT is no port")
    if host_info.get("OSC_TRANSPORT", "UDP") != "UDP":
        raise ValueError("OSC_TRANSPORT is not UDP")
    contents = root.get("CONTENTS")
    contents = {} if contents is None else contents
    if not isinstance(contents, dict) or not all(isinstance(c, dict) for c in contents.values()):
        raise ValueError("CONTENTS is no object of objects")
    osc_host = "127.0.0.1"
    if not loopback_only:
        told = IPv4Address(str(host_info.get("OSC_IP", host)))
        osc_host = host if told.is_unspecified else str(told)
    return Peer(name, host, http_port, osc_host, osc_port, frozenset(map(str, contents)))


def get_json(host: str, port: int, target: str) -> object:
    """One GET of JSON, answered in full within a second. Raises OSError, HTTPException and
    ValueError."""
    connection = HTTPConnection(host, port, timeout=_ANSWER_S)
    try:
        connection.connect()
        with _at_most(_ANSWER_S, connection.sock):
            connection.request("GET", target, headers={"Connection": "close"})
            with connection.getresponse() as response:
                body = response.read(_ANSWER_BYTES + 1)
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError(f"{target}: status {response.status}")
    if len(body) > _ANSWER_BYTES:
        raise ValueError(f"{target}: more than {_ANSWER_BYTES} bytes")
    return json.loads(body)


@contextlib.contextmanager
def _at_most(seconds: float, connected: socket.socket) -> Generator[None]:
    """Hang up when the time is over: a socket's own timeout begins anew with each byte."""

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _logged() -> Generator[None]:
    """A listener that fails must not end the watch."""
    try:
        yield
    except Exception:
        logger.opt(exception=True).error("oscquery: a listener failed")
