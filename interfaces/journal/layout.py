"""The file layout.json of a journal: its spaces, and the fields of its first Steps."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.reading.bounded_file import MissingFile, UnreadableFile
from configs.reading.json_document import OBJECT, read_json
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout, reward_terms_of
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.journal.segment import MAGIC, JournalError, NewerJournal
from interfaces.journal.step_fields import fields_from_json, fields_to_json


@dataclass(frozen=True)
class JournalLayout:
    """What layout.json says.

    `step`: the fields of a Step when the journal was created. A segment file that names no fields
    has these. Later segments can have other fields.
    """

    spaces: Spaces
    step: np.dtype[np.void]

    @property
    def steps(self) -> StepLayout:
        """The layout of the first Steps, with the fields of this version."""
        return StepLayout(self.spaces, reward_terms_of(self.step))


def write_layout(folder: Path, layout: StepLayout) -> JournalLayout:
    """Write layout.json if it is missing, and return it.

    Raises JournalError if the folder has another layout.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "layout.json"
    spaces = layout.spaces
    if not path.exists():
        step = fields_to_json(layout.dtype)
        write_checked_json(
            path, {"format": MAGIC.decode(), "spaces": spaces.to_json(), "step": step}
        )
        return JournalLayout(spaces, layout.dtype)
    content = _load(path)
    old, wanted = content["spaces"], json.loads(json.dumps(spaces.to_json()))
    for key, value in wanted.items():
        if value != old.get(key):
            raise JournalError(
                f"{folder} holds Steps of another shape: {key} was {old.get(key)} and is now "
                f"{value}. Start a new run"
            )
    return _parse(path, content)


def read_layout(folder: Path) -> JournalLayout | None:
    """The layout of a journal; None without a journal.

    Raises JournalError for a file of another kind, and NewerJournal.
    """
    path = folder / "layout.json"
    try:
        content = _load(path)
    except MissingFile:
        return None
    return _parse(path, content)


def _load(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path, OBJECT)
        if str(content.get("format", "")) > MAGIC.decode():
            raise NewerJournal(path)
        if isinstance(content["spaces"], dict):
            return content
    except (NewerJournal, MissingFile):
        raise
    except UnreadableFile as error:
        raise JournalError(f"{path} is not the layout of a journal: {error.cause}") from error
    except KeyError as error:
        raise JournalError(f"{path} is not the layout of a journal: no {error}") from error
    raise JournalError(f"{path} is not the layout of a journal: it has no spaces")


def _parse(path: Path, content: dict[str, Any]) -> JournalLayout:
    try:
        spaces = Spaces.from_json(content["spaces"])
        return JournalLayout(spaces, fields_from_json(content["step"]))
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path} is not the layout of a journal: {error}") from error
