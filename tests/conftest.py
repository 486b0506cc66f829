"""What several tests need: a tiny configuration, spaces, seeds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from configs.load import load_config
from configs.schema import Config
from tests import pulse as sound

ROOT = Path(__file__).parent.parent
# What takes longest, the longest first: begun last, it would leave the other core idle at the end.
LONG = (
    *("e2e/test_lockstep.py", "trainer/test_learning.py", "e2e/test_run.py", "e2e/test_rest.py"),
    *("e2e/test_sessions.py", "contracts/vrchat/test_client.py", "interfaces/test_calibrate.py"),
    *("trainer/test_world_models.py", "trainer/test_choir.py", "agent/test_replay.py"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--trials",
        type=int,
        default=1,
        help="how often each costly way to end a life is tried (tests/e2e/test_rest.py); above "
        "five, the others too",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {ROOT / "tests" / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path, len(LONG)))  # stable: the rest as they were


@pytest.fixture(autouse=True)
def _one_thread():
    """Two cores are shared with everything else, and results must repeat."""
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> Config:
    return load_config(ROOT / "configs" / "tiny.yaml")


@pytest.fixture
def awkward_path(tmp_path: Path) -> Path:
    """A folder as many of our people have it: spaces and Japanese."""
    path = tmp_path / "夢 の 家" / "run 1"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def pulse() -> Iterator[sound.Pulse]:
    with sound.running() as server:
        yield server
