"""The clients OSCQuery finds: where they are, what they tell, and which one is meant."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from configs.schema import WorldConfig
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.doctor.running import ENABLE, is_here
from interfaces.oscquery import CLIENT_NAME
from interfaces.oscquery_browser import Browser, Peer, get_json

BROWSE_S = 3.5  # VRChat answers within 1.2 s; a lost packet is asked for again after a second
PREFIX = "/avatar/parameters/"


@dataclass(frozen=True)
class Avatar:
    """What the client tells of the avatar it wears. Values by parameter, None: not readable."""

    id: str = ""
    values: dict[str, object] = field(default_factory=dict[str, object])
    writable: frozenset[str] = frozenset()


def find_clients(seconds: float = BROWSE_S) -> list[Peer]:
    """Every VRChat client that answers, on this machine and in its network, by name."""
    lock, found = threading.Lock(), dict[str, Peer]()

    def met(peer: Peer) -> None:
        if CLIENT_NAME.match(peer.name):
            with lock:
                found[peer.name] = peer

    browser = Browser(met, lambda _: None, interfaces=None, loopback_only=False)
    threading.Event().wait(seconds)
    browser.close()
    return sorted(found.values(), key=lambda peer: peer.name)


def choose_client(world: WorldConfig, found: Sequence[Peer]) -> tuple[Peer | None, list[Finding]]:
    """The client that is meant, and what there is to say about who was found."""
    if not found:
        return None, [_nobody(world)]
    listed = "; ".join(map(_where, found))
    if wanted := world.osc.client:
        named = next((each for each in found if each.name == wanted), None)
        if named is None:
            text = f"{wanted} is configured, but there is {listed}"
            return None, [problem("client", text, f"world.osc.client={found[0].name}, or null")]
        others = f"; {len(found) - 1} more" if len(found) > 1 else ""
        return named, [ok("client", f"{_where(named)}{others}"), *_port(world, named)]
    if world.kind == "standin":
        return None, [ok("client", f"{listed}; a run brings its own")]
    here = [each for each in found if _same_host(each.host, world.osc.host)]
    if not here:
        text = f"none on {world.osc.host}, but {listed}"
        cure = f"world.osc.host={found[0].host}; and there VRChat needs --osc=9000:OUR-ADDRESS:9001"
        return None, [warning("client", text, cure)]
    # The one we would talk to, where several are here.
    meant = next((each for each in here if each.osc_port == world.osc.send_port), here[0])
    if len(here) > 1:
        cure = f"say which: world.osc.client={meant.name}"
        return meant, [warning("client", f"{len(here)} of them: {listed}", cure)]
    return meant, [ok("client", listed), *_port(world, meant)]


def read_avatar(client: Peer) -> Avatar:
    """What it tells about its avatar. Raises OSError, HTTPException and ValueError."""
    root = get_json(client.host, client.http_port, "/avatar")
    if not isinstance(root, dict):
        raise ValueError("/avatar is not a JSON object")
    nodes = {str(node.get("FULL_PATH", "")): node for node in _nodes(root)}
    feelings = {path.removeprefix(PREFIX): nodes[path] for path in nodes if path.startswith(PREFIX)}
    writable = frozenset(name for name, node in feelings.items() if node.get("ACCESS") in (2, 3))
    worn = _value(nodes.get("/avatar/change", {}))
    return Avatar(
        id="" if worn is None else str(worn),
        values={name: _value(node) for name, node in feelings.items() if "TYPE" in node},
        writable=writable,
    )


def ask_avatar(world: WorldConfig, client: Peer) -> tuple[Avatar, list[Finding]]:
    """A ping by HTTP: nothing is moved, a parameter is read."""
    try:
        avatar = read_avatar(client)
    except (OSError, HTTPException, ValueError) as error:
        text = f"{client.name} does not tell its avatar: {error}"
        return Avatar(), [problem("avatar", text, f"{ENABLE}; wait until the world has loaded")]
    return avatar, avatar_findings(world, avatar)


def avatar_findings(world: WorldConfig, avatar: Avatar) -> list[Finding]:
    """Whether the avatar has what the configuration feels and moves."""
    if not avatar.values:
        text = "no avatar parameters are told: OSC is off, or the avatar has not loaded"
        return [problem("avatar", text, ENABLE)]
    known = [name for name in world.parameters if avatar.values.get(name) is not None]
    read = f"; {known[0]} reads {avatar.values[known[0]]}" if known else ""
    found = [ok("avatar", f"{avatar.id or 'worn'}: {len(avatar.values)} parameters{read}")]
    unfelt = [name for name in world.parameters if name not in avatar.values]
    if unfelt:
        text = f"the avatar does not tell {', '.join(unfelt)}"
        cure = "Action Menu > Options > OSC > Reset Config; or name others: world.parameters"
        found.append(warning("parameters", text, cure))
    moved = [each.name for each in world.actions if each.target == "parameter"]
    unmoved = [name for name in moved if name not in avatar.writable]
    if unmoved:
        text = f"the avatar lets nobody write {', '.join(unmoved)}"
        found.append(warning("actions", text, "name parameters it has: world.actions"))
    return found


def _where(client: Peer) -> str:
    return f"{client.name} on {client.host}, OSC port {client.osc_port}"


def _nobody(world: WorldConfig) -> Finding:
    text = "OSCQuery finds no VRChat client"
    cure = f"{ENABLE}; a firewall or a VPN may hold back mDNS (UDP port 5353)"
    return (problem if world.osc.oscquery else warning)("client", text, cure)


def _port(world: WorldConfig, client: Peer) -> list[Finding]:
    if world.kind == "standin" or world.osc.send_port in (0, client.osc_port):
        return []
    text = f"it tells port {client.osc_port}, but Yume sends to {world.osc.send_port}"
    cure = (
        f"right if VRChat was started with --osc={world.osc.send_port}:… (it tells 9000 all the "
        f"same); else world.osc.send_port={client.osc_port}"
    )
    return [warning("client port", text, cure)]


def _same_host(host: str, wanted: str) -> bool:
    return host == wanted or (is_here(host) and is_here(wanted))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """It and all below it. Not by recursion: who answers may be anybody."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        inside = here.get("CONTENTS")
        if isinstance(inside, dict):
            waiting += [each for each in inside.values() if isinstance(each, dict)]


def _value(node: dict[str, Any]) -> object:
    value = node.get("VALUE")
    return value[0] if isinstance(value, list) and value else None
