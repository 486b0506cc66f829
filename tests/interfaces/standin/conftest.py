"""Fixtures for the tests of the stand-in."""

from collections.abc import Iterator

import pytest

from tests.interfaces.standin.live_standin import LiveStandin, live_standin


@pytest.fixture(scope="module")
def live() -> Iterator[LiveStandin]:
    with live_standin() as live:
        yield live
