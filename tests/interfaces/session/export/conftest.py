import numpy as np
import pytest

from configs.load import dump_config, load_config
from interfaces.session.format.session import Session
from tests.conftest import ROOT
from tests.interfaces.session.recordings import make_steps, record_segments


@pytest.fixture
def recorded(tmp_path):
    """(Session, records): 150 Steps at 20 Hz in two episodes, with a skipped tick in the second.

    The pictures are smooth, so that video compression changes them little.
    """
    steps = make_steps(150)
    steps["is_first"] = steps["is_last"] = False
    steps["is_first"][[0, 60]] = True
    steps["skipped"][100] = 1
    ramp = np.linspace(0, 200, 16 * 12).reshape(16, 12, 1)
    steps["image"] = (ramp + np.arange(150)[:, None, None, None] % 50).astype(np.uint8)
    config = load_config(ROOT / "configs" / "tiny.yaml", ["tick.hz=20"])
    folder = tmp_path / "夢 の 家"
    record_segments(folder / "session", steps, run_metadata={"config": dump_config(config)})
    return Session(folder), steps
