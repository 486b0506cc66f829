"""Opens and reads a file that may be anything: every failure is one error, and no read waits.

The checks are made on the opened file, not on its path: the path may change in between.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from configs.errors import BadInput
from configs.reading.shared_open import open_shared

MAX_TEXT_BYTES = 16 * 2**20
_CHUNK_BYTES = 2**16
# A FIFO without a writer must not block, and a terminal must not become that of this process.
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)


class UnreadableFile(BadInput, ValueError):
    """A file or an answer that cannot be used. `place`: its path or address; `cause`: why."""

    def __init__(self, place: Path | str, cause: str) -> None:
        self.place, self.cause = place, cause
        super().__init__(f"{place}: {cause}")


class MissingFile(UnreadableFile):
    """There is no file at this path."""


@contextmanager
def opened(path: Path, max_bytes: int) -> Generator[tuple[BufferedReader, int]]:
    """The opened file and its size in bytes; at most `max_bytes`.

    Raises UnreadableFile for all that is not an ordinary file (a link to one is allowed), for a
    larger file, and for an OSError while it is read. Raises MissingFile.
    """
    try:
        descriptor = open_shared(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFile(path, "no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero character
        raise UnreadableFile(path, _cause(path, error)) from None
    with contextlib.ExitStack() as close:
        close.callback(os.close, descriptor)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                directory = stat.S_ISDIR(status.st_mode)
                kind = "a directory, not a file" if directory else "not an ordinary file"
                raise UnreadableFile(path, kind)
            _check_size(path, status.st_size, max_bytes)
            file = os.fdopen(descriptor, "rb")
            close.pop_all()
            with file:
                yield file, status.st_size
        except OSError as error:
            raise UnreadableFile(path, error.strerror or str(error)) from None


def read_bytes(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """The content of an ordinary file. Raises UnreadableFile and MissingFile."""
    with opened(path, max_bytes) as (file, size):
        try:
            content = file.read(size + 1)
            while more := file.read(_CHUNK_BYTES):  # it grows, or states no size, as in /proc
                content += more
                _check_size(path, len(content), max_bytes)
        except MemoryError:
            raise UnreadableFile(path, f"{size:,} bytes do not fit into memory") from None
    return content


def read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """The text of a file in UTF-8 or UTF-16, without its byte order mark. Line breaks become \\n.

    Raises UnreadableFile and MissingFile.
    """
    text = decode(read_bytes(path, max_bytes), path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def last_line(path: Path) -> str:
    """The last line of a log that is not empty, read from its end; "" if there is none."""
    try:
        with opened(path, sys.maxsize) as (file, size):
            file.seek(max(0, size - _CHUNK_BYTES))
            lines = file.read(_CHUNK_BYTES).decode("utf-8", "replace").strip().splitlines()
    except UnreadableFile:
        return ""
    return lines[-1] if lines else ""


def text_encoding(content: bytes) -> str:
    """UTF-16 with its byte order mark, as PowerShell 5 writes with `>`; otherwise UTF-8."""
    return "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def decode(content: bytes, place: Path | str) -> str:
    """UTF-8 or UTF-16 as text, without the mark. Raises UnreadableFile, which names the line."""
    encoding = text_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise UnreadableFile(place, f"damaged UTF-16, byte {error.start}") from None
        line = content.count(b"\n", 0, error.start) + 1
        cause = f"not UTF-8: line {line}, byte {error.start} ({error.reason})"
        raise UnreadableFile(place, cause) from None


def _check_size(path: Path, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise UnreadableFile(path, f"larger than {max_bytes // 1024} KiB, the limit")


def _cause(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        if isinstance(error, PermissionError) and path.is_dir():  # Windows opens no directory
            return "a directory, not a file"
        return error.strerror or str(error)
    return str(error)
