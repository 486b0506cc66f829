"""The page's server, on loopback: pictures of other people's avatars are nobody else's business."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInput
from interfaces.session.timeline import Diary
from interfaces.web.page import Player

HOST = "127.0.0.1"


def serve(
    diary: Diary,
    picture: Callable[[int], NDArray[np.uint8]],
    name: str,
    port: int,
    *,
    show: bool,
    ready: Callable[[str], None],
) -> None:
    """Until Ctrl-C. `picture` gives a row's image; `show` opens a browser; `ready` is told the
    address."""
    from nicegui import app, ui
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    one_at_a_time = threading.Lock()  # a session's files are read by one page at a time

    def looked_up(row: int) -> NDArray[np.uint8]:
        with one_at_a_time:
            return picture(row)

    # Another site's page must not read this one through a name that it lets point here.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    threading.Thread(target=_announce, args=(port, ready), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn passes it on after it has ended
        ui.run(
            lambda: Player(diary, looked_up, name) and None,
            host=HOST,
            port=port,
            title=f"{name} · 夢 Yume",
            favicon="🌙",
            show=show,
            reload=False,
            show_welcome_message=False,
        )


def _announce(port: int, ready: Callable[[str], None]) -> None:
    """Once somebody answers there."""
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return ready(f"http://{HOST}:{port}")


def free_port(port: int) -> int:
    """This one; for 0 a free one. Raises BadInput where it is taken."""
    with socket.socket() as probe:
        if os.name == "posix":  # as asyncio does: a page that was just closed is in nobody's way
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BadInput(
                f"--port {port}: {error.strerror or error}; 0 takes a free one"
            ) from error
        return int(probe.getsockname()[1])
