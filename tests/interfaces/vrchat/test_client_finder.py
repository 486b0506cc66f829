"""Which client is driven: only one on the configured host, never a guess between two."""

import os
import queue
import socket
import sys

import pytest

from configs.errors import BadInput
from configs.load import load_config
from interfaces.osc.oscquery import LOOPBACK, Advertiser, Node, OscQueryServer, host_info
from interfaces.osc.oscquery_browser import Browser, Peer
from interfaces.osc.ports import PortTaken, own_address
from interfaces.vrchat import endpoints as endpoints_module
from interfaces.vrchat.client_finder import Receiver, choose_client, find_clients, read_avatar
from interfaces.vrchat.endpoints import choose_endpoints
from tests.conftest import ROOT


def peer(name: str, host: str = "127.0.0.1", osc_port: int = 9000) -> Peer:
    return Peer(name, host, 54321, host, osc_port, frozenset({"avatar"}))


ONE, TWO = peer("VRChat-Client-AAAAAA"), peer("VRChat-Client-BBBBBB")
ELSEWHERE = peer("VRChat-Client-CCCCCC", "192.0.2.7")


def test_only_the_configured_hosts_client_is_driven():
    assert choose_client([ONE, ELSEWHERE], "127.0.0.1", None) is ONE
    assert choose_client([ELSEWHERE], "127.0.0.1", None) is None
    assert choose_client([ONE, ELSEWHERE], "192.0.2.7", None) is ELSEWHERE
    assert choose_client([], "127.0.0.1", None) is None


def test_between_two_nothing_is_guessed():
    with pytest.raises(BadInput, match=r"2 VRChat clients.*world.osc.client.*AAAAAA.*BBBBBB"):
        choose_client([ONE, TWO], "127.0.0.1", None)
    assert choose_client([ONE, TWO], "127.0.0.1", TWO.name) is TWO


def test_a_chosen_client_that_is_not_there_is_named():
    with pytest.raises(BadInput, match=r"CCCCCC: not found on 127.0.0.1.*AAAAAA"):
        choose_client([ONE, ELSEWHERE], "127.0.0.1", ELSEWHERE.name)
    with pytest.raises(BadInput, match="is OSC enabled"):
        choose_client([], "127.0.0.1", ONE.name)


@pytest.fixture
def client():
    """Something that looks like VRChat to OSCQuery."""
    nodes = [
        Node("/avatar/change", "s", 3, ("avtr_1",)),
        Node("/avatar/parameters/Mood", "f", 3, (0.25,)),
        Node("/avatar/parameters/Contact/Pat", "T", 1, (True,)),
        Node("/input/Jump", "T", 2),
    ]
    name = "VRChat-Client-TEST00"
    server = OscQueryServer(lambda: nodes, lambda: host_info(name, 19000))
    server.start()
    advertiser = Advertiser(name, server.port, 19000)
    yield name, server.port
    advertiser.close()
    server.close()


def test_what_the_client_says_it_is_now(client):
    avatar = read_avatar("127.0.0.1", client[1])
    assert avatar.id == "avtr_1"
    assert avatar.values == {"Mood": 0.25, "Contact/Pat": True}
    assert avatar.writable == {"Mood"}


def test_found_on_the_network_and_taken_at_its_word(client):
    found = {peer.name: peer for peer in find_clients(LOOPBACK, look_s=15)}
    assert found[client[0]].osc_port == 19000
    words = ["world.camera.source=0", "world.osc.interfaces=[127.0.0.1]", "world.osc.oscquery=true"]
    words += ["world.osc.send_port=0", "world.osc.receive_port=0", f"world.osc.client={client[0]}"]
    endpoints = choose_endpoints(load_config(ROOT / "configs" / "vrchat.yaml", words).world)
    assert (endpoints.osc_send_port, endpoints.query_port) == (19000, client[1])
    assert endpoints.advertised
    assert endpoints.osc_receive_port not in (0, 9001), "a free one, told to the client"
    both = choose_endpoints(
        load_config(ROOT / "configs" / "vrchat.yaml", [*words, "world.osc.send_port=9000"]).world
    )
    assert both.osc_send_port == 9000
    assert "19000" in both.notice, "it advertises another one than configured"


def test_a_receiver_is_found_by_who_looks_for_avatars():

    met: queue.Queue[Peer] = queue.Queue()
    receiver = Receiver(19001, LOOPBACK)
    browser = Browser(met.put, lambda name: None)
    try:
        while (peer := met.get(timeout=20)).name != receiver.name:
            pass
        assert "avatar" in peer.paths
        assert peer.osc_port == 19001
    finally:
        browser.close()
        receiver.close()


# Without OSCQuery, and elsewhere


def endpoints_of(*words):
    words = ("world.camera.source=0", "world.osc.oscquery=false", *words)
    return choose_endpoints(load_config(ROOT / "configs" / "vrchat.yaml", words).world)


@pytest.fixture
def usual_out(monkeypatch):
    """A port that plays 9001, which somebody may have here."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(endpoints_module, "USUAL_OUT", port)
    return port


def test_without_oscquery_it_uses_vrchats_own_ports(usual_out):
    found = endpoints_of()
    assert (found.osc_send_port, found.osc_receive_port) == (9000, usual_out)
    assert (found.osc_receive_host, found.advertised, found.notice) == ("127.0.0.1", False, "")
    assert endpoints_of("world.osc.send_port=9005").osc_send_port == 9005


def test_a_taken_port_says_by_whom(usual_out):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", usual_out))
        with pytest.raises(PortTaken, match=rf"{usual_out} is taken by .*\(pid {os.getpid()}\)"):
            endpoints_of()


@pytest.fixture
def elsewhere():
    """An address that is not of this machine, and ours by which it reaches us."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.7", 9))  # TEST-NET-2: nobody's; nothing is sent
        except OSError:
            pytest.skip("this machine has no network")
        return "198.51.100.7", probe.getsockname()[0]


def test_a_client_elsewhere_is_heard_at_the_address_by_which_it_reaches_us(elsewhere, usual_out):
    host, ours = elsewhere
    assert own_address(host) == ours
    found = endpoints_of(f"world.osc.host={host}")
    assert found.osc_receive_host == ours
    assert f"--osc=9000:{ours}:{usual_out}" in found.notice
    standin = load_config(ROOT / "configs" / "default.yaml", [f"world.osc.host={host}"]).world
    assert choose_endpoints(standin).osc_receive_host == "127.0.0.1"


def test_this_machine_is_heard_on_loopback_by_whatever_address_it_is_called(elsewhere):
    for host in ("127.0.0.1", "127.0.0.2", elsewhere[1]):
        assert own_address(host) == "127.0.0.1"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_a_receiver_advertises_the_address_it_is_reached_at():
    met: queue.Queue[Peer] = queue.Queue()
    receiver = Receiver(19002, LOOPBACK, "127.0.0.2")
    browser = Browser(met.put, lambda name: None, loopback_only=False)
    try:
        while (peer := met.get(timeout=20)).name != receiver.name:
            pass
        assert (peer.host, peer.osc_host, peer.osc_port) == ("127.0.0.2", "127.0.0.2", 19002)
    finally:
        browser.close()
        receiver.close()
