"""The client finder controls one client on the configured host, and never guesses between two."""

import queue
import sys

import pytest
from zeroconf import Zeroconf

from configs.errors import BadInput
from configs.load import load_config
from interfaces.osc.mdns import LOOPBACK, Advertiser
from interfaces.osc.oscquery import Node, host_info
from interfaces.osc.oscquery_browser import Browser, Peer
from interfaces.osc.oscquery_server import OscQueryServer
from interfaces.vrchat.client_finder import (
    ReceiverAdvertiser,
    choose_client,
    find_clients,
    read_avatar,
)
from interfaces.vrchat.endpoints import choose_endpoints
from tests.conftest import ROOT
from tests.interfaces.osc.services import make_service
from tests.polling import wait_until


def peer(name: str, host: str = "127.0.0.1", osc_port: int = 9000) -> Peer:
    return Peer(name, host, 54321, host, osc_port, frozenset({"avatar"}))


FIRST, SECOND = peer("VRChat-Client-AAAAAA"), peer("VRChat-Client-BBBBBB")
REMOTE = peer("VRChat-Client-CCCCCC", "192.0.2.7")


def test_only_a_client_on_the_configured_host_is_chosen():
    assert choose_client([FIRST, REMOTE], "127.0.0.1", None) is FIRST
    assert choose_client([REMOTE], "127.0.0.1", None) is None
    assert choose_client([FIRST, REMOTE], "192.0.2.7", None) is REMOTE
    assert choose_client([], "127.0.0.1", None) is None


def test_two_clients_without_a_choice_are_refused():
    with pytest.raises(BadInput, match=r"2 VRChat clients.*world.osc.client.*AAAAAA.*BBBBBB"):
        choose_client([FIRST, SECOND], "127.0.0.1", None)
    assert choose_client([FIRST, SECOND], "127.0.0.1", SECOND.name) is SECOND


def test_chosen_client_that_is_missing_is_named():
    with pytest.raises(BadInput, match=r"CCCCCC: not found on 127.0.0.1.*AAAAAA"):
        choose_client([FIRST, REMOTE], "127.0.0.1", REMOTE.name)
    with pytest.raises(BadInput, match="is OSC enabled"):
        choose_client([], "127.0.0.1", FIRST.name)


@pytest.fixture
def mdns():
    """Plain zeroconf on loopback, as another program would use it."""
    with Zeroconf(interfaces=["127.0.0.1"]) as plain:
        yield plain


@pytest.fixture
def client():
    """(name, HTTP port) of an OSCQuery server that looks like VRChat."""
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


def test_avatar_has_the_values_that_the_client_reports(client):
    avatar = read_avatar("127.0.0.1", client[1])
    assert avatar.id == "avtr_1"
    assert avatar.values == {"Mood": 0.25, "Contact/Pat": True}
    assert avatar.writable == {"Mood"}


def test_strangers_names_for_a_client_do_not_block_it_or_delay_the_search(client, mdns):
    name, port = client
    elsewhere = make_service("VRChat-Client-FAR000", port, ["192.0.2.7"])
    for service in (make_service("VRChat-Client-AAAAAA", port), elsewhere):
        mdns.register_service(service, cooperating_responders=True)
    peers: dict[str, Peer] = {}
    browser = Browser(lambda peer: peers.update({peer.name: peer}), print)
    wanted = {name, "VRChat-Client-AAAAAA", "VRChat-Client-FAR000"}
    wait_until(lambda: wanted <= peers.keys())
    browser.close()
    here = [peers[each] for each in sorted(wanted)]
    chosen = choose_client(here, "127.0.0.1", None)
    assert chosen is not None
    assert chosen.name == name
    assert choose_client([peers["VRChat-Client-FAR000"]], "192.0.2.7", None) is None, "not asked"
    assert [peer.name for peer in find_clients(LOOPBACK, name=name) if peer.name == name]


def test_endpoints_are_those_of_the_client_found_on_the_network(client):
    clients = {peer.name: peer for peer in find_clients(LOOPBACK, wait_s=15)}
    assert clients[client[0]].osc_port == 19000
    words = ["world.camera.source=0", "world.osc.interfaces=[127.0.0.1]", "world.osc.oscquery=true"]
    words += ["world.osc.send_port=0", "world.osc.receive_port=0", f"world.osc.client={client[0]}"]
    endpoints = choose_endpoints(load_config(ROOT / "configs" / "vrchat.yaml", words).world)
    assert (endpoints.osc_send_port, endpoints.query_port) == (19000, client[1])
    assert endpoints.advertised
    assert endpoints.osc_receive_port not in (0, 9001), "a free port, which the client learns"
    words.append("world.osc.send_port=9000")
    configured = choose_endpoints(load_config(ROOT / "configs" / "vrchat.yaml", words).world)
    assert configured.osc_send_port == 9000
    assert "19000" in configured.notice, "the client advertises another port than configured"


def next_peer_named(peers, name):
    """The next peer of this name; others may be on the network too."""
    while (peer := peers.get(timeout=20)).name != name:
        pass
    return peer


def test_receiver_is_advertised_as_wanting_avatar_parameters():
    peers: queue.Queue[Peer] = queue.Queue()
    receiver = ReceiverAdvertiser(19001, LOOPBACK)
    browser = Browser(peers.put, lambda name: None)
    try:
        peer = next_peer_named(peers, receiver.name)
        assert "avatar" in peer.paths
        assert peer.osc_port == 19001
    finally:
        browser.close()
        receiver.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_receiver_advertises_the_address_that_the_client_can_reach():
    peers: queue.Queue[Peer] = queue.Queue()
    receiver = ReceiverAdvertiser(19002, LOOPBACK, "127.0.0.2")
    browser = Browser(peers.put, lambda name: None, loopback_only=False)
    try:
        peer = next_peer_named(peers, receiver.name)
        assert (peer.host, peer.osc_host, peer.osc_port) == ("127.0.0.2", "127.0.0.2", 19002)
    finally:
        browser.close()
        receiver.close()
