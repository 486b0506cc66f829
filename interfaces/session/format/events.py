"""What happens along a life, in words: lines for the log panels of Foxglove and Rerun."""

import numpy as np
from foxglove_schemas_protobuf.Log_pb2 import Log
from numpy.typing import NDArray

from interfaces.core.step import Sender
from interfaces.core.world import Situation

_SENDER = {
    Sender.POLICY: "the policy acts",
    Sender.HUMAN: "a person drives",
    Sender.SAFETY: "held at rest",
}


class Events:
    """Told of each Step in order, says what is new in it. It knows nothing of before the first."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._situation, self._sender = Situation.NONE, Sender.POLICY

    def of(self, step: NDArray[np.void]) -> bytes | None:
        """A foxglove.Log of what is new at a Step, a warning where the body was late or in trouble;
        None where nothing is."""
        situation, sender = Situation(int(step["situation"])), Sender(int(step["sender"]))
        begun, ended = situation & ~self._situation, self._situation & ~situation
        version, skipped = int(step["weights_version"]), int(step["skipped"])
        told: list[str] = []
        if step["is_first"]:
            told.append("a life begins")
        if version != self._version:
            told.append(f"weights {version}")
        if sender != self._sender:
            told.append(_SENDER[sender])
        if skipped:
            told.append(f"{skipped} beats skipped")
        told += [_words(flag) for flag in begun]
        told += [f"no longer: {_words(flag)}" for flag in ended]
        if step["is_terminal"]:
            told.append("it ends")
        elif step["is_last"]:
            told.append("cut")
        self._version, self._situation, self._sender = version, situation, sender
        if not told:
            return None
        level = Log.WARNING if begun or skipped else Log.INFO
        message = Log(level=level, message="; ".join(told), name="yume")
        message.timestamp.FromNanoseconds(max(0, int(step["wall_ns"])))
        return message.SerializeToString()


def _words(flag: Situation) -> str:
    return str(flag.name).lower().replace("_", " ")
