"""What can be wrong with the files of a journal."""

from pathlib import Path

from configs.errors import BadInput


class JournalError(BadInput, ValueError):
    """The folder is no journal, or its Steps come from another configuration."""


class NewerJournal(JournalError):
    """A newer version of Yume wrote this journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was written by a newer version of Yume: use that version; nothing was changed"
        )


class DamagedSegment(JournalError):
    """A segment without its header or its end, for example after a power cut."""


class ForeignSegment(DamagedSegment):
    """Something with the name of a segment that nothing shows to be one. It is never changed."""

    def __init__(self, path: Path, what: str) -> None:
        self.what = what
        super().__init__(f"{path} {what}, so it is no segment of this journal: move it elsewhere")


class DamagedRecord(JournalError):
    """A Step whose checksum is wrong. `index` is the index of the Step."""

    def __init__(self, path: Path, index: int) -> None:
        self.index = index
        super().__init__(f"{path} has a damaged record: Step {index}")
