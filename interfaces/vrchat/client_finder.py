"""Which VRChat client is driven: found by OSCQuery, on the configured host and nowhere else.

Clients on other machines answer too, and strangers' avatars are not ours to move: with two
candidates and none chosen nothing is sent.
"""

import random
import string
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from configs.errors import BadInput
from interfaces.osc.oscquery import CLIENT_NAME, Advertiser, Json, Node, OscQueryServer, host_info
from interfaces.osc.oscquery_browser import Browser, Peer, get_json
from interfaces.osc.ports import LOOPBACK, same_host
from interfaces.vrchat.avatar_parameters import PREFIX

_LOOK_S, _MORE_S = 4.0, 0.8  # for the first one, and then for others


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
    """What the client tells of the avatar it wears. Values by parameter, None: not readable."""

    id: str = ""
    values: dict[str, object] = field(default_factory=dict[str, object])
    writable: frozenset[str] = frozenset()


def read_avatar(host: str, http_port: int) -> Avatar:
    """The avatar as it is now: VRChat replays nothing to who comes late.

    Raises OSError, HTTPException and ValueError.
    """
    root = get_json(host, http_port, "/avatar")
    if not isinstance(root, dict):
        raise ValueError("/avatar is not a JSON object")
    nodes = {str(node.get("FULL_PATH", "")): node for node in _nodes(root)}
    own = {path.removeprefix(PREFIX): nodes[path] for path in nodes if path.startswith(PREFIX)}
    writable = frozenset(name for name, node in own.items() if node.get("ACCESS") in (2, 3))
    worn = _value(nodes.get("/avatar/change", {}))
    return Avatar(
        id="" if worn is None else str(worn),
        values={name: _value(node) for name, node in own.items() if "TYPE" in node},
        writable=writable,
    )


class Receiver:
    """Advertises that avatar parameters are wanted at a port: VRChat then sends there as well, and
    9001 stays free for others. `address`: ours, by which the client's machine reaches us."""

    def __init__(
        self, osc_port: int, interfaces: Sequence[str] | None, address: str = LOOPBACK
    ) -> None:
        letters = random.SystemRandom().choices(string.ascii_uppercase + string.digits, k=6)
        self.name = "Yume-" + "".join(letters)
        wanted = [Node("/avatar", "", 0)]
        self._server = OscQueryServer(
            lambda: wanted, lambda: host_info(self.name, osc_port, address), host=address
        )
        self._server.start()
        self._advertiser = Advertiser(self.name, self._server.port, osc_port, interfaces, address)

    def close(self) -> None:
        self._advertiser.close()
        self._server.close()


def _listed(clients: Sequence[Peer]) -> str:
    if not clients:
        return "no client answers at all; is OSC enabled in VRChat's action menu?"
    return "there are " + ", ".join(f"{peer.name} (on {peer.host})" for peer in clients)


def _nodes(node: Json) -> Iterator[Json]:
    """It and all below it. Not by recursion: who answers may be anybody."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        inside = here.get("CONTENTS")
        if isinstance(inside, dict):
            waiting += [each for each in inside.values() if isinstance(each, dict)]


def _value(node: Json) -> object:
    value = node.get("VALUE")
    return value[0] if isinstance(value, list) and value else None
