"""Prepared datagrams have the bytes of ordinary messages, for names of any length."""

import numpy as np

from interfaces.osc.message import encode
from interfaces.standin.client.parameters import PREFIX
from interfaces.standin.client.ray_messages import RayMessages

NAMES = ["A", "Abcd", "Abcdefgh", *(f"YumeRayP{i}" for i in range(8, 12)), "Längster_Name", "B"]


def test_prepared_datagrams_have_the_bytes_of_encode() -> None:
    rng = np.random.default_rng(0)
    messages = RayMessages(NAMES)
    names = [name + ending for ending in ("_Ratio", "_Distance") for name in NAMES]
    for _ in range(5):
        values = rng.uniform(-3, 3, len(names)).astype(np.float32)
        changed, hits = rng.random(len(names)) < 0.5, rng.random(len(NAMES)) < 0.5
        pairs = zip(names, values.tolist(), changed, strict=True)
        expected = [encode(PREFIX + name, value) for name, value, new in pairs if new]
        assert messages.floats(values, changed) == expected
        turned = changed[: len(NAMES)]
        flags = zip(NAMES, hits.tolist(), turned, strict=True)
        expected = [encode(f"{PREFIX}{name}_Hit", hit) for name, hit, new in flags if new]
        assert messages.hits(hits, turned) == expected
