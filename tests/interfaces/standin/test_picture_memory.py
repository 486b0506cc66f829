"""The stand-in draws for days: neither its memory nor Panda3D's states grow with the pictures.

2,000 pictures are more than a minute at 30 per second. A state that is never freed costs 8 MB a
minute.
"""

import psutil
from panda3d.core import RenderState, TransformState

from configs.standin import StandinConfig
from interfaces.osc.message import encode
from interfaces.standin.core import StandinCore

WARM_UP, PICTURES = 500, 2000


def test_memory_and_states_are_flat_over_thousands_of_pictures() -> None:
    core = StandinCore(StandinConfig(width=64, height=64, place="plaza"), 0)  # the most people
    core.step(2, [encode("/input/Vertical", 0.7), encode("/input/LookHorizontal", 0.7)])
    process, before_mb, states = psutil.Process(), 0.0, list[int]()
    for number in range(PICTURES):
        core.step(2, [])
        core.frame()
        if number == WARM_UP:
            before_mb = process.memory_full_info().uss / 1e6
        if number >= WARM_UP:
            states.append(TransformState.get_num_states())
    assert process.memory_full_info().uss / 1e6 - before_mb < 3.0  # never freed: 27 MB
    assert max(states) < 2 * max(states[:300]), "it returns to the same number again and again"
    assert max(states) < 10_000  # never freed: more than 50,000
    assert RenderState.get_num_states() < 200
    core.close()
