"""Cut a session into episodes: consecutive Steps without a break."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.load import recorded_setting
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session


@dataclass(frozen=True)
class Episode:
    """Consecutive Steps as records (T,), and their log times in ns (T,)."""

    steps: NDArray[np.void]
    times_ns: NDArray[np.int64]


def tick_rate_hz(session: Session) -> float:
    """The tick rate from the configuration in the session. Raises SessionError without it."""
    try:
        return float(recorded_setting(session.infos[0].run_metadata["config"], "tick.hz"))
    except (KeyError, TypeError, ValueError) as error:
        raise SessionError(f"{session.path} does not state its tick rate (`tick.hz`)") from error


def episodes(session: Session, longest: int) -> Iterator[Episode]:
    """Cut at is_first, after is_last, at gaps and skipped ticks, and after `longest` Steps."""
    steps: list[NDArray[np.void]] = []
    times: list[int] = []

    def take() -> Episode:
        episode = Episode(np.array(steps, steps[0].dtype), np.array(times, np.int64))
        steps.clear()
        times.clear()
        return episode

    for at, step in session.steps():
        is_break = bool(steps) and (
            bool(step["is_first"])
            or bool(steps[-1]["is_last"])
            or int(step["index"]) != int(steps[-1]["index"]) + 1
            or int(step["skipped"]) > 0
            or len(steps) == longest
        )
        if is_break:
            yield take()
        steps.append(step)
        times.append(at)
    if steps:
        yield take()
