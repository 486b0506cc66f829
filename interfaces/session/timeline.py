"""The numbers and events of a run for display: everything but its pictures."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from foxglove_schemas_protobuf.Log_pb2 import Log
from numpy.typing import NDArray

from interfaces.core.sense_map import SenseMap, SenseReading
from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender, recorded_reward
from interfaces.core.world import Situation
from interfaces.session.format.events import EventDetector
from interfaces.session.playback_time import PlaybackTime
from interfaces.session.run_steps import RunSteps


@dataclass
class Timeline:
    """One row for each of T Steps, in order.

    `seconds` count from the first Step; `parameters` are (T, F); `action` (T, A) is the one sent;
    `reward` is the one recorded. `value` and `surprise` (nats) are NaN until a replay computes
    them: `estimated` rows are done, and `not_estimated` counts the rows without a result by
    reason. `events`: (row, text). `error`: why the replay stopped. `senses`: where `parameters` has
    contacts and rays; empty for a run without them.
    """

    spaces: Spaces
    index: NDArray[np.int64]
    seconds: NDArray[np.float64]
    parameters: NDArray[np.float32]
    action: NDArray[np.float32]
    reward: NDArray[np.float32]
    version: NDArray[np.int64]
    situation: NDArray[np.uint32]
    sender: NDArray[np.uint8]
    value: NDArray[np.float32]
    surprise: NDArray[np.float32]
    events: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    estimated: int = 0
    not_estimated: Counter[str] = field(default_factory=Counter[str])
    error: str = ""
    senses: SenseMap = field(default_factory=SenseMap)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def length_s(self) -> float:
        """Length of the timeline, seconds."""
        return float(self.seconds[-1])

    def missing_estimates(self) -> str:
        """Why value and surprise are missing, in words; empty if none is missing."""
        if not self.not_estimated:
            return ""
        reasons = "; ".join(f"{count}: {why}" for why, count in self.not_estimated.most_common(3))
        return f"value and surprise of {self.not_estimated.total()} steps are unknown ({reasons})"

    def readings(self, row: int) -> list[SenseReading]:
        """The contacts and rays of a row."""
        return self.senses.readings(self.parameters[row])

    @property
    def parameter_names(self) -> dict[int, str]:
        """The column in `parameters` and the name of each feature that is no contact and no ray."""
        hidden = self.senses.features
        return {i: name for i, name in enumerate(self.spaces.features) if i not in hidden}

    def row_at(self, seconds: float) -> int:
        """The newest row at a time."""
        return max(0, int(np.searchsorted(self.seconds, seconds, "right")) - 1)

    def describe_state(self, row: int) -> str:
        """The sender of the action and the situations, in words."""
        sender = Sender(int(self.sender[row])).name.lower()
        flags = [
            str(flag.name).lower().replace("_", " ") for flag in Situation(int(self.situation[row]))
        ]
        return ", ".join([sender, *flags])


def read_timeline(steps: RunSteps, progress: Callable[[int], None] = lambda _: None) -> Timeline:
    """Read every Step once, without its picture. Times are those of PlaybackTime.

    Raises SessionError for damage.
    """
    spaces, count, events = steps.spaces, steps.steps, EventDetector()
    num_features = len(spaces.features)
    timeline = Timeline(
        spaces=spaces,
        index=np.zeros(count, np.int64),
        seconds=np.zeros(count),
        parameters=np.zeros((count, num_features), np.float32),
        action=np.zeros((count, spaces.num_actions), np.float32),
        reward=np.zeros(count, np.float32),
        version=np.zeros(count, np.int64),
        situation=np.zeros(count, np.uint32),
        sender=np.zeros(count, np.uint8),
        value=np.full(count, np.nan, np.float32),
        surprise=np.full(count, np.nan, np.float32),
    )
    clock = PlaybackTime()
    # The run may go on meanwhile: Steps beyond `count` are left out.
    for row, step in zip(range(count), steps.each(picture=False), strict=False):
        seconds = clock.seconds(int(step["monotonic_ns"]))
        if clock.paused_s:
            timeline.events.append((row, f"{_duration(clock.paused_s)} later"))
        timeline.index[row], timeline.seconds[row] = step["index"], seconds
        timeline.parameters[row] = step["vector"][:num_features]
        timeline.action[row] = step["action"]
        timeline.reward[row] = recorded_reward(step)
        timeline.version[row], timeline.situation[row] = step["weights_version"], step["situation"]
        timeline.sender[row] = step["sender"]
        if (event := events.detect(step)) is not None:
            timeline.events.append((row, Log.FromString(event).message))
        progress(row + 1)
    return timeline


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
