"""Whether VRChat runs on this machine, and what it was told about OSC."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

import psutil

from configs.errors import BadInput
from configs.schema import WorldConfig
from interfaces.doctor.findings import Finding, ok, problem, warning
from interfaces.osc.ports import LOOPBACK, same_host
from interfaces.vrchat.endpoints import USUAL_IN, USUAL_OUT, address_of

VRCHAT = "VRChat.exe"
_OSC = re.compile(r"--osc=(\d+):([^:]+):(\d+)")
ENABLE = "in VRChat: Action Menu > Options > OSC > Enabled"


@dataclass(frozen=True)
class Running:
    """A VRChat process. `osc`: in, host, out, as its command line has them; None: not given."""

    pid: int
    since_s: float = 0.0
    osc: tuple[int, str, int] | None = None


def is_here(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine."""
    try:
        return same_host(address_of(host), LOOPBACK)
    except BadInput:
        return False


def running_clients() -> list[Running]:
    """Every VRChat process of this machine, under Proton too."""
    return list(_running())


def process_finding(world: WorldConfig, found: Sequence[Running], *, client: bool) -> Finding:
    """`client`: whether one was found by OSCQuery, which may be a stand-in."""
    if not found:
        if client:
            return ok("process", f"no {VRCHAT} here, but a client answers: see below")
        if not is_here(world.osc.host):
            return ok("process", f"VRChat is expected on {world.osc.host}, not here")
        return problem("process", "VRChat is not running", f"start it; then {ENABLE}")
    who = ", ".join(f"pid {each.pid}, for {each.since_s / 60:.0f} min" for each in found)
    for each in found:
        if each.osc and (cure := _cure(world, each.osc)):
            given = ":".join(map(str, each.osc))
            text = f"{VRCHAT} ({who}) was started with --osc={given}, Yume is set otherwise"
            return warning("process", text, cure)
    return ok("process", f"{VRCHAT}, {who}")


def _cure(world: WorldConfig, osc: tuple[int, str, int]) -> str:
    osc_in, _, osc_out = osc
    cures: list[str] = []
    # Without a port of ours OSCQuery is asked; VRChat then tells 9000, whatever --osc says.
    if osc_in != (world.osc.send_port or USUAL_IN):
        cures.append(f"world.osc.send_port={osc_in}")
    asked = world.osc.oscquery or world.kind != "vrchat"
    receive_port = world.osc.receive_port or (0 if asked else USUAL_OUT)
    if receive_port and osc_out != receive_port:
        cures.append(f"world.osc.receive_port={osc_out}")
    return " ".join(cures)


def _running() -> Iterator[Running]:
    for process in psutil.process_iter(["name", "cmdline", "create_time"]):
        words: list[str] = process.info["cmdline"] or []
        # Under Proton the name may be Wine's loader, and VRChat its first argument. What starts
        # Proton has it further back.
        names = [process.info["name"] or "", *(PureWindowsPath(word).name for word in words[:2])]
        if VRCHAT in names:
            told = _OSC.search(" ".join(words))
            osc = (int(told[1]), told[2], int(told[3])) if told else None
            since_s = time.time() - (process.info["create_time"] or time.time())
            yield Running(process.pid, since_s, osc)
