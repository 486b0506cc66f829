"""Which VRChat client is driven: found by OSCQuery, on the configured host and nowhere else.

Clients on other machines answer too, and strangers' avatars are not ours to move: with two
candidates and none chosen nothing is sent.
"""

import random
import socket
import string
import threading
import time
from collections.abc import Sequence
from typing import Any

import psutil

from configs.errors import BadInput
from interfaces.oscquery import CLIENT_NAME, Advertiser, Json, Node, OscQueryServer, host_info
from interfaces.oscquery_browser import Browser, Peer, get_json

_LOOK_S, _MORE_S = 4.0, 0.8  # for the first one, and then for others
_PARAMETERS = "/avatar/parameters"


def find_clients(interfaces: Sequence[str] | None, look_s: float = _LOOK_S) -> list[Peer]:
    """Every VRChat client that answers within `look_s`, by name; `interfaces` as Browser has it."""
    found: dict[str, Peer] = {}
    first = threading.Event()

    def meet(peer: Peer) -> None:
        if CLIENT_NAME.match(peer.name):
            found[peer.name] = peer
            first.set()

    browser = Browser(meet, lambda name: None, interfaces)
    try:
        if first.wait(look_s):
            time.sleep(_MORE_S)
        return sorted(found.values(), key=lambda peer: peer.name)
    finally:
        browser.close()


def choose_client(clients: Sequence[Peer], host: str, name: str | None) -> Peer | None:
    """The one at `host` (an IPv4 address), or the one called `name`; None: there is none.

    Raises BadInput, which lists them, where several could be meant or the named one is missing.
    """
    ours = _addresses_of(host)
    here = [peer for peer in clients if peer.host in ours]
    if name is not None:
        named = [peer for peer in here if peer.name == name]
        if not named:
            raise BadInput(f"world.osc.client {name}: not found on {host}; {_listed(clients)}")
        return named[0]
    if len(here) > 1:
        raise BadInput(
            f"{len(here)} VRChat clients on {host}: choose one by world.osc.client; {_listed(here)}"
        )
    return here[0] if here else None


def told_by(query_host: str, query_port: int) -> tuple[str | None, dict[str, Any]]:
    """Avatar id and parameter values as the client has them now, by OSCQuery.

    VRChat replays nothing to who comes late. Raises OSError, ValueError or HTTPException.
    """
    root = get_json(query_host, query_port, "/avatar")
    values: dict[str, Any] = {}
    avatar_id = None
    for node in _leaves(root):
        path, value = str(node.get("FULL_PATH")), node.get("VALUE")
        if not isinstance(value, list) or not value:
            continue
        if path == "/avatar/change":
            avatar_id = str(value[0])
        elif path.startswith(_PARAMETERS + "/"):
            values[path.removeprefix(_PARAMETERS + "/")] = value[0]
    return avatar_id, values


class Receiver:
    """Advertises that avatar parameters are wanted at a port: VRChat then sends there as well, and
    9001 stays free for others."""

    def __init__(self, osc_port: int, interfaces: Sequence[str] | None) -> None:
        letters = random.SystemRandom().choices(string.ascii_uppercase + string.digits, k=6)
        self.name = "Yume-" + "".join(letters)
        wanted = [Node("/avatar", "", 0)]
        self._server = OscQueryServer(lambda: wanted, lambda: host_info(self.name, osc_port))
        self._server.start()
        self._advertiser = Advertiser(self.name, self._server.port, osc_port, interfaces)

    def close(self) -> None:
        self._advertiser.close()
        self._server.close()


def _addresses_of(host: str) -> set[str]:
    """`host`, and where it is this machine all addresses it has."""
    own = {
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET
    }
    return own | {host} if host in own or host.startswith("127.") else {host}


def _listed(clients: Sequence[Peer]) -> str:
    if not clients:
        return "no client answers at all; is OSC enabled in VRChat's action menu?"
    return "there are " + ", ".join(f"{peer.name} (on {peer.host})" for peer in clients)


def _leaves(root: object) -> list[Json]:
    """Every node of a tree, without recursion: a stranger's answer may be deep."""
    found: list[Json] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.append(node)
            contents = node.get("CONTENTS")
            waiting += list(contents.values()) if isinstance(contents, dict) else []
    return found
