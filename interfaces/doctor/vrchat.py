"""VRChat from outside: its process, its OSCQuery, the avatar it wears. Nothing is moved."""

from collections.abc import Callable, Sequence
from pathlib import Path

from configs.schema import WorldConfig
from interfaces.doctor.avatar_files import file_findings
from interfaces.doctor.clients import ask_avatar, choose_client
from interfaces.doctor.findings import Finding, ok
from interfaces.doctor.running import is_here, process_finding, running_clients
from interfaces.oscquery_browser import Peer
from interfaces.vrchat.client import Avatar


def vrchat_findings(
    world: WorldConfig, osc_folders: Sequence[Path], found_clients: Callable[[], Sequence[Peer]]
) -> list[Finding]:
    """All there is to know about the client the configuration means, real or stand-in."""
    clients = found_clients()
    if world.kind == "standin" and not clients:
        return [ok("VRChat", "not asked for: world.kind standin brings its own client")]
    running = running_clients()
    found = [process_finding(world, running, client=bool(clients))]
    avatar = Avatar()
    if clients or running or not is_here(world.osc.host):  # else it would say the same twice
        client, chosen = choose_client(world, clients)
        found += chosen
        if client is not None:
            avatar, told = ask_avatar(world, client)
            found += told
    if world.kind == "vrchat" and is_here(world.osc.host):
        found += file_findings(world.parameters, osc_folders, avatar.id)
    return found
