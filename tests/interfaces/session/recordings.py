"""Steps of random numbers, and journals, sessions and runs made of them."""

import numpy as np

from configs.actions import ActionConfig
from configs.load import load_config, write_config
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout
from interfaces.journal import JournalWriter
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session
from interfaces.session.maintain.verify import verify
from tests.conftest import ROOT
from tests.known import make_known

SPACES = Spaces(
    (16, 12, 3),
    ("VelocityX", "頭なで"),
    (
        ActionConfig(name="Vertical"),
        ActionConfig(name="Jump", kind="press"),
        ActionConfig(name="Hello", kind="press", target="chat", text="hi"),
    ),
)
SOUND_SPACES = Spaces(
    (0, 0, 3), ("x",), (ActionConfig(name="Run", kind="hold"),), (1, 4, 8), (2, 80)
)
TICK_NS = 50_000_000
START_NS = 1_700_000_000_000_000_000


def layout_of(spaces: Spaces) -> StepLayout:
    """The layout of the Steps of `make_steps`."""
    return StepLayout(spaces, ("parameters.x", "action_cost", "world"))


def make_steps(count: int, spaces: Spaces = SPACES, first: int = 0, seed: int = 0):
    """Steps of random numbers, 20 per second, in which every field has a value."""
    rng = np.random.default_rng([seed, first])
    steps = np.zeros(count, layout_of(spaces).dtype)
    for name in steps.dtype.names:
        column = steps[name]
        if column.dtype.kind == "f":
            steps[name] = rng.normal(size=column.shape).astype(np.float32)
        elif name in ("image", "sound_raw"):
            info = np.iinfo(column.dtype)
            steps[name] = rng.integers(info.min, info.max, column.shape, column.dtype)
    steps["index"] = first + np.arange(count)
    steps["tick"] = steps["index"]
    steps["monotonic_ns"] = 5_000_000 + TICK_NS * steps["index"].astype(np.int64)
    steps["wall_ns"] = START_NS + TICK_NS * steps["index"].astype(np.int64)
    steps["frame_number"], steps["weights_version"] = steps["index"] * 2, 3
    steps["situation"] = rng.integers(0, 2**15, count)
    steps["sender"] = rng.integers(0, 3, count)
    steps["is_first"], steps["is_last"] = steps["index"] % 10 == 0, steps["index"] % 10 == 9
    steps["log_prob"][::7] = np.nan
    return steps


def time_of(index: int) -> int:
    """Wall clock time of a Step of `make_steps`, in ns."""
    return START_NS + TICK_NS * index


def write_journal(folder, steps, spaces: Spaces = SPACES, max_steps: int = 100_000):
    """Write these Steps to a journal and return its writer, still open."""
    writer = JournalWriter(
        folder, layout_of(spaces), segment_steps=64, max_steps=max_steps, background=False
    )
    for i in range(len(steps)):
        writer.append(steps[i, ...])
    return writer


def record_segments(folder, steps, steps_per_segment=1000, *, close=True, run_metadata=None):
    """Write these Steps to session segments; return the last writer.

    Without `close` the last segment stays unfinished.
    """
    writer = None
    for start in range(0, len(steps), steps_per_segment):
        part = steps[start : start + steps_per_segment]
        writer = SegmentWriter(
            folder, int(part["index"][0]), Codec(layout_of(SPACES)), run_metadata or {}
        )
        for i in range(len(part)):
            writer.put(part[i, ...])
        if close or start + steps_per_segment < len(steps):
            writer.close()
    return writer


def make_run(path, steps=None, *overrides, spaces: Spaces = SPACES, live=False):
    """A known run folder with a configuration and, with `steps`, a journal.

    `live`: with the process table of a live run, which had a recorder.
    """
    run = RunFolder(path)
    run.path.mkdir(parents=True, exist_ok=True)
    if steps is not None:
        write_journal(run.journal, steps, spaces).close()
    write_config(load_config(ROOT / "configs" / "tiny.yaml", list(overrides)), run.config_file)
    if live:
        run.processes.write_text("{}")
    make_known(run.path)
    return run


def read_all(path):
    """All Steps of a session, as records."""
    session = Session(path)
    return np.array([step for _, step in session.steps()], session.read(0, 1).dtype)


def troubles(path) -> list[str]:
    """What `verify` finds wrong."""
    return [result.trouble for result in verify(path) if result.trouble]


def damage(path, place=0.5):
    """Invert bits of one byte; `place` is its position as a share of the file."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x55
    path.write_bytes(content)


def same(one, other) -> bool:
    """Whether both arrays have the same type and bits."""
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()
