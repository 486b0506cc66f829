"""The server of the playback page. It listens on loopback only: recordings show other people."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from interfaces.session.timeline import Timeline
from interfaces.web.page import Player
from interfaces.web.token_gate import TokenGate

HOST = "127.0.0.1"


def serve(
    timeline: Timeline,
    picture: Callable[[int], NDArray[np.uint8]],
    name: str,
    port: int,
    *,
    token: str,
    show: bool,
    ready: Callable[[str], None],
) -> None:
    """Serve the page until Ctrl-C.

    `picture` returns the image (H, W, 3) RGB of a row. Other users of this machine can connect too,
    but only the address with `token` shows the page. `show` opens a browser there. `ready` is
    called with this address once the server answers.
    """
    from nicegui import app, ui
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    lock = threading.Lock()  # only one page at a time may read the session's files

    def locked_picture(row: int) -> NDArray[np.uint8]:
        with lock:
            return picture(row)

    app.add_middleware(TokenGate, token=token, name=f"yume_{port}")
    # Against DNS rebinding: a foreign site could point a host name of its own to this server.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    threading.Thread(target=_announce, args=(port, token, ready), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after its shutdown
        ui.run(
            lambda: Player(timeline, locked_picture, name) and None,
            host=HOST,
            port=port,
            title=f"{name} · 夢 Yume",
            favicon="🌙",
            show=f"/?token={token}" if show else False,
            reload=False,
            show_welcome_message=False,
        )


def _announce(port: int, token: str, ready: Callable[[str], None]) -> None:
    """Call `ready` once the server accepts connections."""
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return ready(f"http://{HOST}:{port}/?token={token}")


def free_port(port: int) -> int:
    """This port or, for 0, any free one. Raises BadInput if the port is taken."""
    with socket.socket() as probe:
        if os.name == "posix":  # as asyncio does: a port just closed can be used again
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BadInput(
                f"--port {port}: {error.strerror or error}; --port 0 takes a free one"
            ) from error
        return int(probe.getsockname()[1])
