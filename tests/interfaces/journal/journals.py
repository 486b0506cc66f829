"""Small journals for tests: Steps whose fields all encode their number."""

import numpy as np

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout
from interfaces.journal import JournalWriter
from interfaces.journal.segment_header import read_shape

SPACES = Spaces((8, 8, 3), ("Speed",), (ActionConfig(name="Vertical"),))


def make_writer(folder, **settings):
    """A writer without a thread, with 16 Steps per segment."""
    defaults = {"segment_steps": 16, "max_steps": 64, "background": False}
    return JournalWriter(folder, StepLayout(SPACES), **defaults | settings)


def append(journal, count, start=0):
    """Append the Steps `start` to `start + count`. Returns how many were not dropped."""
    step = np.zeros((), StepLayout(SPACES).dtype)
    appended = 0
    for number in range(start, start + count):
        step["tick"], step["image"], step["vector"] = number, number % 251, number
        appended += journal.append(step)
    return appended


def are_consistent(rows):
    """Whether all fields of each row encode the same number."""
    ticks = rows["tick"].astype(np.int64)
    images_match = (rows["image"] == (ticks % 251)[:, None, None, None]).all()
    return images_match and (rows["vector"] == ticks[:, None]).all()


def damage(path, row):
    """Change one bit in the middle of a record."""
    shape = read_shape(path, StepLayout(SPACES).dtype)
    content = bytearray(path.read_bytes())
    record = shape.record.itemsize
    content[shape.start + row * record + record // 2] ^= 1
    path.write_bytes(content)
