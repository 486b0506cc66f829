"""Says once for each avatar which parts of a sense the avatar has, and which it lacks."""

import threading
from collections.abc import Sequence
from functools import lru_cache

from loguru import logger

UNHEARD_S = 60.0  # after this time without OSCQuery, what is silent counts as missing
STUCK_S = 10.0  # of movement with the same value
_SHOWN = 8  # names in one line


class SenseReport:
    """Logs one line for each avatar: what it has in mode auto, what it lacks in mode on.

    `kind`: contacts or rays, as in world.contacts. `names`: what the agent wants to observe.
    `without_query`: what to add to the cure if the client did not answer OSCQuery.
    """

    def __init__(
        self, kind: str, mode: str, names: Sequence[str], tick_s: float, without_query: str
    ) -> None:
        self._kind, self._mode, self._names, self._tick_s = kind, mode, names, tick_s
        self._without_query = without_query
        self.silent_s = 0.0  # since the avatar loaded
        self.reported = False

    def restart(self) -> None:
        """Report again, because the client has changed to another avatar."""
        self.silent_s, self.reported = 0.0, False

    def is_due(self, *, listed: bool) -> bool:
        """Count one tick. Returns whether the line must be logged now."""
        self.silent_s += self._tick_s
        return not self.reported and (listed or self.silent_s >= UNHEARD_S)

    def log(self, found: Sequence[str], *, listed: bool, avatar_id: str) -> None:
        """Log the line. `found`: the names that the avatar has. `listed`: known by OSCQuery."""
        self.reported = True
        avatar = f"avatar {avatar_id or 'without an id'}"
        how = "OSCQuery" if listed else f"what was heard in {UNHEARD_S:.0f} s"
        total, missing = len(self._names), [name for name in self._names if name not in found]
        if self._mode == "auto":
            names = ""
            if found and missing:
                few = len(found) <= len(missing)
                names = f" ({shortened(found) if few else 'without ' + shortened(missing)})"
            log_once(
                "INFO",
                f"world.{self._kind}: {len(found)} of {total} {self._kind}{names} on {avatar}, "
                f"by {how}",
            )
        elif missing:
            cure = (
                "add them to the avatar and choose Action Menu > Options > OSC > Reset Config, "
                f"or correct the names in world.{self._kind}"
            )
            if not listed:
                cure += f"; {self._without_query}"
            log_once(
                "WARNING",
                f"world.{self._kind}: {avatar} has no {shortened(missing)}, by {how}; "
                f"unknown to the agent. Cure: {cure}",
            )


def shortened(names: Sequence[str]) -> str:
    """The names in one line. Of many, the first ones and how many more there are."""
    if len(names) <= _SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[: _SHOWN - 1])} and {len(names) - _SHOWN + 1} more"


@lru_cache(maxsize=1024)
def log_once(level: str, line: str) -> None:
    """Each line once per process. A thread writes it, so that the tick does not wait."""
    threading.Thread(target=logger.log, args=(level, "{}", line), name="log", daemon=True).start()
