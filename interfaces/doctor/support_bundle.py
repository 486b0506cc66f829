"""Packs what a bug report needs into one ZIP file, without names, pictures and sound.

Only text and numbers are packed, from a fixed list of files. Names are replaced in all of it: of
the user, the computer, folders and devices. So are ids of VRChat, addresses, and every text that
the user wrote into the settings. Other names, such as those of worlds, cannot be recognised, so the
user should look into the file before sending it.
"""

import contextlib
import getpass
import json
import platform
import re
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from configs.load import load_config
from configs.loading.extends import PRESETS
from configs.loading.reference import ITEM, settings
from configs.reading.bounded_file import UnreadableFile
from configs.reading.json_document import OddNumbers, parse_json, read_json
from interfaces.ipc.no_links import open_here
from interfaces.runtime.process_table import MAIN
from interfaces.runtime.run_folder import RunError, RunFolder

MAX_BYTES = 512 * 1024  # of each log and of metrics.jsonl, from its end
DOCTOR_S = 120.0
_META = ("seed", "git_commit", "git_dirty", "python", "platform", "versions")  # no command line
# Findings whose text has no names; of the others only the level is packed.
_NAMELESS = frozenset(
    (
        *("python", "memory", "disk", "clock", "priority", "power", "torch", "stop key"),
        *("PortAudio", "send port", "receive port", "ports", "calibration", "turn"),
    )
)
_SHORT = 3  # a shorter name would be found in many words
_PATTERNS = (
    (re.compile(r"\b(usr|avtr|wrld|grp|file|inst|prnt)_[0-9a-fA-F-]{8,}"), r"\1_<id>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+"), "<mail>"),
    (re.compile(r"\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b"), "<address>"),
)
_JSON_OBJECT = TypeAdapter(dict[str, Any])


