"""The clients OSCQuery finds: where they are, what they tell, and which one is meant."""

from collections.abc import Sequence
from http.client import HTTPException

from configs.errors import BadInput
from configs.schema import WorldConfig
from interfaces.doctor.check_vrchat_process import ENABLE
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.osc.oscquery_browser import Peer
from interfaces.osc.ports import own_address, same_host
from interfaces.vrchat.client_finder import Avatar, read_avatar
from interfaces.vrchat.endpoints import USUAL_IN, USUAL_OUT, address_of


def choose_client(world: WorldConfig, found: Sequence[Peer]) -> tuple[Peer | None, list[Finding]]:
    """The client that is meant, and what there is to say about who was found."""
    if not found:
        return None, [_nobody(world)]
    listed = "; ".join(map(_where, found))
    try:
        host = address_of(world.osc.host)
    except BadInput as error:
        return None, [problem("client", str(error), f"world.osc.host={found[0].host}")]
    here = [each for each in found if same_host(each.host, host)]
    if wanted := world.osc.client:
        named = next((each for each in found if each.name == wanted), None)
        if named is None:
            text = f"{wanted} is configured, but there is {listed}"
            return None, [problem("client", text, f"world.osc.client={found[0].name}, or null")]
        if named not in here:
            text = f"{_where(named)}, but world.osc.host is {world.osc.host}"
            return None, [problem("client", text, f"world.osc.host={named.host}")]
        others = f"; {len(found) - 1} more" if len(found) > 1 else ""
        return named, [ok("client", f"{_where(named)}{others}"), *_port(world, named)]
    if world.kind == "standin":
        return None, [ok("client", f"{listed}; a run brings its own")]
    if not here:
        text = f"none on {world.osc.host}, but {listed}"
        cure = f"world.osc.host={found[0].host}; and there VRChat needs {_start(found[0].host)}"
        return None, [warning("client", text, cure)]
    # The one we would talk to, where several are here.
    meant = next((each for each in here if each.osc_port == world.osc.send_port), here[0])
    if len(here) > 1:
        cure = f"say which: world.osc.client={meant.name}"
        return meant, [problem("client", f"{len(here)} of them, and none chosen: {listed}", cure)]
    return meant, [ok("client", listed), *_port(world, meant)]


def ask_avatar(world: WorldConfig, client: Peer) -> tuple[Avatar, list[Finding]]:
    """A ping by HTTP: nothing is moved, a parameter is read."""
    try:
        avatar = read_avatar(client.host, client.http_port)
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


def _start(host: str) -> str:
    """How VRChat is started on another machine so that this one hears it."""
    try:
        ours = own_address(host)
    except BadInput:
        ours = "OUR-ADDRESS"
    return f"--osc={USUAL_IN}:{ours}:{USUAL_OUT}"


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
