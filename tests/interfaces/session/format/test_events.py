"""What happens is told in words, once, where it begins."""

import numpy as np
from foxglove_schemas_protobuf.Log_pb2 import Log

from interfaces.core.step import Sender, step_dtype
from interfaces.core.world import Situation
from interfaces.session.format.events import Events
from interfaces.session.format.messages import EVENTS, Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session
from tests.interfaces.session.recordings import BEAT_NS, BEGAN_NS, SPACES, make_steps


def quiet(count: int) -> np.ndarray:
    """Steps in which nothing happens, after the first."""
    steps = np.zeros(count, step_dtype(SPACES))
    steps["index"] = np.arange(count)
    steps["wall_ns"] = BEGAN_NS + BEAT_NS * np.arange(count)
    steps["monotonic_ns"] = BEAT_NS * np.arange(count)
    steps["weights_version"], steps["is_first"][0] = 7, True
    return steps


def lines(steps: np.ndarray) -> list[tuple[int, str, str]]:
    """(index, level, what is told)."""
    events, found = Events(), []
    for i in range(len(steps)):
        if (told := events.of(steps[i, ...])) is not None:
            log = Log.FromString(told)
            found.append((i, Log.Level.Name(log.level), log.message))
    return found


def test_nothing_is_told_where_nothing_is_new():
    assert lines(quiet(20)) == [(0, "INFO", "a life begins; weights 7")]


def test_each_change_is_told_once_and_its_end_too():
    steps = quiet(20)
    steps["weights_version"][5:] = 8
    steps["situation"][8:11] = Situation.AFK | Situation.NO_FRAME
    steps["sender"][12:14] = Sender.HUMAN
    steps["skipped"][15] = 3
    steps["is_last"][19] = True
    assert lines(steps)[1:] == [
        (5, "INFO", "weights 8"),
        (8, "WARNING", "no frame; afk"),
        (11, "INFO", "no longer: no frame; no longer: afk"),
        (12, "INFO", "a person drives"),
        (14, "INFO", "the policy acts"),
        (15, "WARNING", "3 beats skipped"),
        (19, "INFO", "cut"),
    ]


def test_a_session_carries_them_at_their_time_and_reads_the_same_steps(tmp_path):
    steps = make_steps(60)
    writer = SegmentWriter(tmp_path, 0, Codec(SPACES), {})
    for i in range(len(steps)):
        writer.put(steps[i, ...])
    writer.close()
    session = Session(tmp_path)
    told = {found.index: found.messages.get(EVENTS) for _, found in session.messages()}
    assert all(told[i] is not None for i in range(0, 60, 10))  # beginnings
    log = Log.FromString(told[10])
    assert "a life begins" in log.message
    assert log.timestamp.ToNanoseconds() == int(steps["wall_ns"][10])
    assert session.read(0, 60).tobytes() == steps.tobytes()
