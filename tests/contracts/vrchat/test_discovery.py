"""OSCQuery of a VRChat client, for a plain zeroconf browser and a plain HTTP client."""

import json
import re
import socket
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pythonosc.osc_packet import OscPacket
from zeroconf import ServiceBrowser, ServiceInfo, Zeroconf

from tests.contracts.vrchat.client import REAL, PlainClient, running_standin

pytestmark = pytest.mark.skipif(REAL is not None, reason="starts its own stand-in")
DISCOVERY_S = 15.0


class ClientBrowser:
    """Collects the VRChat clients that mDNS advertises."""

    def __init__(self, mdns: Zeroconf, kind: str) -> None:
        self.services: dict[str, ServiceInfo] = {}
        self.changed = threading.Condition()
        self._browser = ServiceBrowser(mdns, kind, self)

    def add_service(self, mdns: Zeroconf, kind: str, name: str) -> None:
        info = mdns.get_service_info(kind, name)
        if info is not None and name.startswith("VRChat-Client-"):
            with self.changed:
                self.services[name] = info
                self.changed.notify_all()

    def update_service(self, mdns: Zeroconf, kind: str, name: str) -> None:
        self.add_service(mdns, kind, name)

    def remove_service(self, mdns: Zeroconf, kind: str, name: str) -> None:
        with self.changed:
            self.services.pop(name, None)
            self.changed.notify_all()

    def wait_for(self, wanted) -> ServiceInfo:
        with self.changed:
            assert self.changed.wait_for(
                lambda: any(map(wanted, self.services.values())), DISCOVERY_S
            )
            return next(info for info in self.services.values() if wanted(info))


@pytest.fixture(scope="module")
def mdns():
    with Zeroconf(interfaces=["127.0.0.1"]) as mdns:
        yield mdns


@pytest.fixture(scope="module")
def client():
    with running_standin("world.standin.people=0") as client:
        yield client


@pytest.fixture(scope="module")
def port(client, mdns):
    """The OSCQuery port of the client with our OSC port; there may be other clients."""
    osc = ClientBrowser(mdns, "_osc._udp.local.").wait_for(
        lambda info: info.port == client.send_port
    )
    name = osc.name.partition(".")[0]
    http = ClientBrowser(mdns, "_oscjson._tcp.local.").wait_for(
        lambda info: info.name.startswith(name + ".")
    )
    assert re.fullmatch(r"VRChat-Client-[A-Z0-9]{6}", name)
    return http.port


def get(port: int, path: str):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        return json.load(answer)


def test_host_info_has_name_address_and_extensions(client: PlainClient, port: int):
    info = get(port, "/?HOST_INFO")
    assert info["OSC_PORT"] == client.send_port
    assert info["OSC_IP"] == "127.0.0.1"
    assert info["OSC_TRANSPORT"] == "UDP"
    assert info["NAME"].startswith("VRChat-Client-")
    assert info["EXTENSIONS"]["VALUE"] is True


@pytest.mark.parametrize(
    ("path", "kind", "access"),
    [
        ("/input/Vertical", "f", 2),
        ("/input/Jump", "T", 2),
        ("/avatar/parameters/Grounded", "T", 1),
        ("/avatar/parameters/VelocityZ", "f", 1),
        ("/avatar/parameters/TrackingType", "i", 1),
        ("/avatar/parameters/VRCEmote", "i", 3),
        ("/avatar/parameters/HeadPat_Prox", "f", 1),
        ("/avatar/change", "s", 3),
        ("/chatbox/input", "sTT", 2),
        ("/chatbox/typing", "T", 2),
        ("/usercamera/Pose", "ffffff", 3),
        ("/usercamera/Mode", "i", 3),
        ("/usercamera/OrientationIsLandscape", "T", 3),
        ("/usercamera/Exposure", "f", 3),
        ("/usercamera/Capture", "T", 2),
    ],
)
def test_a_node_has_type_and_access(port: int, path: str, kind: str, access: int):
    node = get(port, path)
    assert (node["FULL_PATH"], node["TYPE"], node["ACCESS"]) == (path, kind, access)
    assert len(node["VALUE"]) == len(kind), "also for what can only be written"


