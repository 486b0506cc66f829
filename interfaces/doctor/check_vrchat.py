"""VRChat from outside: its process, its OSCQuery, the avatar it wears. Nothing is moved."""

from collections.abc import Callable, Sequence
from pathlib import Path

from configs.schema import WorldConfig
from configs.vrchat import MeasuredConfig
from interfaces.doctor.check_avatar_files import file_findings
from interfaces.doctor.check_clients import ask_avatar, choose_client
from interfaces.doctor.check_vrchat_process import is_here, process_finding, running_clients
from interfaces.doctor.findings import Finding, ok
from interfaces.osc.oscquery_browser import Peer
from interfaces.vrchat.client_finder import Avatar


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
    if world.kind == "vrchat":
        found.append(calibration_finding(world.measured))
    if world.kind == "vrchat" and is_here(world.osc.host):
        found += file_findings(world.parameters, osc_folders, avatar.id)
    return found


def calibration_finding(measured: MeasuredConfig) -> Finding:
    """What `calibrate` wrote down; only the turning speed is used, the rest is for people."""
    told = [f"turns {measured.turn_deg_s:g} deg/s"]
    for what, value, unit, scale in (
        ("forward", measured.forward_m_s, "m/s", 1.0),
        ("sideways", measured.right_m_s, "m/s", 1.0),
        ("an input is felt after", measured.dead_time_s, "ms", 1e3),
        ("seen after", measured.loop_s, "ms", 1e3),
    ):
        if value is not None:
            told.append(f"{what} {value * scale:.3g} {unit}")
    if len(told) == 1:
        told.append("taken for granted: `calibrate` has not measured here")
    return ok("calibration", ", ".join(told))
