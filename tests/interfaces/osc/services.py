"""OSCQuery nodes, HTTP requests and mDNS services for tests."""

import contextlib
import http.client
import json
import uuid

from zeroconf import ServiceInfo

from interfaces.osc.mdns import OSCJSON
from interfaces.osc.oscquery import Node, host_info

TIMEOUT_S = 10.0
NODES = [
    Node("/avatar/change", "s", 3, ("avtr_夢",)),
    Node("/avatar/parameters/MuteSelf", "F", 1, (False,), description="is the voice off"),
    Node("/avatar/parameters/FT/v2/JawOpen", "f", 3, (0.25,), range=((0.0, 1.0),)),
    Node("/avatar/parameters/FT", "i", 1, (2,)),
    Node("/input/Jump", "T", 2, (True,)),
    Node("/input/Vertical", "f", 3, (0.0,), range=((-1.0, 1.0),)),
    Node("/usercamera/Pose", "ffffff", 3, (0.0, float("nan"), float("inf"), 1.0, 2.0, 3.0)),
    Node("/avatar/parameters/なで", "f", 1, (1.0,)),
]
HOST_INFO = host_info("VRChat-Client-ABC123", 9000)


def unique_name():
    """A service name of this test only: other machines of the network may run the tests too."""
    return f"Yume-Test-{uuid.uuid4().hex[:12]}"


def make_service(name, port, addresses=("127.0.0.1",), **settings):
    """An OSCQuery service for plain zeroconf to register."""
    defaults = {"server": f"{name}.{OSCJSON}", "properties": {"txtvers": "1"}}
    return ServiceInfo(
        OSCJSON, f"{name}.{OSCJSON}", port, parsed_addresses=list(addresses), **defaults | settings
    )


def http_request(port, target, method="GET"):
    """Status, headers and body of one HTTP request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request(method, target)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def strict_json(body):
    """Parse JSON. NaN and Infinity are errors."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(body, parse_constant=refuse)


def bundle(*elements):
    """An OSC bundle of these messages and bundles."""
    return b"#bundle\0" + bytes(8) + b"".join(len(e).to_bytes(4, "big") + e for e in elements)
