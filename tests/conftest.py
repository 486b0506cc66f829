"""What several tests need: a tiny configuration, spaces, seeds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from configs.load import load_config
from configs.schema import Config
from tests import pulse as sound

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--trials",
        type=int,
        default=1,
        help="how often each costly way to end a life is tried (tests/e2e/test_rest.py)",
    )


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
