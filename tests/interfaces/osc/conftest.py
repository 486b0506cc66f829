"""Fixtures of the OSC tests: a running OSCQuery server, and plain mDNS."""

import pytest
from zeroconf import Zeroconf

from interfaces.osc.oscquery_server import OscQueryServer
from tests.interfaces.osc.services import HOST_INFO, NODES


@pytest.fixture(scope="module")
def server():
    server = OscQueryServer(lambda: NODES, lambda: HOST_INFO)
    server.start()
    yield server
    server.close()


@pytest.fixture
def mdns():
    """Plain zeroconf on loopback, as another program would use it."""
    with Zeroconf(interfaces=["127.0.0.1"]) as plain:
        yield plain