def test_the_tree_does_not_tell_the_inputs(client: PlainClient, port: int):
    client.send("/input/Vertical", 0.6)
    mark = len(client.log)
    client.wait_for("VelocityZ", lambda value: value > 0.5, after=mark)
    assert get(port, "/input/Vertical")["VALUE"] == [0.0]
    client.send("/input/Vertical", 0.0)


def test_a_node_has_the_current_value(client: PlainClient, port: int):
    """So a receiver that starts late can get the values, which are not sent again."""
    assert get(port, "/avatar/parameters/Grounded")["VALUE"] == [True]
    mark = len(client.log)
    client.send("/avatar/parameters/VRCEmote", 7)
    client.wait_for("VRCEmote", lambda value: value == 7, after=mark)
    assert get(port, "/avatar/parameters/VRCEmote?VALUE")["VALUE"] == [7]


def test_the_root_has_the_whole_tree(port: int):
    tree = get(port, "/")
    assert {"avatar", "input", "chatbox", "usercamera"} <= set(tree["CONTENTS"])
    parameters = tree["CONTENTS"]["avatar"]["CONTENTS"]["parameters"]["CONTENTS"]
    assert len(parameters) > 30


def test_an_unknown_address_is_404(port: int):
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        get(port, "/avatar/parameters/Nothing")
    caught.value.close()


def test_a_receiver_that_advertises_avatar_gets_the_parameters(client: PlainClient, mdns: Zeroconf):
    """In addition to the fixed port, which still gets them."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.settimeout(DISCOVERY_S)
    server = receiver(udp.getsockname()[1])
    info = ServiceInfo(
        "_oscjson._tcp.local.",
        f"Contract-{udp.getsockname()[1]}._oscjson._tcp.local.",
        server.server_address[1],
        parsed_addresses=["127.0.0.1"],
    )
    mdns.register_service(info)
    try:
        stopped = threading.Event()

        def change_a_parameter() -> None:
            for number in range(10_000):
                if stopped.wait(0.2):
                    return
                client.send("/avatar/parameters/VRCEmote", number)

        thread = threading.Thread(target=change_a_parameter)
        thread.start()
        try:
            datagram = udp.recv(65536)
        finally:
            stopped.set()
            thread.join()
        first = OscPacket(datagram).messages[0].message
        assert first.address.startswith("/avatar/")
        mark = len(client.log)
        client.send("/avatar/parameters/VRCEmote", 200)
        client.wait_for("VRCEmote", lambda value: value == 200, after=mark)
    finally:
        mdns.unregister_service(info)
        server.shutdown()
        server.server_close()
        udp.close()


def test_the_fault_advertised_port_advertises_a_wrong_port(mdns: Zeroconf):
    """A bug of VRChat: with --osc changed, OSCQuery still reports 9000."""
    with running_standin("--fault", "advertised_port=9000") as client:
        info = ClientBrowser(mdns, "_osc._udp.local.").wait_for(lambda info: info.port == 9000)
        assert client.send_port != 9000
        name = info.name.partition(".")[0]
        http = ClientBrowser(mdns, "_oscjson._tcp.local.").wait_for(
            lambda info: info.name.startswith(name + ".")
        )
        assert get(http.port, "/?HOST_INFO")["OSC_PORT"] == 9000


def receiver(osc_port: int) -> ThreadingHTTPServer:
    """A minimal receiver: the two answers that VRChat requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            avatar = {"FULL_PATH": "/avatar", "ACCESS": 0}
            content = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {"avatar": avatar}}
            if "HOST_INFO" in self.path:
                content = {"OSC_PORT": osc_port}
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return server
