"""OSCQuery for the stand-in: it advertises itself as a VRChat client, and finds OSC receivers."""

import math
import threading
import time
from collections.abc import Callable, Iterable

from configs.standin import FaultsConfig
from interfaces.osc.mdns import LOOPBACK, Advertiser
from interfaces.osc.oscquery import CLIENT_NAME, Node, client_name, host_info
from interfaces.osc.oscquery_browser import Browser, Peer
from interfaces.osc.oscquery_server import OscQueryServer
from interfaces.osc.ports import own_addresses

_Receiver = tuple[tuple[str, int], float]  # host and port, and when the last message leaves


class OscQueryDiscovery:
    """Advertises `VRChat-Client-XXXXXX`, and collects the receivers that advertise /avatar.

    The world never waits for it: other threads read the node tree and update the receivers.
    """

    def __init__(
        self,
        nodes: Callable[[], Iterable[Node]],
        *,
        seed: int,
        osc_port: int,
        advertised_port: int,
        faults: Callable[[], FaultsConfig] = FaultsConfig,
    ) -> None:
        """`advertised_port` is the OSC port that OSCQuery reports.

        It can differ from `osc_port`, to simulate a bug of VRChat. `faults`: those in effect.
        """
        self.name = client_name(seed * 100_003 + osc_port)
        self._advertised_port, self._faults = advertised_port, faults
        self._lock = threading.Lock()
        self._receivers: dict[str, _Receiver] = {}
        self._server = OscQueryServer(nodes, lambda: host_info(self.name, advertised_port))
        self._server.start()
        self._advertiser: Advertiser | None = None
        self.show(faults().osc)
        interfaces = LOOPBACK
        if faults().lan_only:
            interfaces = [each for each in own_addresses() if not each.startswith("127.")]
        # Another VRChat client also has /avatar, but it is not a receiver.
        self._browser = (
            Browser(self._add, self._remove, interfaces, wants=_is_no_client)
            if interfaces
            else None
        )

    @property
    def http_port(self) -> int:
        """The TCP port of the OSCQuery server."""
        return self._server.port

    def show(self, shown: bool) -> None:
        """Advertise the client, or no longer. Returns at once; mDNS takes some seconds."""
        if shown and self._advertiser is None:
            self._advertiser = Advertiser(self.name, self._server.port, self._advertised_port)
        elif not shown and self._advertiser is not None:
            threading.Thread(target=self._advertiser.close, daemon=True).start()
            self._advertiser = None

    def receivers(self) -> list[tuple[str, int]]:
        """Host and port of each receiver of avatar parameters, besides the fixed target."""
        with self._lock:
            if not self._receivers:
                return []
            now = time.perf_counter()
            self._receivers = {k: v for k, v in self._receivers.items() if v[1] > now}
            return list(dict.fromkeys(address for address, _ in self._receivers.values()))

    def close(self) -> None:
        for part in (self._browser, self._advertiser, self._server):
            if part is not None:
                part.close()

    def _add(self, peer: Peer) -> None:
        if "avatar" in peer.paths:
            with self._lock:
                self._receivers[peer.name] = ((peer.osc_host, peer.osc_port), math.inf)

    def _remove(self, name: str) -> None:
        with self._lock:
            if name in self._receivers:
                leaves_s = time.perf_counter() + self._faults().goodbye_s
                self._receivers[name] = (self._receivers[name][0], leaves_s)


def _is_no_client(name: str) -> bool:
    return CLIENT_NAME.match(name) is None
