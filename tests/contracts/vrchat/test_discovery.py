"""OSCQuery as VRChat has it, seen by a plain zeroconf browser and a plain HTTP client."""

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

from tests.contracts.vrchat.client import REAL, Client, standin

pytestmark = pytest.mark.skipif(REAL is not None, reason="starts a stand-in of its own")
FOUND_S = 15.0


class Finder:
    """Collects the VRChat clients that mDNS knows."""

    def __init__(self, mdns: Zeroconf, kind: str) -> None:
        self.found: dict[str, ServiceInfo] = {}
        self.changed = threading.Condition()
        self._browser = ServiceBrowser(mdns, kind, self)

    def add_service(self, mdns: Zeroconf, kind: str, name: str) -> None:
        info = mdns.get_service_info(kind, name)
        if info is not None and name.startswith("VRChat-Client-"):
            with self.changed:
                self.found[name] = info
                self.changed.notify_all()

    def update_service(self, mdns: Zeroconf, kind: str, name: str) -> None:
        self.add_service(mdns, kind, name)

    def remove_service(self, mdns: Zeroconf, kind: str, name: str) -> None:
        with self.changed:
            self.found.pop(name, None)
            self.changed.notify_all()

    def wait(self, wanted) -> ServiceInfo:
        with self.changed:
            assert self.changed.wait_for(lambda: any(map(wanted, self.found.values())), FOUND_S)
            return next(info for info in self.found.values() if wanted(info))


@pytest.fixture(scope="module")
def mdns():
    with Zeroconf(interfaces=["127.0.0.1"]) as mdns:
        yield mdns


@pytest.fixture(scope="module")
def client():
    with standin("world.standin.people=0") as client:
        yield client


@pytest.fixture(scope="module")
def port(client, mdns):
    """Where its OSCQuery is. Only the one whose OSC port is ours: others may live nearby."""
    osc = Finder(mdns, "_osc._udp.local.").wait(lambda info: info.port == client.send_port)
    name = osc.name.partition(".")[0]
    http = Finder(mdns, "_oscjson._tcp.local.").wait(lambda info: info.name.startswith(name + "."))
    assert re.fullmatch(r"VRChat-Client-[A-Z0-9]{6}", name)
    return http.port


def get(port: int, path: str):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        return json.load(answer)


def test_host_info(client: Client, port: int):
    info = get(port, "/?HOST_INFO")
    assert info["OSC_PORT"] == client.send_port
    assert info["OSC_IP"] == "127.0.0.1"
    assert info["OSC_TRANSPORT"] == "UDP"
    assert info["NAME"].startswith("VRChat-Client-")
    assert info["EXTENSIONS"]["VALUE"] is True


@pytest.mark.parametrize(
    ("path", "kind", "access"),
    [
        ("/input/Vertical", "f", 3),
        ("/input/Jump", "T", 3),
        ("/avatar/parameters/Grounded", "T", 1),
        ("/avatar/parameters/VelocityZ", "f", 1),
        ("/avatar/parameters/TrackingType", "i", 1),
        ("/avatar/parameters/VRCEmote", "i", 3),
        ("/avatar/parameters/HeadPat_Prox", "f", 1),
        ("/avatar/change", "s", 3),
        ("/chatbox/input", "sTT", 2),
        ("/usercamera/Pose", "ffffff", 3),
    ],
)
def test_every_address_tells_its_type_and_access(port: int, path: str, kind: str, access: int):
    node = get(port, path)
    assert (node["FULL_PATH"], node["TYPE"], node["ACCESS"]) == (path, kind, access)
    assert ("VALUE" in node) == (access != 2)


def test_values_are_the_present_ones(client: Client, port: int):
    """So a late joiner can know them: nothing is told again."""
    assert get(port, "/avatar/parameters/Grounded")["VALUE"] == [True]
    mark = len(client.log)
    client.send("/avatar/parameters/VRCEmote", 7)
    client.until("VRCEmote", lambda heard: heard == 7, after=mark)
    assert get(port, "/avatar/parameters/VRCEmote?VALUE")["VALUE"] == [7]


def test_the_whole_tree(port: int):
    tree = get(port, "/")
    assert {"avatar", "input", "chatbox", "usercamera"} <= set(tree["CONTENTS"])
    parameters = tree["CONTENTS"]["avatar"]["CONTENTS"]["parameters"]["CONTENTS"]
    assert len(parameters) > 30


def test_an_unknown_address_is_404(port: int):
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        get(port, "/avatar/parameters/Nothing")
    caught.value.close()


def test_who_advertises_avatar_is_told_too(client: Client, mdns: Zeroconf):
    """Besides the fixed port, which hears all the same."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))
    ear.settimeout(FOUND_S)
    server = receiver(ear.getsockname()[1])
    info = ServiceInfo(
        "_oscjson._tcp.local.",
        f"Contract-{ear.getsockname()[1]}._oscjson._tcp.local.",
        server.server_address[1],
        parsed_addresses=["127.0.0.1"],
    )
    mdns.register_service(info)
    try:
        stopped = threading.Event()

        def stir() -> None:
            while not stopped.wait(0.2):
                client.send("/avatar/parameters/VRCEmote", next(numbers))

        numbers = iter(range(10_000))
        thread = threading.Thread(target=stir)
        thread.start()
        try:
            datagram = ear.recv(65536)
        finally:
            stopped.set()
            thread.join()
        told = OscPacket(datagram).messages[0].message
        assert told.address.startswith("/avatar/")
        mark = len(client.log)
        client.send("/avatar/parameters/VRCEmote", 200)
        client.until("VRCEmote", lambda heard: heard == 200, after=mark)
    finally:
        mdns.unregister_service(info)
        server.shutdown()
        server.server_close()
        ear.close()


def test_a_wrong_port_is_advertised_on_request(mdns: Zeroconf):
    """VRChat's bug: with --osc changed, OSCQuery goes on telling 9000."""
    with standin("--fault", "advertised_port=9000") as client:
        info = Finder(mdns, "_osc._udp.local.").wait(lambda info: info.port == 9000)
        assert client.send_port != 9000
        name = info.name.partition(".")[0]
        http = Finder(mdns, "_oscjson._tcp.local.").wait(
            lambda info: info.name.startswith(name + ".")
        )
        assert get(http.port, "/?HOST_INFO")["OSC_PORT"] == 9000


def receiver(osc_port: int) -> ThreadingHTTPServer:
    """As small as a receiver can be: the two answers VRChat asks for."""

    class Answers(BaseHTTPRequestHandler):
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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return server
