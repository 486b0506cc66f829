"""Doctor and calibrate move the avatar only beside a guard."""

import socket
import threading

import psutil
import pytest

from interfaces.runtime.guarded_client import GuardedClient, MovementStopped
from interfaces.vrchat.endpoints import Endpoints
from tests.conftest import ROOT


def test_movement_stops_without_the_guard(tiny):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        endpoints = Endpoints("127.0.0.1", client.getsockname()[1], 0, "none", "127.0.0.1")
        before = set(psutil.Process().children())
        made = GuardedClient(
            tiny, endpoints, ROOT / "main.py", threading.Event(), lambda datagram: None
        )
        (guard,) = set(psutil.Process().children()) - before
        with made:
            made.wait(0.1)
            guard.kill()
            with pytest.raises(MovementStopped, match="the guard ended or hangs"):
                made.wait(5.0)