class Redactor:
    """Replaces names by what they stand for. `names`: placeholder by name."""

    def __init__(self, names: Mapping[str, str]) -> None:
        kept = {name: shown for name, shown in names.items() if len(name) >= _SHORT}
        self._shown = {name.casefold(): shown for name, shown in kept.items()}
        longest_first = sorted(kept, key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        self._words = re.compile(words, re.IGNORECASE) if words else None

    def text(self, text: str) -> str:
        """The text without the names, ids and addresses."""
        if self._words is not None:
            text = self._words.sub(self._placeholder, text)
        for pattern, shown in _PATTERNS:
            text = pattern.sub(shown, text)
        return text

    def _placeholder(self, found: re.Match[str]) -> str:
        # Some letters have a lower case of their own that `casefold` does not give.
        return self._shown.get(found.group().casefold(), "<name>")


def write_bundle(run: RunFolder, out: Path, findings: list[dict[str, Any]] | None) -> list[str]:
    """Write the ZIP file `out`. Returns the names in it. `findings`: of the doctor.

    Raises RunError if `out` exists, and OSError.
    """
    contents = bundle_contents(run, findings)
    if out.exists():
        raise RunError(f"--out {out} exists already: choose another name")
    with (
        open_here(out, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in contents.items():
            archive.writestr(name, content)
    return list(contents)


def bundle_contents(run: RunFolder, findings: list[dict[str, Any]] | None) -> dict[str, str]:
    """The text of each file of the bundle, by its name."""
    texts, config = hidden_settings(run)
    redactor = Redactor(texts | machine_names(run))
    contents = {"settings.json": _dump(config)}
    unchanged: dict[str, str] = {}
    with contextlib.suppress(UnreadableFile):  # its versions can look like addresses
        unchanged[run.meta.name] = _dump({key: _dict(run.meta).get(key) for key in _META})
    with contextlib.suppress(UnreadableFile):
        contents[run.summary.name] = _dump(_dict(run.summary))
    if findings is not None:
        contents["doctor.json"] = _dump([_without_names(each) for each in findings])
    for path in (run.metrics, *sorted(run.logs.glob("*.log"))):
        with contextlib.suppress(OSError):
            contents[path.relative_to(run.path).as_posix()] = _end_of(path)
    return unchanged | {name: redactor.text(content) for name, content in contents.items()}


def hidden_settings(run: RunFolder) -> tuple[dict[str, str], Any]:
    """Texts that the user wrote, each with its placeholder, and the settings without them.

    A text that may be chosen from a list, or that a preset of Yume has, is no name.
    """
    texts: dict[str, str] = {}
    shipped = shipped_texts()

    def hide(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {
                key: hide(each, f"{path}.{key}" if path else key) for key, each in value.items()
            }
        if isinstance(value, list):
            return [hide(each, f"{path}.{ITEM}") for each in value]
        if isinstance(value, str) and value not in shipped and not _is_choice(value, path):
            texts[value] = f"<{path}>"
            return f"<{path}>"
        return value

    config = run.edited_config.model_dump(mode="json")
    return texts, hide(config, "")


def shipped_texts() -> set[str]:
    """Every text in the presets that come with Yume, and so every default."""

    def texts_in(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            value = [*value, *value.values()]
        if isinstance(value, list):
            for each in value:
                yield from texts_in(each)
        elif isinstance(value, str):
            yield value

    configs = [load_config(path).model_dump(mode="json") for path in PRESETS.glob("*.yaml")]
    return {text for config in configs for text in texts_in(config)}


def _is_choice(value: str, path: str) -> bool:
    """Whether the setting allows this word by name."""
    setting = settings().get(path)
    return setting is not None and value in setting.allowed.split(" or ")


def machine_names(run: RunFolder) -> dict[str, str]:
    """Names of the user, the computer, folders and devices, each with its placeholder."""
    names: dict[str, str] = {}
    for name, shown in (
        (run.path, "RUN"),
        (MAIN.parent, "YUME"),
        (Path(sys.prefix), "PYTHON"),
        (Path.home(), "HOME"),
    ):
        for text in {str(name), name.as_posix(), str(name).replace("\\", "\\\\")}:
            names.setdefault(text, shown)
    with contextlib.suppress(Exception):  # no user with this number, no variable: many types
        names[getpass.getuser()] = "USER"
    names[socket.gethostname()] = "COMPUTER"
    names[platform.node()] = "COMPUTER"
    for number, device in enumerate(_device_names()):
        names.setdefault(device, f"<device {number + 1}>")
    return names


def _device_names() -> list[str]:
    """Sound devices and cameras: people call them after themselves."""
    names: set[str] = set()
    with contextlib.suppress(Exception):  # no PortAudio, no driver: many types
        from interfaces.devices.audio_device import list_devices, load_portaudio

        names |= {device.name for device in list_devices(load_portaudio())}
    with contextlib.suppress(Exception):
        from interfaces.devices.camera_names import camera_names

        names |= set((camera_names() or {}).values())
    return sorted(names - {"default", "pulse", "null"})


def doctor_findings(run: RunFolder) -> list[dict[str, Any]] | None:
    """The findings of `doctor` with the settings of the run; None if it does not answer."""
    words = ["doctor", str(run.config_file), "--json", "--no-turn"]
    try:
        done = subprocess.run(
            [sys.executable, str(MAIN), *words],
            capture_output=True,
            timeout=DOCTOR_S,
            check=False,
        )
        return parse_json(done.stdout, "doctor", TypeAdapter(list[dict[str, Any]]))
    except (OSError, subprocess.TimeoutExpired, UnreadableFile):
        return None


def _without_names(finding: Mapping[str, Any]) -> dict[str, Any]:
    if finding.get("name") in _NAMELESS:
        return dict(finding)
    return {"name": finding.get("name"), "level": finding.get("level"), "text": "not packed"}


def _dict(path: Path) -> dict[str, Any]:
    """The content of a JSON file. Raises UnreadableFile."""
    return read_json(path, _JSON_OBJECT, odd_numbers=OddNumbers.KEEP)


def _end_of(path: Path) -> str:
    """The last MAX_BYTES of a text file, from the start of a line."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MAX_BYTES))
        if size > MAX_BYTES:
            file.readline()
        return file.read().decode("utf-8", "replace")


def _dump(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def free_path(folder: Path) -> Path:
    """`yume-report.zip` in the folder, or the first free name like it."""
    names = ("", *(f"-{number}" for number in range(2, 1000)))
    return next(path for each in names if not (path := folder / f"yume-report{each}.zip").exists())
