"""VRChat's own list of an avatar's parameters: a JSON file each, which it never brings up to date.

A parameter that was added to the avatar later is missing there, and OSC then never tells it.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interfaces.doctor.findings import Finding, ok, warning
from interfaces.vrchat.client_folders import client_folders

_RESET = "or Action Menu > Options > OSC > Reset Config; then put the avatar on again"
_DAY_S = 86400.0


@dataclass(frozen=True)
class AvatarFile:
    """One file: whose, how old, and where each parameter is told."""

    path: Path
    age_s: float
    avatar: str
    addresses: dict[str, str]


def osc_folders(home: Path) -> list[Path]:
    """Where VRChat keeps these files; only what is there."""
    return [osc for folder in client_folders(home) if (osc := folder / "OSC").is_dir()]


def file_findings(parameters: Sequence[str], folders: Sequence[Path], worn: str) -> list[Finding]:
    """Of the avatar `worn`, or of the newest file where it is not known."""
    paths = [path for folder in folders for path in folder.glob("*/Avatars/*.json")]
    if not paths:
        return [ok("avatar file", "none; VRChat writes one when an avatar is worn with OSC on")]
    if worn and not (paths := [path for path in paths if path.stem == worn]):
        return [ok("avatar file", f"none for {worn}, so none is stale")]
    path = max(paths, key=lambda each: each.stat().st_mtime)
    try:
        return [avatar_file_finding(parameters, read_file(path))]
    except (OSError, ValueError, RecursionError) as error:
        return [warning("avatar file", f"{path} cannot be read: {error}", f"delete it, {_RESET}")]


def read_file(path: Path) -> AvatarFile:
    """Raises OSError, and ValueError for what is no such file."""
    age_s = max(0.0, time.time() - path.stat().st_mtime)
    found = json.loads(path.read_text(encoding="utf-8-sig"))  # VRChat writes a byte order mark
    if not isinstance(found, dict) or not isinstance(found.get("parameters"), list):
        raise ValueError("it holds no parameters")
    addresses = {
        str(each.get("name")): _output(each)
        for each in found["parameters"]
        if isinstance(each, dict)
    }
    return AvatarFile(path, age_s, str(found.get("name") or path.stem), addresses)


def avatar_file_finding(parameters: Sequence[str], file: AvatarFile) -> Finding:
    """Whether VRChat tells, at its usual address, each parameter that the configuration feels."""
    age = f"{file.age_s / _DAY_S:.0f} days old"
    silent = [name for name in parameters if not file.addresses.get(name)]
    if silent:
        text = f"{file.avatar}, {age}, lacks {', '.join(silent)}: VRChat does not tell them"
        return warning("avatar file", text, f"delete {file.path}, {_RESET}")
    moved = [
        f"{name} as {file.addresses[name]}"
        for name in parameters
        if file.addresses[name] != f"/avatar/parameters/{name}"
    ]
    if moved:
        text = f"{file.avatar}, {age}, tells {', '.join(moved)}"
        return warning("avatar file", text, f"delete {file.path}, {_RESET}")
    return ok("avatar file", f"{file.avatar}, {age}, has every parameter it feels")


def _output(parameter: dict[str, Any]) -> str:
    """Its address out; empty where it is not told at all."""
    output = parameter.get("output")
    return str(output.get("address") or "") if isinstance(output, dict) else ""
