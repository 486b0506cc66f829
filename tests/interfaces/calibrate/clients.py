"""Clients for the calibration tests: their settings, and one whose OSC is off."""

import socket
from typing import NamedTuple

from tests.contracts.vrchat.client import free_port


class SilentClient(NamedTuple):
    """A client that sends no parameters and no picture."""

    send_port: int
    receive_port: int
    camera: str = "http://127.0.0.1:9/nothing.mjpg"


def silent_client(send_port=9):
    return SilentClient(send_port, free_port(socket.SOCK_DGRAM))


def settings_of(client):
    """The settings KEY=VALUE that connect Yume to a client without OSCQuery."""
    return (
        f"world.osc.send_port={client.send_port}",
        "world.osc.oscquery=false",
        f"world.osc.receive_port={client.receive_port}",
        f"world.camera.source={client.camera}",
    )
