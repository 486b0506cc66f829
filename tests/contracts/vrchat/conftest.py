"""One VRChat client for all contract tests, at rest before each test."""

from collections.abc import Iterator

import pytest

from tests.contracts.vrchat.client import REAL, PlainClient, real_client, running_standin


@pytest.fixture(scope="package")
def running_client() -> Iterator[PlainClient]:
    """The real client that YUME_VRCHAT names, or a stand-in without people in a large room."""
    with (
        running_standin("world.standin.people=0", "world.standin.size_m=40", "--no-oscquery")
        if REAL is None
        else real_client()
    ) as client:
        yield client


@pytest.fixture
def client(running_client: PlainClient) -> Iterator[PlainClient]:
    """The client with released inputs, respawned, and silent."""
    running_client.release_inputs()
    if REAL is None:
        running_client.request("/events", {"event": "respawn"})
    running_client.wait_for_silence()
    yield running_client
    running_client.release_inputs()
