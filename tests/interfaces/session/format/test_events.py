"""Events describe each change once, at its Step."""

import numpy as np
from foxglove_schemas_protobuf.Log_pb2 import Log

from interfaces.core.step import Sender
from interfaces.core.world import Situation
from interfaces.session.format.events import EventDetector
from interfaces.session.format.messages import EVENTS, Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session
from tests.interfaces.session.recordings import SPACES, START_NS, TICK_NS, layout_of, make_steps


def make_quiet_steps(count: int) -> np.ndarray:
    """Steps without any change after the first."""
    steps = np.zeros(count, layout_of(SPACES).dtype)
    steps["index"] = np.arange(count)
    steps["wall_ns"] = START_NS + TICK_NS * np.arange(count)
    steps["monotonic_ns"] = TICK_NS * np.arange(count)
    steps["weights_version"], steps["is_first"][0] = 7, True
    return steps


def detect_all(steps: np.ndarray) -> list[tuple[int, str, str]]:
    """(index, level, text) of each event."""
    events, lines = EventDetector(), []
    for i in range(len(steps)):
        if (event := events.detect(steps[i, ...])) is not None:
            log = Log.FromString(event)
            lines.append((i, Log.Level.Name(log.level), log.message))
    return lines


def test_without_a_change_there_is_no_event():
    assert detect_all(make_quiet_steps(20)) == [(0, "INFO", "episode starts; weights 7")]


def test_each_change_and_its_end_is_one_event():
    steps = make_quiet_steps(20)
    steps["weights_version"][5:] = 8
    steps["situation"][8:11] = Situation.AFK | Situation.NO_FRAME
    steps["sender"][12:14] = Sender.HUMAN
    steps["skipped"][15] = 3
    steps["is_last"][19] = True
    assert detect_all(steps)[1:] == [
        (5, "INFO", "weights 8"),
        (8, "WARNING", "no frame; afk"),
        (11, "INFO", "no longer: no frame; no longer: afk"),
        (12, "INFO", "a person drives"),
        (14, "INFO", "the policy acts"),
        (15, "WARNING", "3 ticks skipped"),
        (19, "INFO", "episode cut"),
    ]


def test_a_session_stores_events_beside_unchanged_steps(tmp_path):
    steps = make_steps(60)
    writer = SegmentWriter(tmp_path, 0, Codec(layout_of(SPACES)), {})
    for i in range(len(steps)):
        writer.put(steps[i, ...])
    writer.close()
    session = Session(tmp_path)
    events = {recorded.index: recorded.messages.get(EVENTS) for _, recorded in session.messages()}
    assert all(events[i] is not None for i in range(0, 60, 10))  # the first Steps of episodes
    log = Log.FromString(events[10])
    assert "episode starts" in log.message
    assert log.timestamp.ToNanoseconds() == int(steps["wall_ns"][10])
    assert session.read(0, 60).tobytes() == steps.tobytes()
