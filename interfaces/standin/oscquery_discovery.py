"""OSCQuery for the stand-in: it can be found as a VRChat client, and finds who wants to hear it."""

import threading
from collections.abc import Callable, Iterable

from interfaces.osc.oscquery import (
    CLIENT_NAME,
    Advertiser,
    Node,
    OscQueryServer,
    client_name,
    host_info,
)
from interfaces.osc.oscquery_browser import Browser, Peer


class Discovery:
    """Advertises `VRChat-Client-XXXXXX`, and keeps the receivers that advertise /avatar.

    Nothing here holds the world up: the tree is read, and receivers come and go, in threads.
    """

    def __init__(
        self, nodes: Callable[[], Iterable[Node]], *, seed: int, osc_port: int, advertised_port: int
    ) -> None:
        """`advertised_port` is what is told; by a bug of VRChat's it is not always `osc_port`."""
        self.name = client_name(seed * 100_003 + osc_port)
        self._lock = threading.Lock()
        self._receivers: dict[str, tuple[str, int]] = {}
        self._server = OscQueryServer(nodes, lambda: host_info(self.name, advertised_port))
        self._server.start()
        self._advertiser = Advertiser(self.name, self._server.port, advertised_port)
        self._browser = Browser(self._found, self._lost)

    @property
    def http_port(self) -> int:
        return self._server.port

    def receivers(self) -> list[tuple[str, int]]:
        """Host and port of everybody who wants avatar parameters, besides the fixed port."""
        with self._lock:
            return list(dict.fromkeys(self._receivers.values()))

    def close(self) -> None:
        for part in (self._browser, self._advertiser, self._server):
            part.close()

    def _found(self, peer: Peer) -> None:
        # Another client has /avatar as well, but wants to hear of nobody.
        if "avatar" in peer.paths and not CLIENT_NAME.match(peer.name):
            with self._lock:
                self._receivers[peer.name] = (peer.osc_host, peer.osc_port)

    def _lost(self, name: str) -> None:
        with self._lock:
            self._receivers.pop(name, None)
