"""The file layout.json of a journal: the spaces and the fields of its Steps."""

import json
from pathlib import Path
from typing import Any

from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.ipc.atomic_files import write_json
from interfaces.journal.segment import MAGIC, JournalError


def write_layout(folder: Path, spaces: Spaces) -> None:
    """Write layout.json if it is missing. Raises JournalError if the folder has another layout."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "layout.json"
    if not path.exists():
        content = {"format": MAGIC.decode(), "spaces": spaces.to_json(), "step": _fields(spaces)}
        write_json(path, content)
        return
    content = _load(path)
    old, wanted = content["spaces"], json.loads(json.dumps(spaces.to_json()))
    for key, value in wanted.items():
        if value != old.get(key):
            raise JournalError(
                f"{folder} holds Steps of another shape: {key} was {old.get(key)} and is now "
                f"{value}. Start a new run"
            )
    _check_fields(path, content, spaces)


def read_layout(folder: Path) -> Spaces | None:
    """The spaces of a journal; None without a journal.

    Raises JournalError for a file of another kind, and for Steps with fields of another version.
    """
    path = folder / "layout.json"
    if not path.exists():
        return None
    content = _load(path)
    try:
        spaces = Spaces.from_json(content["spaces"])
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path} is not the layout of a journal: {error}") from error
    _check_fields(path, content, spaces)
    return spaces


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content["spaces"], dict):
            return content
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path} is not the layout of a journal: {error}") from error
    raise JournalError(f"{path} is not the layout of a journal: it has no spaces")


def _fields(spaces: Spaces) -> list[Any]:
    """(name, type, shape) of every field of a Step, in JSON types."""
    return json.loads(json.dumps(step_dtype(spaces).descr))


def _check_fields(path: Path, content: dict[str, Any], spaces: Spaces) -> None:
    """Raises JournalError with the names of the fields that differ."""
    wanted, old = _fields(spaces), content.get("step", _fields(spaces))
    if old != wanted:
        differ = [field for field in (*old, *wanted) if (field in old) != (field in wanted)]
        names = ", ".join(sorted({str(field[0]) for field in differ})) or "their order"
        raise JournalError(
            f"{path}: the Steps have other fields than this version of Yume: {names}"
        )
