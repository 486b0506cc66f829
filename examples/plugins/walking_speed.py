"""An example of a reward plugin: a reward for walking at a calm speed.

python main.py run examples/plugins/walking_speed.yaml
"""

import numpy as np

from interfaces.core.rewards import RewardInput

WISH_M_S = 1.0
WIDTH_M_S = 0.5


def near_walking_speed(steps: RewardInput) -> np.ndarray:
    """1 at the wished speed, near 0 far from it.

    `steps` is one Step with arrays of the shape (), or a batch with (batch, time). The result has
    the same shape. The last axis of `steps.vector` and `steps.last_action` is that of the names.
    """
    speed = np.hypot(steps.feature("VelocityX"), steps.feature("VelocityZ"))
    return np.exp(-(((speed - WISH_M_S) / WIDTH_M_S) ** 2))
