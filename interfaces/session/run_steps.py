"""What a run has lived, wherever it is written: its session or, without one, its journal."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.journal import JournalReader, read_layout
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.run_info import first_own
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, segment_files

_AT_ONCE = 256  # Steps read from the journal together


class Lived:
    """Steps of a run in order, that it lived itself. `exact`: bit for bit as they were; a JPEG
    camera is not. `missing`: what of its life is not among them, in words.

    Raises SessionError where nothing was lived.
    """

    def __init__(self, run: RunFolder) -> None:
        self._session = Session(run.session) if segment_files(run.session) else None
        self._journal = JournalReader(run.journal)
        self._first = max(self._journal.first, first_own(run))  # others' were imported before
        spaces = read_layout(run.journal)
        if self._session is not None:
            spaces = self._session.spaces
            self.exact = all(info.codec.camera == "png" for info in self._session.infos)
            self.source: Path = run.session
            self.steps = self._session.steps_recorded
            self.missing = _missing(self._session, first_own(run))
        elif spaces is not None and self._journal.end > self._first:
            self.exact, self.source = True, run.journal
            self.steps = self._journal.end - self._first
            self.missing = _before(self._first, first_own(run))
        else:
            raise SessionError(f"{run.path}: nothing was lived there, or it was not recorded")
        self.spaces: Spaces = spaces

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        return self.each()

    def each(self, *, picture: bool = True) -> Iterator[NDArray[np.void]]:
        """Every Step; without `picture` a recorded one comes black, and sooner."""
        if self._session is not None:
            for _, step in self._session.steps(picture=picture):
                yield step
            return
        reader = self._journal
        for start in range(self._first, reader.end, _AT_ONCE):
            rows = reader.read(start, min(_AT_ONCE, reader.end - start), verify=True)
            for i in range(len(rows)):
                yield rows[i, ...]

    def at(self, index: int) -> NDArray[np.void]:
        """The Step of this index, which must be there."""
        source = self._journal if self._session is None else self._session
        return source.read(index, 1)[0, ...]


def _before(first: int, own: int) -> list[str]:
    return [f"what was before step {first}"] if first > own else []


def _missing(session: Session, own: int) -> list[str]:
    found: list[str] = []
    if session.live:
        found.append(
            "the newest segment, which has no end: it is being lived, or sessions recover ends it"
        )
    if lost := sum(count for _, count in session.gaps):
        found.append(f"{lost} steps in gaps")
    return found + _before(session.first, own)
