"""The recorded Steps of a run: from its session or, without one, from its journal."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.run_info import first_own_step
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, segment_files

_BATCH = 256  # Steps read from the journal at a time


class RunSteps:
    """The Steps of a run in order, without imported ones.

    `exact`: every bit is as recorded by the body; False with JPEG pictures. `missing` describes
    the parts of the run that are not included. Raises SessionError for a run without Steps.
    """

    def __init__(self, run: RunFolder) -> None:
        self._session = Session(run.session) if segment_files(run.session) else None
        self._journal = JournalReader(run.journal)
        self._first = max(self._journal.first, first_own_step(run))
        if self._session is not None:
            layout = self._session.layout
            self.exact = all(info.codec.camera == "png" for info in self._session.infos)
            self.source: Path = run.session
            self.steps = self._session.steps_recorded
            self.missing = _missing(self._session, first_own_step(run))
        elif self._journal.layout is not None and self._journal.end > self._first:
            layout = self._journal.layout
            self.exact, self.source = True, run.journal
            self.steps = self._journal.end - self._first
            self.missing = _missing_start(self._first, first_own_step(run))
        else:
            raise SessionError(f"{run.path} has no recorded Steps")
        self.layout: StepLayout = layout

    @property
    def spaces(self) -> Spaces:
        """The spaces of the layout."""
        return self.layout.spaces

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        return self.each()

    def each(self, *, picture: bool = True) -> Iterator[NDArray[np.void]]:
        """Every Step as a 0-d record. Without `picture` a session's images stay black: faster."""
        if self._session is not None:
            for _, step in self._session.steps(picture=picture):
                yield step
            return
        reader = self._journal
        for start in range(self._first, reader.end, _BATCH):
            rows = reader.read(start, min(_BATCH, reader.end - start), verify=True)
            for i in range(len(rows)):
                yield rows[i, ...]

    def at(self, index: int) -> NDArray[np.void]:
        """The Step with this index, a 0-d record. Raises IndexError if it is missing."""
        source = self._journal if self._session is None else self._session
        return source.read(index, 1)[0, ...]


def _missing_start(first: int, own: int) -> list[str]:
    return [f"the Steps before step {first}"] if first > own else []


def _missing(session: Session, own: int) -> list[str]:
    missing: list[str] = []
    if session.live:
        missing.append(
            "the newest segment, which is unfinished: it is being recorded, or `sessions recover` "
            "can finish it"
        )
    if lost := sum(count for _, count in session.gaps):
        missing.append(f"{lost} steps in gaps")
    return missing + _missing_start(session.first, own)
