"""Fixtures for all tests, and the order in which the tests run."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from configs.load import load_config
from configs.schema import Config
from tests import pulse as sound

ROOT = Path(__file__).parent.parent
# Tests read the output of the processes that they start as UTF-8, also on Windows.
os.environ["PYTHONIOENCODING"] = "utf-8"
# Tests and the processes that they start never write to the folder of the user.
os.environ["YUME_STATE"] = tempfile.mkdtemp(prefix="yume-state-")
atexit.register(shutil.rmtree, os.environ["YUME_STATE"], ignore_errors=True)
# The slowest test files, the slowest first: a slow file at the end would leave other cores idle.
# They and all tests with real processes are left out of `-m quick`.
SLOW = (
    *("trainer/learners/test_learning.py", "e2e/test_run.py", "e2e/test_rest.py"),
    *("e2e/test_plugins.py", "e2e/test_plugin_worlds.py", "e2e/test_lockstep.py"),
    *("e2e/test_sessions.py", "interfaces/calibrate/test_measure.py"),
    *("contracts/vrchat/test_inputs.py", "contracts/vrchat/test_parameters.py"),
    *("trainer/running/test_learning_report.py", "interfaces/session/test_recorder.py"),
    *("agent/replay/test_verify_run.py", "golden/test_old_recording.py"),
    *("trainer/learners/test_world_models.py", "interfaces/osc/test_oscquery_browser.py"),
    *("interfaces/session/maintain/test_recover.py", "e2e/test_gymnasium.py"),
    *("contracts/vrchat/test_discovery.py", "interfaces/calibrate/test_calibration.py"),
    *("interfaces/runtime/test_guard.py", "interfaces/vrchat/test_client_finder.py"),
    *("trainer/running/test_metrics_sink.py", "trainer/running/test_offline.py"),
    "trainer/learners/test_ppo.py",
    *("trainer/running/test_vector_body.py", "test_install_lines.py"),
    *("contracts/vrchat/test_camera_chat_menu.py", "interfaces/osc/test_mdns.py"),
    *("contracts/vrchat/test_osc_programs.py", "interfaces/standin/test_gymnasium_env.py"),
    *("trainer/objectives/test_cloning_loss.py", "interfaces/journal/test_writer.py"),
    *("golden/test_step_versions.py", "e2e/test_plugins.py", "e2e/test_plugin_worlds.py"),
    *("interfaces/standin/test_room_changes.py", "trainer/learners/test_transfer.py"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--trials",
        type=int,
        default=1,
        help="trials of each slow way to end a run (tests/e2e/test_rest.py); above five, also of "
        "the other ways",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {ROOT / "tests" / name: place for place, name in enumerate(SLOW)}
    items.sort(key=lambda item: rank.get(item.path, len(SLOW)))  # a stable sort
    for item in items:
        if item.path not in rank and item.get_closest_marker("e2e") is None:
            item.add_marker(pytest.mark.quick)


@pytest.fixture(autouse=True)
def _one_thread():
    """One torch thread: the cores are shared, and results must be reproducible."""
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> Config:
    """The configuration of the preset tiny."""
    return load_config(ROOT / "configs" / "tiny.yaml")


@pytest.fixture
def awkward_path(tmp_path: Path) -> Path:
    """A folder with spaces and Japanese characters in its path, as many users have."""
    path = tmp_path / "夢 の 家" / "run 1"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def pulse() -> Iterator[sound.Pulse]:
    """A running PulseAudio server."""
    with sound.running() as server:
        yield server
