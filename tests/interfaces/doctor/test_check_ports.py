"""The ports that a run would use are checked, and the programs on them are named."""

import os
import socket
import threading

import pytest

from configs.load import load_config
from interfaces.doctor.check_ports import port_findings
from interfaces.osc.message import encode
from tests.conftest import ROOT
from tests.interfaces.doctor.settings import (
    NO_PORTS,
    free_port,
    levels,
    make_client,
    used_port,
    vrchat_world,
)
from tests.polling import wait_until


def test_a_used_port_is_reported_with_its_program():
    with used_port() as port:
        findings = port_findings(
            vrchat_world(f"world.osc.receive_port={port}", f"world.osc.send_port={port}"), 0.1
        )
    assert levels(findings) == {"send port": "warning", "receive port": "problem"}
    assert all(f"(pid {os.getpid()})" in each.text for each in findings)


def test_without_a_listener_missing_messages_are_not_reported_too():
    findings = port_findings(vrchat_world(f"world.osc.send_port={free_port()}"), 0.1)
    assert findings[0].level == "problem"
    assert "OSC > Enabled" in findings[0].remedy
    assert findings[1].level in ("ok", "problem")  # another program may use 9001 here


@pytest.fixture
def default_ports(monkeypatch):
    """Free ports in place of 9000 and 9001, which another program may use here."""
    send, receive = free_port(), free_port()
    monkeypatch.setattr("interfaces.doctor.check_ports.VRCHAT_IN_PORT", send)
    monkeypatch.setattr("interfaces.doctor.check_ports.VRCHAT_OUT_PORT", receive)
    return send, receive


def test_without_an_oscquery_client_the_default_ports_are_checked(default_ports):
    send, receive = default_ports
    world = vrchat_world("world.osc.oscquery=true", *NO_PORTS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", receive))
        without_client = port_findings(world, 0.1)
        with_client = port_findings(world, 0.1, lambda: [make_client("AAAAAA")])
        oscquery_off = port_findings(
            vrchat_world(*NO_PORTS), 0.1, lambda: pytest.fail("OSCQuery is off")
        )
    assert levels(without_client) == {"send port": "problem", "receive port": "problem"}
    assert f"no program listens on {send}" in without_client[0].text
    assert f"{receive} is used by" in without_client[1].text
    assert f"(pid {os.getpid()})" in without_client[1].text
    assert "OSCQuery finds no client" in without_client[1].text
    assert levels(with_client) == {"send port": "ok", "receive port": "ok"}
    assert levels(oscquery_off) == levels(without_client)
    assert "OSCQuery finds no client" not in oscquery_off[1].text
    assert levels(port_findings(world, 0.1))["receive port"] == "ok", "free again"


def test_an_unknown_host_is_a_problem():
    world = vrchat_world("world.osc.host=nowhere.invalid")
    assert levels(port_findings(world)) == {"ports": "problem"}


def test_arriving_messages_are_reported_by_address():
    stop, port = threading.Event(), free_port()

    def send_messages():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stop.wait(0.01):
                sender.sendto(encode("/avatar/parameters/HeadPat", True), ("127.0.0.1", port))
                sender.sendto(b"no OSC", ("127.0.0.1", port))

    sending = threading.Thread(target=send_messages)
    sending.start()
    try:
        with used_port() as client:
            world = vrchat_world(f"world.osc.send_port={client}", f"world.osc.receive_port={port}")

            def heard() -> bool:
                finding = port_findings(world, 0.1)[1]
                return finding.level == "ok" and "/avatar/parameters/HeadPat" in finding.text

            wait_until(heard, "the address of the messages")
    finally:
        stop.set()
        sending.join()


def test_the_stand_in_needs_free_ports():
    with used_port() as port:
        config = load_config(ROOT / "configs" / "default.yaml", [f"world.osc.send_port={port}"])
        findings = port_findings(config.world)
    assert levels(findings) == {"send port": "problem", "receive port": "ok"}
