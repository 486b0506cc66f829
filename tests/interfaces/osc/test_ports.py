"""Addresses and owners of ports that the system does not tell are unknown, and no error."""

import psutil
import pytest

from interfaces.osc.ports import LOOPBACK, own_addresses, port_owners, same_host


def test_this_machine_has_loopback():
    assert LOOPBACK in own_addresses()
    assert same_host(LOOPBACK, "127.0.1.1")


@pytest.mark.parametrize("error", [OSError(22, "Invalid parameter"), RuntimeError("failed")])
def test_refused_questions_are_answered_with_what_is_known(monkeypatch, error):
    """As on Windows without the service that knows the network."""

    def refuse(*_):
        raise error

    monkeypatch.setattr(psutil, "net_if_addrs", refuse)
    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert own_addresses() == [LOOPBACK]
    assert same_host(LOOPBACK, "127.0.0.1")
    assert not same_host(LOOPBACK, "192.0.2.1")
    assert port_owners(9001) is None
