"""A peer from two JSON answers: where its OSC goes, and which answers are refused."""

import pytest

from interfaces.osc.oscquery_browser import peer_from


@pytest.mark.parametrize(
    ("host_info_answer", "root"),
    [
        (None, {}),
        ({}, None),
        ([], {}),
        ({"OSC_PORT": 0}, {}),
        ({"OSC_PORT": 65536}, {}),
        ({"OSC_PORT": -1}, {}),
        ({"OSC_PORT": 9000.0}, {}),
        ({"OSC_PORT": None}, {}),
        ({"OSC_PORT": 9000, "OSC_TRANSPORT": "TCP"}, {}),
        ({"OSC_PORT": 9000}, {"CONTENTS": ["avatar"]}),
        ({"OSC_PORT": 9000}, {"CONTENTS": "avatar"}),
        ({"OSC_PORT": 9000}, {"CONTENTS": {"avatar": None}}),
        ({"OSC_PORT": 9000, "OSC_IP": "example.org"}, {}),
        ({"OSC_PORT": 9000, "OSC_IP": 5.5}, {}),
    ],
)
def test_invalid_answer_is_refused(host_info_answer, root):
    with pytest.raises(ValueError, match=r".+"):
        peer_from("x", "10.0.0.7", 80, host_info_answer, root, loopback_only=False)


@pytest.mark.parametrize(
    ("host_info_answer", "loopback_only", "osc_address"),
    [
        ({"OSC_PORT": 9000, "OSC_IP": "10.0.0.9"}, True, ("127.0.0.1", 9000)),
        ({"OSC_PORT": 9000, "OSC_IP": "10.0.0.9"}, False, ("10.0.0.9", 9000)),
        ({"OSC_PORT": 9000, "OSC_IP": "0.0.0.0"}, False, ("10.0.0.7", 9000)),
        ({"OSC_PORT": 9000}, False, ("10.0.0.7", 9000)),
        ({}, True, ("127.0.0.1", 80)),
    ],
)
def test_osc_address_of_a_peer(host_info_answer, loopback_only, osc_address):
    peer = peer_from("x", "10.0.0.7", 80, host_info_answer, {"CONTENTS": None}, loopback_only)
    assert (peer.osc_host, peer.osc_port) == osc_address
    assert peer.paths == frozenset()
