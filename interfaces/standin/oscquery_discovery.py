"""OSCQuery for the stand-in: it advertises itself as a VRChat client, and finds OSC receivers."""

import threading
from collections.abc import Callable, Iterable

from interfaces.osc.mdns import Advertiser
from interfaces.osc.oscquery import CLIENT_NAME, Node, client_name, host_info
from interfaces.osc.oscquery_browser import Browser, Peer
from interfaces.osc.oscquery_server import OscQueryServer


class OscQueryDiscovery:
    """Advertises `VRChat-Client-XXXXXX`, and collects the receivers that advertise /avatar.

    The world never waits for it: other threads read the node tree and update the receivers.
    """

    def __init__(
        self, nodes: Callable[[], Iterable[Node]], *, seed: int, osc_port: int, advertised_port: int
    ) -> None:
        """`advertised_port` is the OSC port that OSCQuery reports.

        It can differ from `osc_port`, to simulate a bug of VRChat.
        """
        self.name = client_name(seed * 100_003 + osc_port)
        self._lock = threading.Lock()
        self._receivers: dict[str, tuple[str, int]] = {}
        self._server = OscQueryServer(nodes, lambda: host_info(self.name, advertised_port))
        self._server.start()
        self._advertiser = Advertiser(self.name, self._server.port, advertised_port)
        # Another VRChat client also has /avatar, but it is not a receiver.
        self._browser = Browser(self._add, self._remove, wants=_is_no_client)

    @property
    def http_port(self) -> int:
        """The TCP port of the OSCQuery server."""
        return self._server.port

    def receivers(self) -> list[tuple[str, int]]:
        """Host and port of each receiver of avatar parameters, besides the fixed target."""
        with self._lock:
            return list(dict.fromkeys(self._receivers.values()))

    def close(self) -> None:
        for part in (self._browser, self._advertiser, self._server):
            part.close()

    def _add(self, peer: Peer) -> None:
        if "avatar" in peer.paths:
            with self._lock:
                self._receivers[peer.name] = (peer.osc_host, peer.osc_port)

    def _remove(self, name: str) -> None:
        with self._lock:
            self._receivers.pop(name, None)


def _is_no_client(name: str) -> bool:
    return CLIENT_NAME.match(name) is None
