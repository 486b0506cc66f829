"""Check VRChat's own list of the avatar's parameters: one JSON file per avatar.

VRChat never updates the file. A parameter that the avatar got later is missing in it, and VRChat
does not send it by OSC.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.reading.bounded_file import UnreadableFile
from configs.reading.json_document import ANY, OddNumbers, read_json
from interfaces.doctor.findings import Finding, ok, warning
from interfaces.vrchat.client_folders import client_folders

_RESET = "or Action Menu > Options > OSC > Reset Config; then put the avatar on again"
_DAY_S = 86400.0


@dataclass(frozen=True)
class AvatarFile:
    """One file: the name of the avatar, the age, and the output address of each parameter.

    The address is empty for a parameter that VRChat does not send.
    """

    path: Path
    age_s: float
    avatar: str
    addresses: dict[str, str]


def osc_folders(home: Path) -> list[Path]:
    """The existing folders in which VRChat keeps these files."""
    return [osc for folder in client_folders(home) if (osc := folder / "OSC").is_dir()]


def file_findings(parameters: Sequence[str], folders: Sequence[Path], avatar: str) -> list[Finding]:
    """Check the file of the avatar with this id or, for an empty id, the newest file."""
    paths = [path for folder in folders for path in folder.glob("*/Avatars/*.json")]
    if not paths:
        return [ok("avatar file", "none; VRChat writes one when you put on an avatar with OSC on")]
    if avatar and not (paths := [path for path in paths if path.stem == avatar]):
        return [ok("avatar file", f"none for {avatar}, so none is outdated")]
    path = max(paths, key=lambda each: each.stat().st_mtime)
    try:
        return [avatar_file_finding(parameters, read_file(path))]
    except (OSError, ValueError) as error:
        cause = error.cause if isinstance(error, UnreadableFile) else error
        return [warning("avatar file", f"{path} cannot be read: {cause}", f"delete it, {_RESET}")]


def read_file(path: Path) -> AvatarFile:
    """Raises OSError, and ValueError for a file of another format."""
    age_s = max(0.0, time.time() - path.stat().st_mtime)
    content = read_json(path, ANY, odd_numbers=OddNumbers.NULL)
    if not isinstance(content, dict) or not isinstance(content.get("parameters"), list):
        raise ValueError("it has no list of parameters")
    addresses = {
        str(each.get("name")): _output_address(each)
        for each in content["parameters"]
        if isinstance(each, dict)
    }
    return AvatarFile(path, age_s, str(content.get("name") or path.stem), addresses)


def avatar_file_finding(parameters: Sequence[str], file: AvatarFile) -> Finding:
    """Whether VRChat sends each configured parameter at its usual address."""
    age = f"{file.age_s / _DAY_S:.0f} days old"
    missing = [name for name in parameters if not file.addresses.get(name)]
    if missing:
        text = f"{file.avatar}, {age}, lacks {', '.join(missing)}: VRChat does not send them"
        return warning("avatar file", text, f"delete {file.path}, {_RESET}")
    moved = [
        f"{name} as {file.addresses[name]}"
        for name in parameters
        if file.addresses[name] != f"/avatar/parameters/{name}"
    ]
    if moved:
        text = f"{file.avatar}, {age}: VRChat sends {', '.join(moved)}"
        return warning("avatar file", text, f"delete {file.path}, {_RESET}")
    return ok("avatar file", f"{file.avatar}, {age}, has every configured parameter")


def _output_address(parameter: dict[str, Any]) -> str:
    """The address to which VRChat sends it; empty if it sends none."""
    output = parameter.get("output")
    return str(output.get("address") or "") if isinstance(output, dict) else ""
