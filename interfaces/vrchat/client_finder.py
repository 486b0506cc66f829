"""Finds the VRChat client to control, by OSCQuery and only on the configured host.

Clients on other machines answer too, and this program must not move the avatars of other people.
With two candidates and no choice in the configuration, nothing is sent.
"""

import random
import string
import threading
import time
from collections.abc import Sequence

from configs.errors import BadInput
from interfaces.osc.mdns import Advertiser
from interfaces.osc.oscquery import CLIENT_NAME, Node, host_info
from interfaces.osc.oscquery_browser import Browser, Peer, get_json
from interfaces.osc.oscquery_server import OscQueryServer
from interfaces.osc.ports import LOOPBACK, same_host
from interfaces.vrchat.avatar_listing import Avatar, avatar_of

_FIRST_WAIT_S, _MORE_WAIT_S = 4.0, 0.8  # for the first client, and then for others


def find_clients(
    interfaces: Sequence[str] | None,
    wait_s: float = _FIRST_WAIT_S,
    *,
    host: str = LOOPBACK,
    name: str | None = None,
) -> list[Peer]:
    """The VRChat clients that answer, sorted by name.

    Only clients on this machine and at the IPv4 address `host` are asked. Of others, the result has
    name and address. Waits up to `wait_s` seconds for the first client that answers, or for the one
    called `name`. `interfaces`: as for Browser.
    """
    clients: dict[str, Peer] = {}
    first = threading.Event()

    def add(peer: Peer) -> None:
        clients[peer.name] = peer
        if peer.osc_port and name in (None, peer.name):
            first.set()

    browser = Browser(add, lambda name: None, interfaces, host=host, wants=CLIENT_NAME.match)
    try:
        if first.wait(wait_s) and name is None:
            time.sleep(_MORE_WAIT_S)
        return sorted(clients.values(), key=lambda peer: peer.name)
    finally:
        browser.close()


def choose_client(clients: Sequence[Peer], host: str, name: str | None) -> Peer | None:
    """The client at `host` (an IPv4 address), or the one called `name`. None: no client there.

    Several names for one program count as one client: a stranger's record cannot block it.
    Raises BadInput, which lists the clients, if several match or the named one is missing.
    """
    here = [peer for peer in clients if peer.osc_port and same_host(peer.host, host)]
    if name is not None:
        named = [peer for peer in here if peer.name == name]
        if not named:
            raise BadInput(f"world.osc.client {name}: not found on {host}; {_listed(clients)}")
        return named[0]
    here = _without_aliases(here)
    if len(here) > 1:
        raise BadInput(
            f"{len(here)} VRChat clients on {host}: choose one by world.osc.client; {_listed(here)}"
        )
    return here[0] if here else None


def read_avatar(host: str, http_port: int) -> Avatar:
    """Ask a client for its current avatar. VRChat does not repeat earlier OSC messages.

    Raises OSError, HTTPException and ValueError.
    """
    return avatar_of(get_json(host, http_port, "/avatar"))


class ReceiverAdvertiser:
    """Advertises a port that receives avatar parameters.

    VRChat then sends to it as well, and port 9001 stays free for other programs. `address`: the
    address of this machine that the client's machine can reach.
    """

    def __init__(
        self, osc_port: int, interfaces: Sequence[str] | None, address: str = LOOPBACK
    ) -> None:
        letters = random.SystemRandom().choices(string.ascii_uppercase + string.digits, k=6)
        self.name = "Yume-" + "".join(letters)
        nodes = [Node("/avatar", "", 0)]
        self._server = OscQueryServer(
            lambda: nodes, lambda: host_info(self.name, osc_port, address), host=address
        )
        self._server.start()
        self._advertiser = Advertiser(self.name, self._server.port, osc_port, interfaces, address)

    def close(self) -> None:
        self._advertiser.close()
        self._server.close()


def _without_aliases(clients: Sequence[Peer]) -> list[Peer]:
    """Without the names that others gave to a program that also has the name which it gives."""
    known = {(each.host, each.http_port) for each in clients if each.name == each.own_name}
    return [
        each
        for each in clients
        if each.name == each.own_name or (each.host, each.http_port) not in known
    ]


def _listed(clients: Sequence[Peer]) -> str:
    if not clients:
        return "no client answers; is OSC enabled in VRChat's action menu?"
    return "there are " + ", ".join(f"{peer.name} (on {peer.host})" for peer in clients)
