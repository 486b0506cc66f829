"""Endpoints without OSCQuery, and for a client on another machine."""

import os
import socket

import pytest

from configs.load import load_config
from interfaces.osc.ports import PortTaken, own_address
from interfaces.vrchat import endpoints as endpoints_module
from interfaces.vrchat.endpoints import choose_endpoints
from tests.conftest import ROOT


def endpoints_of(*words):
    words = ("world.camera.source=0", "world.osc.oscquery=false", *words)
    return choose_endpoints(load_config(ROOT / "configs" / "vrchat.yaml", words).world)


@pytest.fixture
def default_out_port(monkeypatch):
    """A free port in place of 9001, which another program may use on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(endpoints_module, "VRCHAT_OUT_PORT", port)
    return port


def test_without_oscquery_vrchats_default_ports_are_used(default_out_port):
    endpoints = endpoints_of()
    assert (endpoints.osc_send_port, endpoints.osc_receive_port) == (9000, default_out_port)
    assert endpoints.osc_receive_host == "127.0.0.1"
    assert (endpoints.advertised, endpoints.notice) == (False, "")
    assert endpoints_of("world.osc.send_port=9005").osc_send_port == 9005


def test_port_in_use_is_refused_with_the_program_that_uses_it(default_out_port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", default_out_port))
        owner = rf"{default_out_port} is taken by .*\(pid {os.getpid()}\)"
        with pytest.raises(PortTaken, match=owner):
            endpoints_of()


@pytest.fixture
def remote():
    """(an address on no machine, the address of this machine on the route to it)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.7", 9))  # TEST-NET-2 of RFC 5737; nothing is sent
        except OSError:
            pytest.skip("this machine has no network")
        return "198.51.100.7", probe.getsockname()[0]


def test_client_on_another_machine_sends_to_the_address_it_can_reach(remote, default_out_port):
    host, own = remote
    assert own_address(host) == own
    endpoints = endpoints_of(f"world.osc.host={host}")
    assert endpoints.osc_receive_host == own
    assert f"--osc=9000:{own}:{default_out_port}" in endpoints.notice
    standin = load_config(ROOT / "configs" / "default.yaml", [f"world.osc.host={host}"]).world
    assert choose_endpoints(standin).osc_receive_host == "127.0.0.1"


def test_client_on_this_machine_sends_to_loopback_by_whatever_address(remote):
    for host in ("127.0.0.1", "127.0.0.2", remote[1]):
        assert own_address(host) == "127.0.0.1"
