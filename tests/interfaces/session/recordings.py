"""Steps and journals to record, made of noise."""

import numpy as np

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.journal import JournalWriter

SPACES = Spaces(
    (16, 12, 3),
    ("VelocityX", "頭なで"),
    (
        ActionConfig(name="Vertical"),
        ActionConfig(name="Jump", kind="press"),
        ActionConfig(name="Hello", kind="press", target="chat", text="hi"),
    ),
)
HEARING = Spaces((0, 0, 3), ("x",), (ActionConfig(name="Run", kind="hold"),), (1, 4, 8), (2, 80))
BEAT_NS = 50_000_000
BEGAN_NS = 1_700_000_000_000_000_000


def make_steps(count: int, spaces: Spaces = SPACES, first: int = 0, seed: int = 0):
    """Steps of noise, 20 a second, all fields filled."""
    chance = np.random.default_rng([seed, first])
    steps = np.zeros(count, step_dtype(spaces))
    for name in steps.dtype.names:
        column = steps[name]
        if column.dtype.kind == "f":
            steps[name] = chance.normal(size=column.shape).astype(np.float32)
        elif name in ("image", "sound_raw"):
            info = np.iinfo(column.dtype)
            steps[name] = chance.integers(info.min, info.max, column.shape, column.dtype)
    steps["index"] = first + np.arange(count)
    steps["tick"] = steps["index"]
    steps["monotonic_ns"] = 5_000_000 + BEAT_NS * steps["index"].astype(np.int64)
    steps["wall_ns"] = BEGAN_NS + BEAT_NS * steps["index"].astype(np.int64)
    steps["frame_number"], steps["weights_version"] = steps["index"] * 2, 3
    steps["situation"] = chance.integers(0, 2**15, count)
    steps["sender"] = chance.integers(0, 3, count)
    steps["is_first"], steps["is_last"] = steps["index"] % 10 == 0, steps["index"] % 10 == 9
    steps["log_prob"][::7] = np.nan
    return steps


def write_journal(folder, steps, spaces: Spaces = SPACES, max_steps: int = 100_000):
    """A journal of these Steps; the writer, still open."""
    writer = JournalWriter(folder, spaces, segment_steps=64, max_steps=max_steps, background=False)
    for i in range(len(steps)):
        writer.append(steps[i, ...])
    return writer


def same(one, other) -> bool:
    """Bit for bit."""
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()
