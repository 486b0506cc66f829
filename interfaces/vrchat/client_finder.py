"""Finds the VRChat client to control, by OSCQuery and only on the configured host.

Clients on other machines answer too, and this program must not move the avatars of other people.
With two candidates and no choice in the configuration, nothing is sent.
"""

import random
import string
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from configs.errors import BadInput
from interfaces.osc.mdns import Advertiser
from interfaces.osc.oscquery import CLIENT_NAME, Json, Node, host_info
from interfaces.osc.oscquery_browser import Browser, Peer, get_json
from interfaces.osc.oscquery_server import OscQueryServer
from interfaces.osc.ports import LOOPBACK, same_host
from interfaces.vrchat.avatar_parameters import PREFIX

_FIRST_WAIT_S, _MORE_WAIT_S = 4.0, 0.8  # for the first client, and then for others


def find_clients(interfaces: Sequence[str] | None, wait_s: float = _FIRST_WAIT_S) -> list[Peer]:
    """The VRChat clients that answer, sorted by name.

    Waits up to `wait_s` seconds for the first client. `interfaces`: as for Browser.
    """
    clients: dict[str, Peer] = {}
    first = threading.Event()

    def add(peer: Peer) -> None:
        if CLIENT_NAME.match(peer.name):
            clients[peer.name] = peer
            first.set()

    browser = Browser(add, lambda name: None, interfaces)
    try:
        if first.wait(wait_s):
            time.sleep(_MORE_WAIT_S)
        return sorted(clients.values(), key=lambda peer: peer.name)
    finally:
        browser.close()


def choose_client(clients: Sequence[Peer], host: str, name: str | None) -> Peer | None:
    """The client at `host` (an IPv4 address), or the one called `name`. None: no client there.

    Raises BadInput, which lists the clients, if several match or the named one is missing.
    """
    here = [peer for peer in clients if same_host(peer.host, host)]
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


@dataclass(frozen=True)
class Avatar:
    """The current avatar as the client reports it.

    values: by parameter name, None for one that cannot be read. writable: parameters that OSC may
    set.
    """

    id: str = ""
    values: dict[str, object] = field(default_factory=dict[str, object])
    writable: frozenset[str] = frozenset()


def read_avatar(host: str, http_port: int) -> Avatar:
    """Ask a client for its current avatar. VRChat does not repeat earlier OSC messages.

    Raises OSError, HTTPException and ValueError.
    """
    root = get_json(host, http_port, "/avatar")
    if not isinstance(root, dict):
        raise ValueError("/avatar is not a JSON object")
    nodes = {str(node.get("FULL_PATH", "")): node for node in _nodes(root)}
    parameters = {
        path.removeprefix(PREFIX): nodes[path] for path in nodes if path.startswith(PREFIX)
    }
    writable = frozenset(name for name, node in parameters.items() if node.get("ACCESS") in (2, 3))
    avatar_id = _value(nodes.get("/avatar/change", {}))
    return Avatar(
        id="" if avatar_id is None else str(avatar_id),
        values={name: _value(node) for name, node in parameters.items() if "TYPE" in node},
        writable=writable,
    )


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


def _listed(clients: Sequence[Peer]) -> str:
    if not clients:
        return "no client answers; is OSC enabled in VRChat's action menu?"
    return "there are " + ", ".join(f"{peer.name} (on {peer.host})" for peer in clients)


def _nodes(node: Json) -> Iterator[Json]:
    """The node and all nodes below it. Not recursive: an unknown program may send a deep tree."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        contents = current.get("CONTENTS")
        if isinstance(contents, dict):
            waiting += [each for each in contents.values() if isinstance(each, dict)]


def _value(node: Json) -> object:
    value = node.get("VALUE")
    return value[0] if isinstance(value, list) and value else None
