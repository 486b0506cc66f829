"""What a run has lived, wherever it is written: its session or, without one, its journal."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interfaces.journal import JournalReader, read_layout
from interfaces.run_folder import RunFolder
from interfaces.session.segment import SessionError
from interfaces.session.session import Session, segment_files
from interfaces.spaces import Spaces

_AT_ONCE = 256  # Steps read from the journal together


class Lived:
    """Steps of a run in order. `exact`: bit for bit as they were; a JPEG camera is not.

    Raises SessionError where nothing was lived.
    """

    def __init__(self, run: RunFolder) -> None:
        self._session = Session(run.session) if segment_files(run.session) else None
        self._journal = JournalReader(run.journal)
        spaces = read_layout(run.journal)
        if self._session is not None:
            spaces = self._session.spaces
            self.exact = all(info.codec.camera == "png" for info in self._session.infos)
            self.source: Path = run.session
            self.steps = self._session.steps_recorded
        elif spaces is not None and self._journal.end:
            self.exact, self.source = True, run.journal
            self.steps = self._journal.end - self._journal.first
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
        for start in range(reader.first, reader.end, _AT_ONCE):
            rows = reader.read(start, min(_AT_ONCE, reader.end - start), verify=True)
            for i in range(len(rows)):
                yield rows[i, ...]

    def at(self, index: int) -> NDArray[np.void]:
        """The Step of this index, which must be there."""
        source = self._journal if self._session is None else self._session
        return source.read(index, 1)[0, ...]
