"""The Journal: every Step lived, in mapped files. One writer, many readers, larger than memory."""

from interfaces.journal.layout import JournalError, read_layout, recoverable_end
from interfaces.journal.reader import JournalReader
from interfaces.journal.writer import JournalWriter

__all__ = ["JournalError", "JournalReader", "JournalWriter", "read_layout", "recoverable_end"]
