"""Which client is driven: only one on the configured host, never a guess between two."""

import queue

import pytest

from configs.errors import BadInput
from configs.load import load_config
from interfaces.endpoints import choose_endpoints
from interfaces.oscquery import LOOPBACK, Advertiser, Node, OscQueryServer, host_info
from interfaces.oscquery_browser import Browser, Peer
from interfaces.vrchat.client import Receiver, choose_client, find_clients, read_avatar
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
