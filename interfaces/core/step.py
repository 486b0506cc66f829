"""The Step: one row of the journal, a fixed-size NumPy record."""

from enum import IntEnum

import numpy as np

from interfaces.core.rewards import LIVED_TERMS
from interfaces.core.spaces import Spaces


class Sender(IntEnum):
    """Who sent the action of a Step."""

    POLICY = 0
    HUMAN = 1
    SAFETY = 2


def step_dtype(spaces: Spaces) -> np.dtype[np.void]:
    """The record of one Step. Field order is the file format: append only.

    `reward` holds the lived terms as weighted when lived; `world_reward` what the world itself
    paid, unweighted, so that weights can change later. `tick` keys the acting noise; it goes on
    counting where a full disk leaves a gap in `index`. `action` is what was really sent, `chosen`
    what the policy asked for, both in policy units. `sound` and `sound_raw` (16 bits a sample) are
    there for a world with ears. Times: `monotonic_ns` and `wall_ns` at the
    start of observing; durations in seconds.
    """
    ears = [("sound", "<f4", spaces.sound_shape)] if spaces.sound_shape else []
    raw = [("sound_raw", "<i2", spaces.raw_shape)] if spaces.raw_shape else []
    return np.dtype(
        [
            ("index", "<u8"),
            ("tick", "<u8"),
            ("monotonic_ns", "<i8"),
            ("wall_ns", "<i8"),
            ("frame_number", "<i8"),
            ("weights_version", "<i8"),
            ("skipped", "<u4"),
            ("situation", "<u4"),
            ("lateness_s", "<f4"),
            ("frame_age_s", "<f4"),
            ("decide_s", "<f4"),
            ("log_prob", "<f4"),
            ("is_first", "?"),
            ("is_last", "?"),
            ("is_terminal", "?"),
            ("sender", "u1"),
            ("world_reward", "<f4"),
            ("reward", "<f4", (len(LIVED_TERMS),)),
            ("vector", "<f4", (spaces.vector_size,)),
            ("action", "<f4", (spaces.num_actions,)),
            ("chosen", "<f4", (spaces.num_actions,)),
            ("image", "u1", spaces.image_shape),
            *ears,
            *raw,
        ]
    )
