"""The Journal: all recorded Steps, in files with one writer and many readers."""

from interfaces.journal.journal_errors import JournalError
from interfaces.journal.layout import read_layout
from interfaces.journal.reader import JournalReader
from interfaces.journal.recovery import recoverable_end
from interfaces.journal.writer import JournalWriter

__all__ = ["JournalError", "JournalReader", "JournalWriter", "read_layout", "recoverable_end"]
