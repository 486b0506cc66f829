"""A life in numbers, to be looked at: everything but the pictures."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from foxglove_schemas_protobuf.Log_pb2 import Log
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender
from interfaces.core.world import Situation
from interfaces.session.format.events import Events
from interfaces.session.playback_time import Pace
from interfaces.session.run_steps import Lived


@dataclass
class Diary:
    """A row for each of T Steps, in order. `seconds` since the first; `felt` (T, F); `action`
    (T, A) as it was sent; `reward` as it was paid then. `value` and `surprise` (nats) are NaN until
    somebody has thought them; `thought` rows are done, `unthought` of them could not be, by why.
    `events`: (row, what happened)."""

    spaces: Spaces
    index: NDArray[np.int64]
    seconds: NDArray[np.float64]
    felt: NDArray[np.float32]
    action: NDArray[np.float32]
    reward: NDArray[np.float32]
    version: NDArray[np.int64]
    situation: NDArray[np.uint32]
    sender: NDArray[np.uint8]
    value: NDArray[np.float32]
    surprise: NDArray[np.float32]
    events: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    thought: int = 0
    unthought: Counter[str] = field(default_factory=Counter[str])
    trouble: str = ""  # why no more of it can be thought

    def __len__(self) -> int:
        return len(self.index)

    @property
    def length_s(self) -> float:
        return float(self.seconds[-1])

    def unknown(self) -> str:
        """Why value and surprise are not there, for people; empty where they are."""
        if not self.unthought:
            return ""
        reasons = "; ".join(f"{count}: {why}" for why, count in self.unthought.most_common(3))
        return f"value and surprise of {self.unthought.total()} steps are not known ({reasons})"

    def row_at(self, seconds: float) -> int:
        """The newest row at a time."""
        return max(0, int(np.searchsorted(self.seconds, seconds, "right")) - 1)

    def state(self, row: int) -> str:
        """Who acted and what was unusual, in words."""
        sender = Sender(int(self.sender[row])).name.lower()
        flags = [
            str(flag.name).lower().replace("_", " ") for flag in Situation(int(self.situation[row]))
        ]
        return ", ".join([sender, *flags])


def read_diary(lived: Lived, progress: Callable[[int], None] = lambda _: None) -> Diary:
    """Read every Step once, without its picture. Times go on by a beat where the clock went back
    (a reboot), and where nothing was lived for long. Raises SessionError for damage."""
    spaces, count, events = lived.spaces, lived.steps, Events()
    felt = len(spaces.features)
    diary = Diary(
        spaces=spaces,
        index=np.zeros(count, np.int64),
        seconds=np.zeros(count),
        felt=np.zeros((count, felt), np.float32),
        action=np.zeros((count, spaces.num_actions), np.float32),
        reward=np.zeros(count, np.float32),
        version=np.zeros(count, np.int64),
        situation=np.zeros(count, np.uint32),
        sender=np.zeros(count, np.uint8),
        value=np.full(count, np.nan, np.float32),
        surprise=np.full(count, np.nan, np.float32),
    )
    pace = Pace()
    # It may live on meanwhile: what comes later is not looked at.
    for row, step in zip(range(count), lived.each(picture=False), strict=False):
        seconds = pace.seconds(int(step["monotonic_ns"]))
        if pace.paused_s:
            diary.events.append((row, f"{_long(pace.paused_s)} later"))
        diary.index[row], diary.seconds[row] = step["index"], seconds
        diary.felt[row], diary.action[row] = step["vector"][:felt], step["action"]
        diary.reward[row] = step["reward"].sum()
        diary.version[row], diary.situation[row] = step["weights_version"], step["situation"]
        diary.sender[row] = step["sender"]
        if (told := events.of(step)) is not None:
            diary.events.append((row, Log.FromString(told).message))
        progress(row + 1)
    return diary


def _long(seconds: float) -> str:
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
