"""The Step: one row of the journal, as a NumPy record of fixed size."""

from enum import IntEnum

import numpy as np

from interfaces.core.rewards import REWARD_TERMS
from interfaces.core.spaces import Spaces


class Sender(IntEnum):
    """The source of the action of a Step."""

    POLICY = 0
    HUMAN = 1
    SAFETY = 2


def step_dtype(spaces: Spaces) -> np.dtype[np.void]:
    """The record of one Step. The field order is the file format: only append.

    `tick` is the key of the acting noise. It also counts dropped Steps; `index` does not.
    `monotonic_ns` and `wall_ns` are the times at the start of observing.
    `lateness_s`, `frame_age_s` and `decide_s` are durations in seconds.
    `reward` holds the REWARD_TERMS with the weights of the time of recording.
    `world_reward` is the unweighted reward of the world, so that weights can change later.
    `action` is what was really sent, `chosen` what the policy chose, both in policy units.
    `sound` and `sound_raw` (16 bits a sample) exist only for a world with audio input.
    """
    sound = [("sound", "<f4", spaces.sound_shape)] if spaces.sound_shape else []
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
            ("reward", "<f4", (len(REWARD_TERMS),)),
            ("vector", "<f4", (spaces.vector_size,)),
            ("action", "<f4", (spaces.num_actions,)),
            ("chosen", "<f4", (spaces.num_actions,)),
            ("image", "u1", spaces.image_shape),
            *sound,
            *raw,
        ]
    )
