"""Check whether VRChat runs on this machine, and its --osc start option."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

import psutil

from configs.errors import BadInput
from configs.world_settings import WorldConfig
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.osc.ports import LOOPBACK, same_host
from interfaces.vrchat.endpoints import VRCHAT_IN_PORT, VRCHAT_OUT_PORT, resolve_host

VRCHAT = "VRChat.exe"
_OSC_OPTION = re.compile(r"--osc=(\d+):([^:]+):(\d+)")
ENABLE = "in VRChat: Action Menu > Options > OSC > Enabled"


@dataclass(frozen=True)
class VrchatProcess:
    """A VRChat process. `osc`: (port in, host, port out) of its --osc option, if it has one."""

    pid: int
    since_s: float = 0.0
    osc: tuple[int, str, int] | None = None


def is_here(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine."""
    try:
        return same_host(resolve_host(host), LOOPBACK)
    except BadInput:
        return False


def vrchat_processes() -> list[VrchatProcess]:
    """All VRChat processes of this machine, also under Proton."""
    return list(_find_processes())


def process_finding(
    world: WorldConfig, processes: Sequence[VrchatProcess], *, client: bool
) -> Finding:
    """`client`: whether OSCQuery found a client, which may be a stand-in."""
    if not processes:
        if client:
            return ok("process", f"no {VRCHAT} here, but a client answers: see below")
        if not is_here(world.osc.host):
            return ok("process", f"VRChat is expected on {world.osc.host}, not here")
        return problem("process", "VRChat is not running", f"start it; then {ENABLE}")
    listed = ", ".join(f"pid {each.pid}, for {each.since_s / 60:.0f} min" for each in processes)
    for each in processes:
        if each.osc and (remedy := _remedy(world, each.osc)):
            option = ":".join(map(str, each.osc))
            text = f"{VRCHAT} ({listed}) was started with --osc={option}; Yume has other ports"
            return warning("process", text, remedy)
    return ok("process", f"{VRCHAT}, {listed}")


def _remedy(world: WorldConfig, osc: tuple[int, str, int]) -> str:
    osc_in, _, osc_out = osc
    settings: list[str] = []
    # Without a configured port Yume asks OSCQuery, and VRChat reports 9000 in spite of --osc.
    if osc_in != (world.osc.send_port or VRCHAT_IN_PORT):
        settings.append(f"world.osc.send_port={osc_in}")
    asks = world.osc.oscquery or world.kind != "vrchat"
    receive_port = world.osc.receive_port or (0 if asks else VRCHAT_OUT_PORT)
    if receive_port and osc_out != receive_port:
        settings.append(f"world.osc.receive_port={osc_out}")
    return " ".join(settings)


def _find_processes() -> Iterator[VrchatProcess]:
    for process in psutil.process_iter(["name", "cmdline", "create_time"]):
        words: list[str] = process.info["cmdline"] or []
        # Under Proton the process may have the name of Wine's loader, with VRChat as its first
        # argument. The program that starts Proton has it later.
        names = [process.info["name"] or "", *(PureWindowsPath(word).name for word in words[:2])]
        if VRCHAT in names:
            option = _OSC_OPTION.search(" ".join(words))
            osc = (int(option[1]), option[2], int(option[3])) if option else None
            since_s = time.time() - (process.info["create_time"] or time.time())
            yield VrchatProcess(process.pid, since_s, osc)
