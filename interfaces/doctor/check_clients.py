"""Check the clients that OSCQuery finds: where they are, and which one a run would use."""

from collections.abc import Sequence
from http.client import HTTPException

from configs.errors import BadInput
from configs.world_settings import WorldConfig
from interfaces.doctor.check_vrchat_process import ENABLE
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.osc.oscquery_browser import Peer
from interfaces.osc.ports import own_address, same_host
from interfaces.vrchat.client_finder import Avatar, read_avatar
from interfaces.vrchat.endpoints import VRCHAT_IN_PORT, VRCHAT_OUT_PORT, resolve_host


def select_client(world: WorldConfig, clients: Sequence[Peer]) -> tuple[Peer | None, list[Finding]]:
    """The client that a run would use, and the findings about all clients."""
    if not clients:
        return None, [_no_client(world)]
    listed = "; ".join(map(_describe, clients))
    try:
        host = resolve_host(world.osc.host)
    except BadInput as error:
        return None, [problem("client", str(error), f"world.osc.host={clients[0].host}")]
    at_host = [each for each in clients if each.osc_port and same_host(each.host, host)]
    if wanted := world.osc.client:
        named = next((each for each in clients if each.name == wanted), None)
        if named is None:
            text = f"{wanted} is configured, but the network has {listed}"
            return None, [problem("client", text, f"world.osc.client={clients[0].name}, or null")]
        if named not in at_host:
            text = f"{_describe(named)}, but world.osc.host is {world.osc.host}"
            return None, [problem("client", text, f"world.osc.host={named.host}")]
        others = f"; {len(clients) - 1} more" if len(clients) > 1 else ""
        return named, [ok("client", f"{_describe(named)}{others}"), *_port_findings(world, named)]
    if world.kind == "standin":
        return None, [ok("client", f"{listed}; a run starts its own")]
    if not at_host:
        text = f"none on {world.osc.host}, but {listed}"
        other = clients[0].host
        remedy = f"world.osc.host={other}; and start VRChat there with {_start_option(other)}"
        return None, [warning("client", text, remedy)]
    # Of several clients at the host: the one with the configured port.
    likely = next((each for each in at_host if each.osc_port == world.osc.send_port), at_host[0])
    if len(at_host) > 1:
        remedy = f"choose one: world.osc.client={likely.name}"
        text = f"{len(at_host)} clients, and none is chosen: {listed}"
        return likely, [problem("client", text, remedy)]
    return likely, [ok("client", listed), *_port_findings(world, likely)]


def ask_avatar(world: WorldConfig, client: Peer) -> tuple[Avatar, list[Finding]]:
    """Read the avatar's parameters by HTTP. Nothing in VRChat moves."""
    try:
        avatar = read_avatar(client.host, client.http_port)
    except (OSError, HTTPException, ValueError) as error:
        text = f"{client.name} does not report its avatar: {error}"
        return Avatar(), [problem("avatar", text, f"{ENABLE}; wait until the world has loaded")]
    return avatar, avatar_findings(world, avatar)


def avatar_findings(world: WorldConfig, avatar: Avatar) -> list[Finding]:
    """Whether the avatar has the configured parameters, and lets OSC write the configured ones."""
    if not avatar.values:
        text = "the client reports no avatar parameters: OSC is off, or the avatar has not loaded"
        return [problem("avatar", text, ENABLE)]
    known = [name for name in world.parameters if avatar.values.get(name) is not None]
    example = f"; {known[0]} reads {avatar.values[known[0]]}" if known else ""
    label = avatar.id or "unknown id"
    findings = [ok("avatar", f"{label}: {len(avatar.values)} parameters{example}")]
    missing = [name for name in world.parameters if name not in avatar.values]
    if missing:
        text = f"the avatar does not report {', '.join(missing)}"
        remedy = "Action Menu > Options > OSC > Reset Config; or name others: world.parameters"
        findings.append(warning("parameters", text, remedy))
    written = [each.name for each in world.actions if each.target == "parameter"]
    read_only = [name for name in written if name not in avatar.writable]
    if read_only:
        text = f"the avatar does not let OSC write {', '.join(read_only)}"
        findings.append(warning("actions", text, "name parameters that it has: world.actions"))
    return findings


def _describe(client: Peer) -> str:
    port = f", OSC port {client.osc_port}" if client.osc_port else " (not asked)"
    return f"{client.name} on {client.host}{port}"


def _start_option(host: str) -> str:
    """The start option by which VRChat on another machine sends its parameters to this one."""
    try:
        ours = own_address(host)
    except BadInput:
        ours = "OUR-ADDRESS"
    return f"--osc={VRCHAT_IN_PORT}:{ours}:{VRCHAT_OUT_PORT}"


def _no_client(world: WorldConfig) -> Finding:
    text = "OSCQuery finds no VRChat client"
    remedy = f"{ENABLE}; a firewall or a VPN may block mDNS (UDP port 5353)"
    return (problem if world.osc.oscquery else warning)("client", text, remedy)


def _port_findings(world: WorldConfig, client: Peer) -> list[Finding]:
    if world.kind == "standin" or world.osc.send_port in (0, client.osc_port):
        return []
    text = f"it advertises port {client.osc_port}, but Yume sends to {world.osc.send_port}"
    remedy = (
        f"correct if VRChat was started with --osc={world.osc.send_port}:… (it advertises 9000 "
        f"even then); otherwise world.osc.send_port={client.osc_port}"
    )
    return [warning("client port", text, remedy)]
