"""Configurations, ports and clients for the tests of the doctor."""

import contextlib
import socket

from configs.load import load_config
from interfaces.osc.oscquery_browser import Peer
from tests.conftest import ROOT

# Without OSCQuery, at VRChat's usual ports.
FIXED_PORTS = (
    "world.osc.oscquery=false",
    "world.osc.send_port=9000",
    "world.osc.receive_port=9001",
)
# Ports that OSCQuery is asked for.
NO_PORTS = ("world.osc.send_port=0", "world.osc.receive_port=0")


def vrchat_config(*overrides):
    return load_config(ROOT / "configs" / "vrchat.yaml", (*FIXED_PORTS, *overrides))


def vrchat_world(*overrides):
    return vrchat_config(*overrides).world


def levels(findings) -> dict[str, str]:
    """The level of each finding by its name."""
    return {each.name: each.level for each in findings}


@contextlib.contextmanager
def used_port():
    """A UDP port on which this process listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


def free_port() -> int:
    with used_port() as port:
        return port


def make_client(name, host="127.0.0.1", osc_port=9000) -> Peer:
    """A client as OSCQuery finds it."""
    return Peer(f"VRChat-Client-{name}", host, 4242, host, osc_port, frozenset({"avatar"}))
