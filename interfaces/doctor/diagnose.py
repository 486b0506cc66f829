"""The doctor as a command: looks at everything side by side, and says what to do."""

import contextlib
import os
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from loguru import logger
from rich.console import Console

from configs.errors import BadInput
from configs.schema import Config
from interfaces.doctor import check_camera as camera
from interfaces.doctor import check_machine as machine
from interfaces.doctor import check_ports as ports
from interfaces.doctor import check_sound as sound
from interfaces.doctor import check_stop_key as stop_key
from interfaces.doctor import check_torch_build as torch_build
from interfaces.doctor import check_vrchat as vrchat
from interfaces.doctor.check_avatar_files import osc_folders
from interfaces.doctor.findings import Check, Finding, Waiting, examine, once
from interfaces.doctor.show_findings import as_json, print_report
from interfaces.vrchat.client_finder import find_clients

LIMIT_S = 14.0


def diagnose(
    config: Config,
    title: str,
    console: Console,
    errors: Console,
    *,
    pictures: Path | None = None,
    machine_readable: bool = False,
) -> bool:
    """Prints what was found, as JSON if `machine_readable`; False if there is a problem.

    Takes no longer than LIMIT_S and a little. Raises BadInput for a folder that cannot be written.
    """
    began = time.monotonic()
    if pictures is not None:
        _make(pictures)
    logger.remove()  # what the parts complain of is found and said here
    clock = Check("machine", "clock", lambda: machine.clock_findings(config.beat.spin_ms))
    others = all_checks(config, pictures, osc_folders(Path.home()))
    with _showing(errors) as waiting:
        found = examine([clock], LIMIT_S)  # alone: the others would make every sleep late
        found += examine(others, LIMIT_S - 1.0, waiting)
    everything = [each for findings in found for each in findings]
    if machine_readable:
        print(as_json(everything))
    else:
        print_report(console, title, [clock, *others], found, time.monotonic() - began)
    return not any(each.level == "problem" for each in everything)


def all_checks(config: Config, pictures: Path | None, folders: Sequence[Path]) -> list[Check]:
    """All that can look side by side. `folders`: where VRChat keeps its avatar files."""

    def torch() -> list[Finding]:
        facts = torch_build.torch_facts(try_gpu=config.device != "cpu")
        return torch_build.torch_findings(facts, config.device)

    world = config.world
    clients = once(lambda: find_clients(world.osc.interfaces or None))
    return [
        Check("machine", "python", machine.python_findings),
        Check("machine", "torch", torch),
        Check("machine", "space", lambda: machine.space_findings(config, Path.cwd())),
        Check("machine", "priority", machine.priority_findings),
        Check("machine", "stop key", lambda: stop_key.stop_key_findings(world.control)),
        Check("VRChat", "VRChat", lambda: vrchat.vrchat_findings(world, folders, clients)),
        Check("VRChat", "ports", lambda: ports.port_findings(world, clients=clients)),
        Check("camera", "camera", lambda: camera.camera_findings(config, pictures)),
        Check("sound", "sound", lambda: sound.sound_findings(world)),
    ]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--pictures {folder}: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK):
        raise BadInput(f"--pictures {folder}: may not be written")


@contextlib.contextmanager
def _showing(errors: Console) -> Generator[Waiting]:
    """What is still looked at, on stderr, where that is a terminal."""
    with errors.status("looking") as status:
        yield lambda names: status.update(f"looking at {', '.join(names)}")
