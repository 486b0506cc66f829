"""Reads JSON that may be damaged or hostile: one error, bounded depth and numbers, a known shape.

A JSON object that Yume writes into a run folder has an entry "checksum": the CRC-32 of all others.
It is checked here and removed. Objects without it, as older versions wrote them, are read too.
Of two entries with the same key the last one counts.
"""

import json
import math
import zlib
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from configs.reading.bounded_file import UnreadableFile, decode, read_bytes

MAX_JSON_BYTES = 4 * 2**20
MAX_DEPTH = 64
MAX_DIGITS = 40  # of a whole number: the state of a random generator has 128 bits
CHECKSUM = "checksum"

T = TypeVar("T")
ANY = TypeAdapter[Any](Any)
OBJECT = TypeAdapter(dict[str, Any])


class OddNumbers(Enum):
    """What happens to NaN, infinity, numbers beyond a float and whole numbers of many digits."""

    REFUSE = "the document is refused"
    NULL = "the number becomes null"
    KEEP = "NaN and infinity stay, and whole numbers of any size; 1e999 is refused"


def read_json(
    path: Path,
    shape: TypeAdapter[T],
    *,
    max_bytes: int = MAX_JSON_BYTES,
    odd_numbers: OddNumbers = OddNumbers.REFUSE,
) -> T:
    """The JSON of a file in this shape. Raises UnreadableFile and MissingFile."""
    return parse_json(read_bytes(path, max_bytes), path, shape, odd_numbers=odd_numbers)


def parse_json(
    content: bytes | str,
    place: Path | str,
    shape: TypeAdapter[T],
    *,
    odd_numbers: OddNumbers = OddNumbers.REFUSE,
) -> T:
    """A JSON document in this shape. `place`: a name for messages. Raises UnreadableFile.

    The caller limits the size of the content.
    """
    text = decode(content, place) if isinstance(content, bytes) else content
    integer, real, constant = _number_readers(odd_numbers)
    try:
        value = json.loads(text, parse_int=integer, parse_float=real, parse_constant=constant)
    except RecursionError:
        raise _too_deep(place) from None
    except (ValueError, MemoryError) as error:
        raise UnreadableFile(place, f"not JSON: {error}") from None
    _check_depth(value, place)
    if isinstance(value, dict) and CHECKSUM in value:
        stated = value.pop(CHECKSUM)
        if stated != checksum(value):
            raise UnreadableFile(
                place,
                "its checksum does not match: damaged, or edited. After an edit on purpose, "
                f'remove the entry "{CHECKSUM}"',
            )
    try:
        return shape.validate_python(value)
    except (ValidationError, RecursionError, OverflowError) as error:
        raise UnreadableFile(place, _explain(error)) from None


def with_checksum(content: dict[str, Any]) -> dict[str, Any]:
    """The same entries and the entry "checksum", as read_json checks it.

    Raises TypeError and ValueError for what JSON cannot hold.
    """
    as_read: dict[str, Any] = json.loads(json.dumps(content))  # tuples as lists, keys as text
    return content | {CHECKSUM: checksum(as_read)}


def checksum(content: Any) -> str:
    """The CRC-32 of JSON content, whatever the order of its keys and its white space."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"crc32:{zlib.crc32(text.encode()):08x}"


def _number_readers(
    odd: OddNumbers,
) -> tuple[Callable[[str], Any], Callable[[str], Any], Callable[[str], Any]]:
    """The functions for whole numbers, for other numbers, and for NaN and Infinity."""

    def refused(text: str) -> Any:
        if odd is OddNumbers.NULL:
            return None
        short = text if len(text) <= MAX_DIGITS else f"{text[:12]}… ({len(text)} characters)"
        raise ValueError(f"the number {short} is not allowed")

    def integer(text: str) -> Any:
        return int(text) if len(text) <= MAX_DIGITS or odd is OddNumbers.KEEP else refused(text)

    def real(text: str) -> Any:
        number = float(text)
        return number if math.isfinite(number) else refused(text)

    return integer, real, float if odd is OddNumbers.KEEP else refused


def _check_depth(value: Any, place: Path | str) -> None:
    """Not recursive: it is what keeps the functions after it from recursing too deeply."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        inside: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inside.extend(each.values())
            elif isinstance(each, list):
                inside.extend(each)
        if not inside:
            return
        level = inside
    raise _too_deep(place)


def _too_deep(place: Path | str) -> UnreadableFile:
    return UnreadableFile(place, f"not usable JSON: more than {MAX_DEPTH} levels")


def _explain(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"not as expected: {error}"
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(ascii(step) if isinstance(step, str) else str(step) for step in first["loc"])
    given = ascii(first["input"]) if isinstance(first["input"], str | int | float) else ""
    at = f"{where[:200]} " if where else ""
    message = str(first["msg"]).removeprefix("Value error, ")
    more = f", and {error.error_count() - 1} more problems" if error.error_count() > 1 else ""
    return f"{at}{f'= {given[:60]}' if given else ''}: {message}{more}".lstrip(": ")
