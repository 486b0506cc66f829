"""OSCQuery: which OSC methods there are, as JSON over HTTP, and how others find it by mDNS.

Sources: the OSCQuery proposal (Vidvox) and VRChat's vrc-oscquery-lib.
"""

import asyncio
import contextlib
import json
import math
import random
import re
import socket
import string
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import unquote_to_bytes

from loguru import logger
from zeroconf import InterfaceChoice, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

Json = dict[str, Any]

OSCJSON, OSC = "_oscjson._tcp.local.", "_osc._udp.local."
LOOPBACK = ("127.0.0.1",)
CLIENT_NAME = re.compile(r"VRChat-Client-[A-Za-z0-9]{6}\Z")

# All that the proposal defines: asking a node for one that it lacks is no mistake.
_ATTRIBUTES = {
    *("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION"),
    *("TAGS", "EXTENDED_TYPE", "UNIT", "CRITICAL", "CLIPMODE", "OVERLOADS", "HTML"),
}
_CLIENT_TIMEOUT_S = 5.0
_CLIENTS = 32  # the oldest is hung up on when one more comes
_POLL_S = 0.2  # how long close() may wait for the server
_LABEL_BYTES = 63
_CLOSE_S = 2.0


def client_name(rng: random.Random | int) -> str:
    """VRChat-Client-XXXXXX, as VRChat calls itself. `rng` may be a seed."""
    rng = random.Random(rng) if isinstance(rng, int) else rng
    return "VRChat-Client-" + "".join(rng.choices(string.ascii_uppercase + string.digits, k=6))


@dataclass(frozen=True, slots=True)
class Node:
    """One OSC method. Access: 0 none, 1 read, 2 write, 3 both. A bool's type is T, true or not.

    `value` and `range` (lowest, highest) have one entry for each type tag, or none at all. Raises
    ValueError for a path or an access that cannot be.
    """

    full_path: str
    types: str
    access: int
    value: tuple[bool | int | float | str, ...] = ()
    range: tuple[tuple[float, float], ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        slash, *names = self.full_path.split("/")
        if slash or not names or not all(names):
            raise ValueError(f"{self.full_path!r} is not the full path of an OSC method")
        if self.access not in (0, 1, 2, 3):
            raise ValueError(f"{self.full_path}: access is 0, 1, 2 or 3, not {self.access!r}")


def tree(nodes: Iterable[Node]) -> Json:
    """The nested JSON of all nodes, from / down. What is not finite becomes null."""
    root: Json = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}}
    for node in nodes:
        here, path = root, ""
        for name in node.full_path.split("/")[1:]:
            path += f"/{name}"
            inside = here.setdefault("CONTENTS", {})
            here = inside.setdefault(name, {"FULL_PATH": path, "ACCESS": 0})
        here |= _attributes(node)
    return root


def find(root: Json, path: str) -> Json | None:
    """The node at `path`, with all below it."""
    here = root
    for name in filter(None, path.split("/")):
        here = here.get("CONTENTS", {}).get(name)
        if here is None:
            return None
    return here


def host_info(name: str, osc_port: int, osc_ip: str = "127.0.0.1") -> Json:
    """The answer to ?HOST_INFO: where OSC is heard, and which attributes nodes may have."""
    extensions = {name: True for name in ("ACCESS", "RANGE", "TYPE", "VALUE")} | {"CLIPMODE": False}
    where = {"OSC_IP": osc_ip, "OSC_PORT": osc_port, "OSC_TRANSPORT": "UDP"}
    return {"NAME": name, **where, "EXTENSIONS": extensions}


class OscQueryServer(ThreadingHTTPServer):
    """Answers OSCQuery over HTTP from `start` to `close`; the port is taken at once.

    `nodes` and `host_info` are called in the threads of the requests. Raises OSError if the port
    is taken.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # On Windows this option lets two servers share a port, and neither would know.
    allow_reuse_address = sys.platform != "win32"

    def __init__(
        self,
        nodes: Callable[[], Iterable[Node]],
        host_info: Callable[[], Json],
        http_port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.nodes, self.host_info = nodes, host_info
        self._clients: dict[Any, None] = {}  # oldest first
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_S,), name="oscquery http", daemon=True
        )
        super().__init__((host, http_port), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Let go of the port and hang up on everyone. Once is enough, twice does no harm."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()
        for client in self._clients.copy():
            _hang_up(client)

    def server_bind(self) -> None:
        # The stock one asks the name service who 127.0.0.1 is, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self._clients) >= _CLIENTS:
            oldest = next(iter(self._clients.copy()), None)
            self._clients.pop(oldest, None)
            _hang_up(oldest)
        self._clients[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._clients.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that vanishes does no harm: its thread just ends."""
        if not isinstance(sys.exception(), OSError):
            logger.opt(exception=True).error("oscquery: a request failed")


