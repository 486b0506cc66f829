"""The text and the rows of a table as other programs save it: encodings, separators, endings."""

import codecs
import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

from configs.reading.bounded_file import UnreadableFile, read_bytes
from interfaces.session.format.segment_writer import SessionError

_MAX_BYTES = 256 * 2**20
_LINES = frozenset((".jsonl", ".ndjson", ".json"))
_CELLS = frozenset((".csv", ".tsv", ".tab", ".txt"))
_SEPARATORS = (",", ";", "\t")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAVE = "save it as CSV with the encoding UTF-8"


def read_table_text(path: Path) -> str:
    """The text of a file in UTF-8, UTF-16 or Shift JIS. Raises SessionError for anything else."""
    try:
        content = read_bytes(path, _MAX_BYTES)
    except UnreadableFile as error:
        raise SessionError(str(error)) from error
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SessionError(f"{path} is a workbook, not a table of text: {_SAVE}")
    try:
        return content.decode(_encoding(content))
    except UnicodeDecodeError as error:
        raise SessionError(
            f"{path} is not UTF-8, UTF-16 or Shift JIS (byte {error.start}): {_SAVE}"
        ) from error


def is_json_lines(path: Path, text: str) -> bool:
    """Whether the rows are JSON objects: by the ending, or else by the first letter."""
    ending = path.suffix.lower()
    if ending in _LINES or ending in _CELLS:
        return ending in _LINES
    return text.lstrip().startswith("{")


class CellTable:
    """A CSV file. `separator` is a comma, a semicolon or a tab.

    It is the one that shows a column of times, unless a first line sep= as Excel writes it names
    another.
    """

    def __init__(self, path: Path, text: str, time_columns: Collection[str]) -> None:
        self._path = path
        first, _, rest = text.partition("\n")
        named = first.lower().startswith("sep=")
        self._text, self._skipped = (rest, 1) if named else (text, 0)
        self.separator = first[4:5].strip("\r") if named else ""
        self.separator = self.separator or _separator(self._text, time_columns)

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(line number, cell by column) of each row that is not empty.

        Raises SessionError with the line.
        """
        rows = csv.reader(io.StringIO(self._text, newline=""), delimiter=self.separator)
        try:
            names = [name.strip() for name in next(rows, [])]
            for name in names:
                if name and names.count(name) > 1:
                    raise self._error(rows.line_num, f"two columns are called {name}")
            for row in rows:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(names):
                    counts = f"{len(row)}, not {len(names)}"
                    text = f"the number of values differs from the header: {counts}"
                    raise self._error(rows.line_num, text)
                yield rows.line_num + self._skipped, dict(zip(names, row, strict=True))
        except csv.Error as error:
            raise self._error(rows.line_num, str(error)) from error

    def _error(self, line: int, text: str) -> SessionError:
        return SessionError(f"{self._path}, line {line + self._skipped}: {text}")


def _encoding(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    head = content[:1000]
    if head.count(0) * 3 > len(head):  # UTF-16 without a mark: every other byte is zero
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp932"
    return "utf-8"


def _separator(text: str, time_columns: Collection[str]) -> str:
    """The separator that splits the header into most names, one of which is a time."""
    header = text.split("\n", 1)[0]

    def names(separator: str) -> int:
        try:
            row = next(csv.reader([header], delimiter=separator), [])
        except csv.Error:
            return 0
        return len(row) if {name.strip() for name in row} & set(time_columns) else 0

    return max(_SEPARATORS, key=names)
