"""Times on the command line: a duration, or a date and time."""

from datetime import datetime
from typing import Annotated

import typer

from interfaces.session.format.segment_writer import SessionError
from interfaces.session.maintain.select_steps import FOREVER_NS

_NS = 1e9
_DAY_S = 86_400.0

Begin = Annotated[
    str | None,
    typer.Option("--from", help="time since the start of the run, 5m; or 2026-11-25T12:30:00"),
]
End = Annotated[str | None, typer.Option("--to", help="like --from")]


def parse_time_range(begin: str | None, end: str | None, start_ns: int) -> tuple[int, int]:
    """The values of --from and --to as wall clock times in ns. Raises SessionError.

    `start_ns` is the start of the run.
    """
    low, high = parse_time(begin, start_ns, 0), parse_time(end, start_ns, FOREVER_NS)
    if low >= high:
        names = (begin or "the start", end or "the end")
        raise SessionError("--from {} is not before --to {}".format(*names))
    return low, high


def parse_time(text: str | None, start_ns: int, default_ns: int) -> int:
    """A duration since `start_ns`, or a date and time, as wall clock time in ns.

    Raises SessionError.
    """
    if text is None:
        return default_ns
    if "T" in text or ":" in text:
        try:
            return round(datetime.fromisoformat(text).timestamp() * _NS)
        except ValueError as error:
            raise SessionError(f"{text}: write a time as 5m or 2026-11-25T12:30:00") from error
    return start_ns + round(parse_duration(text) * _NS)


def parse_duration(text: str) -> float:
    """The seconds of 90, 90s, 5m, 2h or 1d. Raises SessionError."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": _DAY_S}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError as error:
        raise SessionError(f"{text}: write a duration as 90, 90s, 5m, 2h or 1d") from error
    if not 0.0 <= seconds < 1e9:
        raise SessionError(f"{text}: a duration is between 0 and 10^9 seconds")
    return seconds
