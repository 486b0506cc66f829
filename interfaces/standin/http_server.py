"""The stand-in over HTTP, on loopback: /camera.mjpg, /truth, /faults and /events.

Every user of the machine can reach it: what changes the world needs a token.
"""

import contextlib
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loguru import logger

from configs.reading.json_document import ANY, OddNumbers, parse_json
from interfaces.ipc.access_token import is_token
from interfaces.standin.http_requests import RequestQueue

_SEND_BUFFER_BYTES = 32 * 1024  # small: a slow client misses pictures and gets no old ones
_CLIENT_TIMEOUT_S = 5.0
_WAIT_S = 1.0
_BODY_BYTES = 64 * 1024
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_LOCAL_HOSTS = ("127.0.0.1", "localhost")
_FORBIDDEN = {"error": "only programs on this machine may use this address"}
_NO_TOKEN = {"error": "add the token: ?token=TOKEN, or the header Authorization: Bearer TOKEN"}


class LatestPicture:
    """The newest picture and the truth of its time. Readers wait for a newer one; no queue."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jpeg = b""
        self._number = 0
        self._truth: dict[str, Any] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def truth(self) -> dict[str, Any]:
        return self._truth

    def publish(self, jpeg: bytes | None, truth: dict[str, Any]) -> None:
        """Publish the truth, and a new picture unless `jpeg` is None."""
        with self._changed:
            self._truth = truth
            if jpeg is not None:
                self._jpeg = jpeg
                self._number += 1
                self._changed.notify_all()

    def close(self) -> None:
        """End every reader's wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def newer_than(self, number: int, timeout_s: float) -> tuple[int, bytes]:
        """The newest picture and its number. The number is not newer if none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._number > number, timeout_s)
            return self._number, self._jpeg


class StandinHttpServer(ThreadingHTTPServer):
    """Serves at most `max_clients` clients at once, each in its own thread. Loopback only.

    `token`: what a request needs to change something.
    """

    max_clients = 64
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # On Windows this option lets two servers share a port without an error.
    allow_reuse_address = sys.platform != "win32"

    def __init__(
        self, port: int, latest: LatestPicture, requests: RequestQueue, token: str
    ) -> None:
        self.latest, self.requests, self.token = latest, requests, token
        self._slots = threading.BoundedSemaphore(self.max_clients)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def port(self) -> int:
        """The real port."""
        return int(self.server_address[1])

    def server_bind(self) -> None:
        """Bind without a name lookup."""
        # http.server looks up the name of 127.0.0.1, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.port

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a request in a new thread, or answer 503 if all slots are taken."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with contextlib.suppress(OSError):
            request.sendall(_BUSY)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Free the slot after the request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore lost connections; log every other error."""
        if not isinstance(sys.exception(), OSError):
            logger.opt(exception=True).error("stand-in: an HTTP request failed")


class _Handler(BaseHTTPRequestHandler):
    server: StandinHttpServer  # type: ignore[assignment]
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if not self._is_local():
            self._answer(403, _FORBIDDEN)
        elif path == "/camera.mjpg":
            with contextlib.suppress(OSError):  # the client left, or does not read
                self._stream_pictures()
        elif path == "/truth":
            self._answer(200, self.server.latest.truth)
        elif path == "/faults":
            self._answer(200, self.server.requests.faults.model_dump())
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """/faults {"loss": 0.1}: set the named faults. /events {"event": …, "argument": …}."""
        path, requests = self.path.partition("?")[0], self.server.requests
        if not self._is_local():
            self._answer(403, _FORBIDDEN)
            return
        if path not in ("/faults", "/events"):
            self.send_error(404)
            return
        if not self._has_token():
            self._answer(403, _NO_TOKEN)
            return
        if "Content-Length" not in self.headers:
            self._answer(411, {"error": "the header Content-Length is missing"})
            return
        try:
            length = int(self.headers["Content-Length"])
            if not 0 <= length <= _BODY_BYTES:
                raise ValueError(f"the body may have at most {_BODY_BYTES} bytes")
            body = parse_json(
                self.rfile.read(length) or b"{}", "the body", ANY, odd_numbers=OddNumbers.KEEP
            )
            if path == "/faults":
                self._answer(200, requests.change_faults(body))
            else:
                requests.trigger_event(body)
                self._answer(200, {"done": True})
        except ValueError as error:
            self._answer(400, {"error": str(error)})
        except TimeoutError as error:
            self._answer(503, {"error": str(error)})

    def log_message(self, format: str, *args: object) -> None:
        """Write no log line for a request."""

    def _is_local(self) -> bool:
        """False for a request that a foreign web page makes through a browser on this machine."""
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        urls = [f"http://{host}"] if host is not None else []  # some video readers send no Host
        urls += [origin] if origin is not None else []
        try:
            return all(urlsplit(url).hostname in _LOCAL_HOSTS for url in urls)
        except ValueError:
            return False

    def _has_token(self) -> bool:
        given = parse_qs(urlsplit(self.path).query).get("token", [])
        given.append(self.headers.get("Authorization", "").removeprefix("Bearer "))
        return any(is_token(self.server.token, each) for each in given)

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream_pictures(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        latest, number = self.server.latest, 0
        while not latest.closed:
            newer, jpeg = latest.newer_than(number, _WAIT_S)
            if newer == number:
                continue
            number = newer
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
