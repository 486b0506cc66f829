"""Lets only the browser in that opened the page with its token: recordings show other people."""

from typing import Any
from urllib.parse import parse_qs

from interfaces.ipc.access_token import is_token

_REFUSAL = b"Open the address that the command has printed, with its token.\n"


class TokenGate:
    """ASGI middleware: `/?token=TOKEN` sets a cookie, and everything else needs that cookie.

    `name`: of the cookie. Browsers share cookies between the ports of a host, so it must be the
    port's own.
    """

    def __init__(self, app: Any, token: str, name: str) -> None:
        self._app, self._token, self._name = app, token, name

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket") or self._has_cookie(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif self._has_token(scope):
            cookie = f"{self._name}={self._token}; Path=/; HttpOnly; SameSite=Lax"
            path = scope.get("raw_path") or b"/"
            headers = [(b"location", path), (b"set-cookie", cookie.encode())]
            await _answer(send, 303, headers, b"")
        else:
            await _answer(send, 403, [(b"content-type", b"text/plain")], _REFUSAL)

    def _has_cookie(self, scope: Any) -> bool:
        for header, value in scope["headers"]:
            if header == b"cookie":
                for part in value.decode("latin-1").split(";"):
                    name, _, given = part.strip().partition("=")
                    if name == self._name and is_token(self._token, given):
                        return True
        return False

    def _has_token(self, scope: Any) -> bool:
        query = scope.get("query_string", b"").decode("latin-1")
        return any(is_token(self._token, given) for given in parse_qs(query).get("token", []))


async def _answer(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
