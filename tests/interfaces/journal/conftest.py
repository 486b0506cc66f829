"""What tests of the journal share."""

import pytest
from loguru import logger


@pytest.fixture
def messages():
    """The log lines of the test."""
    lines = []
    handler = logger.add(lambda line: lines.append(str(line)), format="{message}")
    yield lines
    logger.remove(handler)
