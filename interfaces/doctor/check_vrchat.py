"""Check VRChat from outside: its process, its OSCQuery and its avatar. Nothing in it moves."""

from collections.abc import Callable, Sequence
from pathlib import Path

from configs.vrchat import MeasuredConfig
from configs.world_settings import WorldConfig
from interfaces.doctor.check_avatar_files import file_findings
from interfaces.doctor.check_clients import ask_avatar, select_client
from interfaces.doctor.check_vrchat_process import is_here, process_finding, vrchat_processes
from interfaces.doctor.findings import Finding, ok
from interfaces.osc.oscquery_browser import Peer
from interfaces.vrchat.client_finder import Avatar


def vrchat_findings(
    world: WorldConfig, osc_folders: Sequence[Path], find_clients: Callable[[], Sequence[Peer]]
) -> list[Finding]:
    """The findings about the configured client, VRChat or a stand-in."""
    clients = find_clients()
    if world.kind == "standin" and not clients:
        return [ok("VRChat", "not needed: world.kind standin starts its own client")]
    processes = vrchat_processes()
    findings = [process_finding(world, processes, client=bool(clients))]
    avatar = Avatar()
    # Without any of these, the client findings would repeat that VRChat does not run.
    if clients or processes or not is_here(world.osc.host):
        client, client_findings = select_client(world, clients)
        findings += client_findings
        if client is not None:
            avatar, avatar_findings = ask_avatar(world, client)
            findings += avatar_findings
    if world.kind == "vrchat":
        findings.append(calibration_finding(world.measured))
    if world.kind == "vrchat" and is_here(world.osc.host):
        findings += file_findings(world.parameters, osc_folders, avatar.id)
    return findings


def calibration_finding(measured: MeasuredConfig) -> Finding:
    """What `calibrate` measured. Yume uses only the turning speed; the rest is for people."""
    parts = [f"turns {measured.turn_deg_s:g} deg/s"]
    for what, value, unit, scale in (
        ("forward", measured.forward_m_s, "m/s", 1.0),
        ("sideways", measured.right_m_s, "m/s", 1.0),
        ("an input takes effect after", measured.dead_time_s, "ms", 1e3),
        ("visible after", measured.loop_s, "ms", 1e3),
    ):
        if value is not None:
            parts.append(f"{what} {value * scale:.3g} {unit}")
    if len(parts) == 1:
        parts.append("the default: `calibrate` has not measured here")
    return ok("calibration", ", ".join(parts))
