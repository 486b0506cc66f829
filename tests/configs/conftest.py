"""Fixtures of the tests of configs/: an empty file, and the lines of the log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from tests.configs.files import write


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A configuration file without settings."""
    return write(tmp_path, "", "empty.yaml")


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """The warnings that are logged during the test."""
    lines: list[str] = []
    sink = logger.add(
        lambda message: lines.append(str(message)), level="WARNING", format="{message}"
    )
    yield lines
    logger.remove(sink)