class _Handler(BaseHTTPRequestHandler):
    server: OscQueryServer  # type: ignore[assignment]
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        attribute = re.split("[&=]", query, maxsplit=1)[0]
        if attribute == "HOST_INFO":
            return self._answer(self.server.host_info())
        # A path comes percent-encoded, or as bare bytes that the line's decoding took for Latin-1.
        path = unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "replace")
        node = find(tree(self.server.nodes()), path)
        if node is None:
            self.send_error(404)
        elif not attribute:
            self._answer(node)
        elif attribute not in _ATTRIBUTES:
            self.send_error(400, "No such attribute")
        elif attribute not in node:
            self.send_response(204)
            self.end_headers()
        else:
            self._answer({attribute: node[attribute]})

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not worth a line."""

    def _answer(self, answer: Json) -> None:
        body = json.dumps(answer, allow_nan=False).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Background:
    """Runs one coroutine in a thread of its own until `close`. What it raises is logged, once."""

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._closed = False
        self._cancel: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        with self._lock:
            closing, self._closed = not self._closed, True
            if closing and self._cancel is not None:
                self._cancel()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            # The loop is made in this thread: on Windows one made in the main thread takes over
            # its signals and never gives them back.
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            logger.warning("{}: {!r}", self._thread.name, error)

    async def _main(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        with self._lock:
            if self._closed:
                return
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            await self._work()
        finally:
            with self._lock:
                self._cancel = None


class Advertiser:
    """Says by mDNS where OSCQuery and OSC are, until closed. Nobody waits for it: it takes seconds.

    `interfaces`: the addresses of those to speak on, None: all there are. (VRChat's library leaves
    loopback out where there is another.) `address` is what is advertised. Raises ValueError for a
    name that mDNS cannot carry; what goes wrong later is logged.
    """

    def __init__(
        self,
        name: str,
        http_port: int,
        osc_port: int,
        interfaces: Sequence[str] | None = LOOPBACK,
        address: str = "127.0.0.1",
    ) -> None:
        if "." in name:
            raise ValueError(f"{name!r}: an OSCQuery name must not contain a dot")
        if not 0 < len(name.encode()) <= _LABEL_BYTES or not name.isprintable():
            raise ValueError(f"{name!r}: an OSCQuery name is 1 to 63 printable bytes of UTF-8")
        text = {"txtvers": "1"}
        self._infos = [
            ServiceInfo(kind, f"{name}.{kind}", port, properties=text, parsed_addresses=[address])
            for kind, port in ((OSCJSON, http_port), (OSC, osc_port))
        ]
        self._interfaces = interfaces
        self._background = Background(f"oscquery: advertising {name}", self._advertise)

    def close(self) -> None:
        """Say goodbye, and wait for that no longer than two seconds."""
        self._background.close()

    async def _advertise(self) -> None:
        async with listening_on(self._interfaces) as mdns:
            register = (mdns.async_register_service(info) for info in self._infos)
            await asyncio.gather(*await asyncio.gather(*register))
            await asyncio.Event().wait()  # until closed; leaving says goodbye


@contextlib.asynccontextmanager
async def listening_on(interfaces: Sequence[str] | None) -> AsyncGenerator[AsyncZeroconf]:
    """mDNS on these addresses' interfaces; None: on all. Raises OSError where there is none."""
    mdns = AsyncZeroconf(interfaces=InterfaceChoice.All if interfaces is None else list(interfaces))
    try:
        yield mdns
    finally:
        # In a task of its own: in one that was cancelled it gives up half-way, sockets open.
        await asyncio.create_task(mdns.async_close())


def _attributes(node: Node) -> Json:
    found: Json = {"ACCESS": node.access, "TYPE": node.types.replace("F", "T")}
    if node.access & 1 and node.value:
        found["VALUE"] = [_finite(value) for value in node.value]
    if node.range:
        found["RANGE"] = [{"MIN": _finite(low), "MAX": _finite(high)} for low, high in node.range]
    if node.description:
        found["DESCRIPTION"] = node.description
    return found


def _finite(value: bool | int | float | str) -> bool | int | float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _hang_up(client: socket.socket | None) -> None:
    with contextlib.suppress(OSError):
        if client is not None:
            client.shutdown(socket.SHUT_RDWR)
