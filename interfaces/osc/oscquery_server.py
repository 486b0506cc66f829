"""The OSCQuery server: answers requests for OSC methods as JSON over HTTP.

Any program, and any web page in a browser of this machine, can connect. So the server answers only
requests to its own address, and bounds the size, the time and the number of requests.
"""

import contextlib
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes, urlsplit

from loguru import logger

from interfaces.osc.oscquery import Json, Node, find_node, node_tree

# All attributes of the proposal. A request for one that the node lacks is no error.
_ATTRIBUTES = {
    *("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION"),
    *("TAGS", "EXTENDED_TYPE", "UNIT", "CRITICAL", "CLIPMODE", "OVERLOADS", "HTML"),
}
_CLIENT_TIMEOUT_S = 5.0  # for the whole request and its answer
_MAX_CLIENTS = 32  # one more disconnects the oldest
_MAX_REQUEST_BYTES = 16_384
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_POLL_S = 0.2  # the longest time that close() waits for the server


class OscQueryServer(ThreadingHTTPServer):
    """Answers OSCQuery over HTTP from `start` to `close`. The constructor binds the port.

    The threads of the requests call `nodes` and `host_info`. Raises OSError if the port is taken.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # On Windows this option would let two servers share a port without an error.
    allow_reuse_address = sys.platform != "win32"

    def __init__(
        self,
        nodes: Callable[[], Iterable[Node]],
        host_info: Callable[[], Json],
        http_port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.nodes, self.host_info = nodes, host_info
        self._clients: dict[Any, float] = {}  # oldest first, with the time of the connection
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
        """Free the port and disconnect all clients. Safe to call more than once."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()
        for client in self._clients.copy():
            _disconnect(client)

    def server_bind(self) -> None:
        # The method of the standard library asks the name service for 127.0.0.1: up to seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self._clients) >= _MAX_CLIENTS:
            oldest = next(iter(self._clients.copy()), None)
            self._clients.pop(oldest, None)
            _disconnect(oldest)
        self._clients[request] = time.perf_counter()
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Disconnect clients that take too long. Their threads end then."""
        now = time.perf_counter()
        for client, since in self._clients.copy().items():
            if now - since > _CLIENT_TIMEOUT_S:
                self._clients.pop(client, None)
                _disconnect(client)

    def is_own_host(self, header: str) -> bool:
        """Whether a header Host or Origin names this server, and no foreign page."""
        try:
            name = urlsplit(header if "//" in header else f"//{header}").hostname
        except ValueError:
            return False
        return name in (*_LOCAL_NAMES, self.server_name)

    def shutdown_request(self, request: Any) -> None:
        """Close a request's socket and forget its client."""
        self._clients.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that disconnects, log other errors. The thread of the request ends."""
        if not isinstance(sys.exception(), OSError):
            logger.opt(exception=True).error("oscquery: a request failed")


class _Handler(BaseHTTPRequestHandler):
    server: OscQueryServer  # type: ignore[assignment]
    timeout = _CLIENT_TIMEOUT_S

    def setup(self) -> None:
        """Limit what is read of a request."""
        super().setup()
        self.rfile = cast(Any, _BoundedReader(cast(BinaryIO, self.rfile)))

    def handle_one_request(self) -> None:
        """Handle one request, and refuse a request line that is too long."""
        try:
            super().handle_one_request()
        except LineTooLong:
            self.requestline = self.request_version = self.command = ""
            self.close_connection = True
            self.send_error(414)

    def do_GET(self) -> None:
        hosts = [*self.headers.get_all("Host", []), *self.headers.get_all("Origin", [])]
        if not all(map(self.server.is_own_host, hosts)):
            return self.send_error(403, "This server answers at its own address only")
        path, _, query = self.path.partition("?")
        attribute = re.split("[&=]", query, maxsplit=1)[0]
        if attribute == "HOST_INFO":
            return self._answer(self.server.host_info())
        # The path is percent-encoded, or raw bytes that http.server decoded as Latin-1.
        path = unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "replace")
        node = find_node(node_tree(self.server.nodes()), path)
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
        """Requests are not logged."""

    def _answer(self, answer: Json) -> None:
        body = json.dumps(answer, allow_nan=False).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _BoundedReader:
    """Reads a request up to a limit. Then the server answers that it is too long (431 or 414)."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self._left = source, _MAX_REQUEST_BYTES

    def readline(self, size: int = -1) -> bytes:
        """The next line. Raises LineTooLong at the limit."""
        line = self._source.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise LineTooLong("request")
        return line

    def close(self) -> None:
        """Close the connection's file."""
        self._source.close()


def _disconnect(client: socket.socket | None) -> None:
    with contextlib.suppress(OSError):
        if client is not None:
            client.shutdown(socket.SHUT_RDWR)
