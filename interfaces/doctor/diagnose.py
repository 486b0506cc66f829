"""Run all checks of the doctor, and print their findings."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from loguru import logger
from rich.console import Console

from configs.errors import BadInput
from configs.schema import Config
from configs.vrchat import OscConfig
from interfaces.doctor.check_avatar_files import osc_folders
from interfaces.doctor.check_camera import camera_findings
from interfaces.doctor.check_dead_runs import dead_run_findings
from interfaces.doctor.check_machine import (
    clock_findings,
    power_findings,
    priority_findings,
    python_findings,
    space_findings,
)
from interfaces.doctor.check_ports import port_findings
from interfaces.doctor.check_senses import sense_findings
from interfaces.doctor.check_sound import sound_findings
from interfaces.doctor.check_stop_key import stop_key_findings
from interfaces.doctor.check_torch_build import torch_facts, torch_findings
from interfaces.doctor.check_vrchat import vrchat_findings
from interfaces.doctor.findings import Check, Finding, OnWaiting, examine, once, run_check
from interfaces.doctor.show_findings import as_json, print_report
from interfaces.osc.oscquery_browser import Peer
from interfaces.osc.ports import LOOPBACK
from interfaces.runtime.process_table import MAIN
from interfaces.vrchat.client_finder import find_clients
from interfaces.vrchat.endpoints import resolve_host

LIMIT_S = 14.0


def diagnose(
    config: Config,
    title: str,
    console: Console,
    errors: Console,
    *,
    pictures: Path | None = None,
    turn: bool = True,
    machine_readable: bool = False,
) -> bool:
    """Print all findings, as JSON if `machine_readable`; return False if there is a problem.

    It takes little more than LIMIT_S at most, and some 7 s more to check contacts and rays.
    `pictures`: folder for one picture of each camera. `turn`: the avatar may turn meanwhile.
    Raises BadInput for a folder that cannot be written.
    """
    began = time.perf_counter()
    if pictures is not None:
        _create(pictures)
    logger.remove()  # the findings replace what the checked code would log
    clock = Check("machine", "clock", lambda: clock_findings(config.tick.spin_ms))
    clients = once(lambda: _find_clients(config.world.osc))
    others = all_checks(config, pictures, osc_folders(Path.home()), clients)
    last = sense_checks(config, clients, turn=turn, announce=errors.print)
    with _status_line(errors) as on_waiting:
        findings = examine([clock], LIMIT_S)  # alone, because the other checks would delay sleeps
        findings += examine(others, LIMIT_S - 1.0, on_waiting)
        for check in last:  # in this thread: Ctrl-C then releases the inputs
            on_waiting([check.name])
            findings.append(run_check(check))
    flat = [each for group in findings for each in group]
    if machine_readable:
        print(as_json(flat, ascii_only=sys.stdout.encoding != "utf-8"))
    else:
        print_report(console, title, [clock, *others, *last], findings, time.perf_counter() - began)
    return not any(each.level == "problem" for each in flat)


def sense_checks(
    config: Config,
    clients: Callable[[], Sequence[Peer]],
    *,
    turn: bool,
    announce: Callable[[str], object],
) -> list[Check]:
    """The check of contacts and rays, if they are on. It runs alone: it uses the receive port.

    `announce` tells the user that the avatar turns.
    """
    if not config.world.sense_features:
        return []

    def check() -> list[Finding]:
        return sense_findings(config, MAIN, clients, turn=turn, announce=announce)

    return [Check("senses", "senses", check)]


def all_checks(
    config: Config,
    pictures: Path | None,
    folders: Sequence[Path],
    clients: Callable[[], Sequence[Peer]],
) -> list[Check]:
    """The checks that can run in parallel. `folders`: where VRChat keeps its avatar files.

    `clients` finds the VRChat clients.
    """

    def check_torch() -> list[Finding]:
        facts = torch_facts(try_gpu=config.device != "cpu")
        return torch_findings(facts, config.device)

    world = config.world
    return [
        Check("machine", "python", python_findings),
        Check("machine", "torch", check_torch),
        Check("machine", "space", lambda: space_findings(config, Path.cwd())),
        Check("machine", "priority", priority_findings),
        Check("machine", "power", power_findings),
        Check("machine", "stop key", lambda: stop_key_findings(world.control)),
        Check("VRChat", "inputs", dead_run_findings),
        Check("VRChat", "VRChat", lambda: vrchat_findings(world, folders, clients)),
        Check("VRChat", "ports", lambda: port_findings(world, clients=clients)),
        Check("camera", "camera", lambda: camera_findings(config, pictures)),
        Check("sound", "sound", lambda: sound_findings(world)),
    ]


def _find_clients(osc: OscConfig) -> list[Peer]:
    try:
        host = resolve_host(osc.host)
    except BadInput:  # a finding says so
        host = LOOPBACK
    return find_clients(osc.interfaces or None, host=host)


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--pictures {folder}: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK):
        raise BadInput(f"--pictures {folder}: no permission to write")


@contextlib.contextmanager
def _status_line(errors: Console) -> Generator[OnWaiting]:
    """The running checks on stderr, if that is a terminal."""
    with errors.status("checking") as status:
        yield lambda names: status.update(f"checking {', '.join(names)}")
