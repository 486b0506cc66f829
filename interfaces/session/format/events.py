"""Events of a session in words: lines for the log panels of Foxglove and Rerun."""

import numpy as np
from foxglove_schemas_protobuf.Log_pb2 import Log
from numpy.typing import NDArray

from interfaces.core.step import Sender
from interfaces.core.world import Situation

_SENDER_TEXT = {
    Sender.POLICY: "the policy acts",
    Sender.HUMAN: "a person drives",
    Sender.SAFETY: "safety: inputs released",
}


class EventDetector:
    """Compares each Step with the one before and describes what changed.

    The first Step is compared with no situation and the policy as the sender.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._situation, self._sender = Situation.NONE, Sender.POLICY

    def detect(self, step: NDArray[np.void]) -> bytes | None:
        """A serialised foxglove.Log of the changes at a Step; None without a change.

        The level is WARNING where a situation begins or ticks were skipped, else INFO.
        """
        situation, sender = Situation(int(step["situation"])), Sender(int(step["sender"]))
        begun, ended = situation & ~self._situation, self._situation & ~situation
        version, skipped = int(step["weights_version"]), int(step["skipped"])
        changes: list[str] = []
        if step["is_first"]:
            changes.append("episode starts")
        if version != self._version:
            changes.append(f"weights {version}")
        if sender != self._sender:
            changes.append(_SENDER_TEXT[sender])
        if skipped:
            changes.append(f"{skipped} ticks skipped")
        changes += [_words(flag) for flag in begun]
        changes += [f"no longer: {_words(flag)}" for flag in ended]
        if step["is_terminal"]:
            changes.append("episode ends")
        elif step["is_last"]:
            changes.append("episode cut")
        self._version, self._situation, self._sender = version, situation, sender
        if not changes:
            return None
        level = Log.WARNING if begun or skipped else Log.INFO
        message = Log(level=level, message="; ".join(changes), name="yume")
        message.timestamp.FromNanoseconds(max(0, int(step["wall_ns"])))
        return message.SerializeToString()


def _words(flag: Situation) -> str:
    return str(flag.name).lower().replace("_", " ")
