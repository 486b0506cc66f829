"""OSCQuery: the tree and its answers over real HTTP, and being found, and finding, by real mDNS."""

import contextlib
import gc
import http.client
import json
import queue
import random
import socket
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from loguru import logger
from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from interfaces.osc.oscquery import (
    CLIENT_NAME,
    OSC,
    OSCJSON,
    Advertiser,
    Node,
    OscQueryServer,
    client_name,
    find,
    host_info,
    tree,
)
from interfaces.osc.oscquery_browser import Browser, Peer, peer_from

PATIENCE_S = 10.0
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


def unique(stem="Yume-Test"):
    """Other machines of the network may run these tests too."""
    return f"{stem}-{uuid.uuid4().hex[:12]}"


# The tree


def test_the_tree_is_nested_and_says_where_each_node_is():
    root = tree(NODES)
    assert (root["FULL_PATH"], root["ACCESS"]) == ("/", 0)
    assert set(root["CONTENTS"]) == {"avatar", "input", "usercamera"}
    avatar = root["CONTENTS"]["avatar"]
    assert avatar["FULL_PATH"] == "/avatar"
    assert avatar["ACCESS"] == 0
    assert set(avatar["CONTENTS"]) == {"change", "parameters"}
    assert avatar["CONTENTS"]["change"] == {
        "FULL_PATH": "/avatar/change",
        "ACCESS": 3,
        "TYPE": "s",
        "VALUE": ["avtr_夢"],
    }
    assert find(root, "/avatar/parameters/FT/v2/JawOpen") == {
        "FULL_PATH": "/avatar/parameters/FT/v2/JawOpen",
        "ACCESS": 3,
        "TYPE": "f",
        "VALUE": [0.25],
        "RANGE": [{"MIN": 0.0, "MAX": 1.0}],
    }
    assert find(root, "/avatar/nothing") is None


def test_a_tree_of_nothing_is_a_root():
    assert tree([]) == {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}}


@pytest.mark.parametrize("order", [1, -1])
def test_a_method_may_hold_others_whichever_comes_first(order):
    both = find(tree(NODES[::order]), "/avatar/parameters/FT")
    assert (both["ACCESS"], both["TYPE"], both["VALUE"]) == (1, "i", [2])
    assert set(both["CONTENTS"]) == {"v2"}


def test_a_bool_is_of_type_t_whatever_its_value():
    mute = find(tree(NODES), "/avatar/parameters/MuteSelf")
    assert (mute["TYPE"], mute["VALUE"]) == ("T", [False])
    assert mute["DESCRIPTION"] == "is the voice off"


@pytest.mark.parametrize(("access", "shown"), [(0, False), (1, True), (2, False), (3, True)])
def test_a_value_is_shown_only_to_whom_may_read(access, shown):
    assert ("VALUE" in tree([Node("/x", "i", access, (1,))])["CONTENTS"]["x"]) is shown


@pytest.mark.parametrize("path", ["", "/", "avatar", "/avatar/", "//avatar", "/a//b"])
def test_a_path_that_cannot_be_is_refused(path):
    with pytest.raises(ValueError, match="full path"):
        Node(path, "f", 1)


@pytest.mark.parametrize("access", [-1, 4])
def test_an_access_that_cannot_be_is_refused(access):
    with pytest.raises(ValueError, match="access"):
        Node("/x", "f", access)


def test_client_names_are_as_vrchat_makes_them():
    names = {client_name(seed) for seed in range(100)}
    assert len(names) == 100
    assert all(CLIENT_NAME.match(name) for name in names)
    assert client_name(7) == client_name(random.Random(7))
    for other in ("VRChat-Client-ABC12", "VRChat-Client-ABC1234", "VRChat-Client-ABC123\n", "Yume"):
        assert not CLIENT_NAME.match(other)


# HTTP


@pytest.fixture(scope="module")
def server():
    server = OscQueryServer(lambda: NODES, lambda: HOST_INFO)
    server.start()
    yield server
    server.close()


def ask(port, target, method="GET"):
    """Status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def strict_json(body):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(body, parse_constant=refuse)


def test_the_root_is_the_whole_tree_as_json(server):
    status, headers, body = ask(server.port, "/")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    root = strict_json(body)
    assert find(root, "/usercamera/Pose")["VALUE"] == [0.0, None, None, 1.0, 2.0, 3.0]
    assert root == tree(NODES)


@pytest.mark.parametrize("target", ["/", "/?HOST_INFO", "/input/Jump?HOST_INFO", "/no?HOST_INFO"])
def test_host_info_is_answered_anywhere(server, target):
    answer = strict_json(ask(server.port, target)[2])
    expected = {
        "NAME": "VRChat-Client-ABC123",
        "OSC_IP": "127.0.0.1",
        "OSC_PORT": 9000,
        "OSC_TRANSPORT": "UDP",
        "EXTENSIONS": {
            "ACCESS": True,
            "CLIPMODE": False,
            "RANGE": True,
            "TYPE": True,
            "VALUE": True,
        },
    }
    assert (answer == expected) is ("HOST_INFO" in target)


@pytest.mark.parametrize(
    ("target", "full_path"),
    [
        ("/avatar", "/avatar"),
        ("/avatar/", "/avatar"),
        ("/avatar/parameters/FT/v2/JawOpen", "/avatar/parameters/FT/v2/JawOpen"),
        ("/avatar/parameters/%E3%81%AA%E3%81%A7", "/avatar/parameters/なで"),
    ],
)
def test_a_path_is_answered_with_its_node(server, target, full_path):
    status, _, body = ask(server.port, target)
    assert status == 200
    assert strict_json(body) == find(tree(NODES), full_path)


@pytest.mark.parametrize("target", ["/nothing", "/avatar/nothing", "/input/Jump/deeper", "*", "/%"])
def test_an_unknown_path_is_not_found(server, target):
    assert ask(server.port, target)[0] == 404


@pytest.mark.parametrize(
    ("target", "status", "answer"),
    [
        ("/input/Vertical?VALUE", 200, {"VALUE": [0.0]}),
        ("/input/Vertical?TYPE", 200, {"TYPE": "f"}),
        ("/input/Vertical?ACCESS", 200, {"ACCESS": 3}),
        ("/input/Vertical?RANGE", 200, {"RANGE": [{"MIN": -1.0, "MAX": 1.0}]}),
        ("/input/Jump?FULL_PATH", 200, {"FULL_PATH": "/input/Jump"}),
        ("/avatar/parameters/MuteSelf?VALUE", 200, {"VALUE": [False]}),
        ("/input/Jump?VALUE", 204, None),
        ("/input/Jump?RANGE", 204, None),
        ("/input?TYPE", 204, None),
        ("/input/Vertical?CLIPMODE", 204, None),
        ("/input/Vertical?NONSENSE", 400, None),
        ("/input/Vertical?value", 400, None),
        ("/nothing?VALUE", 404, None),
    ],
)
def test_attributes_are_answered_alone(server, target, status, answer):
    got, _, body = ask(server.port, target)
    assert got == status
    if answer is not None:
        assert strict_json(body) == answer
    elif status == 204:
        assert body == b""


def test_values_are_those_of_the_moment():
    value = 0.0
    server = OscQueryServer(lambda: [Node("/x", "f", 1, (value,))], dict)
    server.start()
    try:
        for value in (0.5, -0.5):
            assert strict_json(ask(server.port, "/x?VALUE")[2]) == {"VALUE": [value]}
    finally:
        server.close()


@pytest.mark.parametrize(("target", "status"), [("/avatar", 200), ("/nothing", 404)])
def test_head_has_the_headers_only(server, target, status):
    reply = reply_to(server.port, f"HEAD {target} HTTP/1.0\r\n\r\n".encode())
    headers, end, body = reply.partition(b"\r\n\r\n")
    assert (end, body) == (b"\r\n\r\n", b"")
    got, _, whole = ask(server.port, target)
    assert f"HTTP/1.0 {got} ".encode() in headers
    assert f"Content-Length: {len(whole)}".encode() in headers.split(b"\r\n")
    assert got == status


def test_other_methods_are_refused(server):
    assert ask(server.port, "/avatar", "DELETE")[0] == 501


def reply_to(port, request):
    """What comes back until the other side hangs up, by whatever means."""
    received = b""
    raw = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    with raw, contextlib.suppress(ConnectionError):
        raw.sendall(request)
        with contextlib.suppress(OSError):  # it has hung up already
            raw.shutdown(socket.SHUT_WR)
        while chunk := raw.recv(65536):
            received += chunk
    return received


def test_garbage_is_survived(server):
    rng = random.Random(0)
    garbage = [rng.randbytes(rng.randrange(1, 4000)) for _ in range(30)]
    garbage += [rng.randbytes(200) + b"\r\n\r\n" for _ in range(30)]
    garbage += [
        b"\0" * 100,
        b"GET /avatar",
        b"GET / HTTP/1.1\r\nHost: x",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/\xb2.\xb2\r\n\r\n",
        b"GET " + b"/x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET /%ff%fe\xff?\xff%00 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -5\r\nTransfer-Encoding: nonsense\r\n\r\n",
    ]
    for request in garbage:
        assert b"500" not in reply_to(server.port, request).partition(b"\r\n")[0]
    assert b" 431 " in reply_to(server.port, b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000)
    assert ask(server.port, "/avatar")[0] == 200


def test_a_bare_utf8_path_is_understood(server):
    answer = reply_to(server.port, "GET /avatar/parameters/なで?VALUE HTTP/1.0\r\n\r\n".encode())
    assert answer.endswith(b'{"VALUE": [1.0]}')


def test_half_sent_requests_do_not_keep_others_out(server):
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            raw.sendall(b"GET /avatar HTTP/1.1\r\nHost:")
        assert ask(server.port, "/avatar")[0] == 200
        ours = sum("process_request_thread" in thread.name for thread in threading.enumerate())
        assert ours < 100, "each half-sent request keeps a thread"


def test_a_tree_that_fails_spoils_only_its_own_request():
    def nodes():
        raise RuntimeError("no tree today")

    lines: queue.Queue[str] = queue.Queue()
    sink = logger.add(lines.put, level="ERROR")
    server = OscQueryServer(nodes, lambda: HOST_INFO)
    server.start()
    try:
        with pytest.raises(http.client.HTTPException):
            ask(server.port, "/")
        assert "no tree today" in lines.get(timeout=PATIENCE_S)
        assert ask(server.port, "/?HOST_INFO")[0] == 200
    finally:
        server.close()
        logger.remove(sink)


def test_close_frees_the_port_and_hangs_up_at_once():
    server = OscQueryServer(lambda: NODES, lambda: HOST_INFO)
    server.start()
    with pytest.raises(OSError, match=r".+"):
        OscQueryServer(lambda: NODES, dict, server.port)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as waiting:
        waiting.sendall(b"GET /")
        assert ask(server.port, "/")[0] == 200  # so the one before it was accepted too
        server.close()
        waiting.settimeout(2.0)  # less than a client is waited for
        with contextlib.suppress(ConnectionError):
            assert waiting.recv(100) == b""
    server.close()
    again = OscQueryServer(lambda: NODES, dict, server.port)
    again.start()
    assert ask(again.port, "/avatar")[0] == 200
    again.close()
    with pytest.raises(OSError, match=r".+"):
        ask(again.port, "/avatar")


def test_one_that_never_started_can_be_closed():
    OscQueryServer(lambda: NODES, dict).close()


# Being found


@pytest.fixture
def mdns():
    """Plain mDNS, as others speak it."""
    with Zeroconf(interfaces=["127.0.0.1"]) as plain:
        yield plain


@pytest.fixture
def heard(mdns):
    """A function: waits until plain mDNS has heard this of each of these services."""
    news: queue.Queue[tuple[str, ServiceStateChange]] = queue.Queue()

    def note(zeroconf, service_type, name, state_change):
        news.put((name, state_change))

    def until(change, *names):
        deadline, missing = time.monotonic() + PATIENCE_S, {(name, change) for name in names}
        while missing:
            missing.discard(news.get(timeout=max(0.0, deadline - time.monotonic())))

    browser = ServiceBrowser(mdns, [OSCJSON, OSC], handlers=[note])
    yield until
    browser.cancel()


def test_others_find_us_until_we_close(server, mdns, heard):
    name = unique()
    services = f"{name}.{OSCJSON}", f"{name}.{OSC}"
    before = time.monotonic()
    advertiser = Advertiser(name, server.port, 9123)
    assert time.monotonic() - before < 0.5, "nobody may wait for mDNS"
    try:
        heard(ServiceStateChange.Added, *services)
        found = mdns.get_service_info(OSCJSON, f"{name}.{OSCJSON}")
        assert found.parsed_addresses() == ["127.0.0.1"]
        assert found.properties == {b"txtvers": b"1"}
        assert strict_json(ask(found.port, "/?HOST_INFO")[2]) == HOST_INFO
        assert mdns.get_service_info(OSC, f"{name}.{OSC}").port == 9123
    finally:
        advertiser.close()
    heard(ServiceStateChange.Removed, *services)


@pytest.mark.parametrize("name", ["yume.1", ".", "", "x" * 64, "夢" * 22, "a\nb"])
def test_a_name_that_mdns_cannot_carry_is_refused(name):
    with pytest.raises(ValueError, match="dot" if "." in name else "printable"):
        Advertiser(name, 1, 1)


@pytest.mark.parametrize("after_s", [0.0, 0.003, 0.1])  # not begun, opening its sockets, probing
def test_closing_at_once_is_quick_and_leaves_nothing(after_s):
    makers = [lambda: Advertiser(unique(), 1, 1), lambda: Browser(print, print)]
    before = time.monotonic()
    for make in makers * 3:
        closable = make()
        threading.Event().wait(after_s)
        closable.close()
        closable.close()
    assert time.monotonic() - before < len(makers) * 3 * 2.5
    assert not any(thread.name.startswith("oscquery: ") for thread in threading.enumerate())
    gc.collect()  # a socket left open warns here


def test_a_name_that_is_taken_is_logged_and_stays_with_its_owner(mdns):
    name = unique()
    info = service(name, 4711)
    mdns.register_service(info, cooperating_responders=True)
    lines: queue.Queue[str] = queue.Queue()
    sink = logger.add(lines.put, level="WARNING", format="{message}")
    advertiser = Advertiser(name, 4712, 1)
    try:
        deadline = time.monotonic() + PATIENCE_S
        # The owner speaks up to all: its answer to the probe goes to one address and port, and of
        # all the sockets there the system picks one.
        while lines.empty() and time.monotonic() < deadline:
            mdns.update_service(info)
        line = lines.get_nowait()
        assert name in line
        assert "NonUniqueName" in line
    finally:
        advertiser.close()
        logger.remove(sink)
    assert lines.empty()
    with Zeroconf(interfaces=["127.0.0.1"]) as other:
        asked = OSCJSON, f"{name}.{OSCJSON}"
        # A request may miss an address that its own answer brought; the next has it in the cache.
        found = other.get_service_info(*asked, timeout=1500) or other.get_service_info(*asked)
        assert found.port == 4711


# Finding


def service(name, port, addresses=("127.0.0.1",), **more):
    more = {"server": f"{name}.{OSCJSON}", "properties": {"txtvers": "1"}} | more
    addresses = list(addresses)
    return ServiceInfo(OSCJSON, f"{name}.{OSCJSON}", port, parsed_addresses=addresses, **more)


@contextlib.contextmanager
def receiver(answers, port=0, asked=None, host="127.0.0.1"):
    """A plain HTTP server: (status, body) for each target; gives its port, notes what is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if asked:
                asked.put(self.path)
            status, body = answers.get(self.path, (404, b""))
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.end_headers()
                for chunk in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(chunk)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server((host, port), Handler) as plain:
        thread = threading.Thread(target=plain.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield plain.server_address[1]
        finally:
            plain.shutdown()
            thread.join()


def good(osc_port, *tops):
    contents = {top: {"FULL_PATH": f"/{top}"} for top in tops}
    root = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": contents}
    return {
        "/?HOST_INFO": (200, json.dumps({"OSC_PORT": osc_port}).encode()),
        "/": (200, json.dumps(root).encode()),
    }


class Watched:
    """A browser, and what it said of the services with our names."""

    def __init__(self, stem):
        self.stem = stem
        self.found: queue.Queue[Peer] = queue.Queue()
        self.lost: queue.Queue[str] = queue.Queue()
        self.ignored: queue.Queue[str] = queue.Queue()
        self._sink = logger.add(self._note, level="DEBUG", format="{message}")
        self._browser = Browser(self._find, self._lose)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._browser.close()
        logger.remove(self._sink)

    def _find(self, peer):
        if peer.name.startswith(self.stem):
            self.found.put(peer)

    def _lose(self, name):
        if name.startswith(self.stem):
            self.lost.put(name)

    def _note(self, line):
        if self.stem in line:
            self.ignored.put(str(line).split()[1].partition(".")[0])


@pytest.fixture
def watched():
    with Watched(unique()) as watched:
        yield watched


def test_a_receiver_is_found_once_found_again_when_changed_and_lost(mdns, watched):
    name = watched.stem + " 夢"
    asked: queue.Queue[str] = queue.Queue()
    answers = good(9101, "avatar", "tracking")
    with receiver(answers, asked=asked) as port, receiver(good(9102)) as other_port:
        mdns.register_service(service(name, port), cooperating_responders=True)
        assert watched.found.get(timeout=PATIENCE_S) == Peer(
            name, "127.0.0.1", port, "127.0.0.1", 9101, frozenset({"avatar", "tracking"})
        )
        while not asked.empty():
            asked.get()
        mdns.update_service(service(name, port, properties={"txtvers": "2"}))
        while asked.get(timeout=PATIENCE_S) != "/":
            pass  # asked again, and nothing to tell
        moved = service(name, other_port)
        mdns.update_service(moved)
        assert watched.found.get(timeout=PATIENCE_S) == Peer(
            name, "127.0.0.1", other_port, "127.0.0.1", 9102, frozenset()
        )
        mdns.unregister_service(moved)
        assert watched.lost.get(timeout=PATIENCE_S) == name
        assert watched.found.empty()
        assert watched.lost.empty()
        assert watched.ignored.empty()


def test_one_that_goes_while_it_is_asked_is_not_found(mdns, watched):
    asked: queue.Queue[str] = queue.Queue()
    go_on = threading.Event()

    def late():
        go_on.wait(PATIENCE_S)
        yield b'{"OSC_PORT": 9108}'

    answers = good(9108) | {"/?HOST_INFO": (200, late())}
    with receiver(answers, asked=asked) as port, receiver(good(9109)) as other_port:
        info = service(watched.stem, port)
        mdns.register_service(info, cooperating_responders=True)
        asked.get(timeout=PATIENCE_S)
        mdns.unregister_service(info)
        go_on.set()
        other = service(f"{watched.stem}-other", other_port)
        mdns.register_service(other, cooperating_responders=True)
        assert watched.found.get(timeout=PATIENCE_S).osc_port == 9109
        assert watched.found.empty()
        assert watched.lost.empty()


def dribble():
    """A byte now and then: no read ever times out, and the whole never ends."""
    while True:
        time.sleep(0.1)  # the pace of a hostile peer, not a wait of this test
        yield b" "


NONSENSE = {
    "bad-json": (200, b"{"),
    "not-utf8": (200, b'{"OSC_PORT": "\xff"}'),
    "bare-list": (200, b"[1, 2]"),
    "port-text": (200, b'{"OSC_PORT": "9000"}'),
    "port-bool": (200, b'{"OSC_PORT": true}'),
    "status": (500, b'{"OSC_PORT": 9000}'),
    "moved": (301, b'{"OSC_PORT": 9000}'),
    "huge": (200, b'{"OSC_PORT": 9000}' + b" " * 5 * 2**20),
    "deep": (200, b"[" * 200_000),
    "dribble": (200, dribble()),
}


def test_nonsense_is_ignored_with_one_line_and_keeps_nobody_out(mdns, watched):
    with contextlib.ExitStack() as stack:
        for kind, answer in NONSENSE.items():
            answers = good(9000, "avatar") | {"/?HOST_INFO": answer}
            port = stack.enter_context(receiver(answers))
            info = service(f"{watched.stem}-{kind}", port)
            mdns.loop.call_soon_threadsafe(mdns.registry.async_add, info)
        answers = good(9000) | {"/": (200, b'{"CONTENTS": {"avatar": 1}}')}
        port = stack.enter_context(receiver(answers))
        info = service(f"{watched.stem}-tree", port)
        mdns.register_service(info, cooperating_responders=True)
        port = stack.enter_context(receiver(good(9000, "avatar")))
        mdns.register_service(
            service(f"{watched.stem}-good", port, ("10.255.255.1", "127.0.0.1")),
            cooperating_responders=True,
        )
        assert watched.found.get(timeout=PATIENCE_S).name == f"{watched.stem}-good"
        ignored = [watched.ignored.get(timeout=PATIENCE_S) for _ in range(len(NONSENSE) + 1)]
        assert set(ignored) == {f"{watched.stem}-{kind}" for kind in (*NONSENSE, "tree")}
        assert watched.ignored.empty()
        assert watched.found.empty()
        assert watched.lost.empty()


def test_one_that_answers_late_is_found_all_the_same(mdns, watched):
    with receiver({}) as port:
        pass  # now a port where nobody listens
    mdns.register_service(service(watched.stem, port), cooperating_responders=True)
    with receiver(good(9103, "avatar"), port):
        assert watched.found.get(timeout=PATIENCE_S).osc_port == 9103


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_one_that_tells_our_loopback_but_lives_elsewhere_is_found_there(mdns, watched):
    with receiver(good(9104, "avatar"), host="127.0.0.2") as port:
        info = service(watched.stem, port, ("127.0.0.1", "127.0.0.2"))
        mdns.register_service(info, cooperating_responders=True)
        assert watched.found.get(timeout=PATIENCE_S).host == "127.0.0.2"


@pytest.mark.parametrize("text", [{"txtvers": "1"}, None])
def test_one_that_was_there_before_is_found_even_without_a_text_record(mdns, text):
    stem = unique()
    with receiver(good(9107, "avatar")) as port:
        info = service(stem, port, properties=text)
        mdns.register_service(info, cooperating_responders=True)
        with Watched(stem) as watched:
            assert watched.found.get(timeout=PATIENCE_S).osc_port == 9107


def test_a_listener_that_fails_does_not_end_the_watch(mdns):
    stem = unique()
    found: queue.Queue[str] = queue.Queue()

    def fail(peer):
        found.put(peer.name)
        raise RuntimeError("not today")

    lines: queue.Queue[str] = queue.Queue()
    sink = logger.add(lines.put, level="ERROR")
    browser = Browser(fail, lambda name: None)
    try:
        with receiver(good(9104)) as port:
            for name in (f"{stem}-1", f"{stem}-2"):
                mdns.register_service(service(name, port), cooperating_responders=True)
                while found.get(timeout=PATIENCE_S) != name:
                    pass
        assert "not today" in lines.get(timeout=PATIENCE_S)
    finally:
        browser.close()
        logger.remove(sink)


def test_nothing_is_told_after_close(mdns):
    told: queue.Queue[object] = queue.Queue()
    name = unique()
    browser = Browser(told.put, told.put)
    with receiver(good(9105)) as port:
        info = service(name, port)
        mdns.register_service(info, cooperating_responders=True)
        while told.get(timeout=PATIENCE_S).name != name:
            pass
        browser.close()
        while not told.empty():
            told.get()
        mdns.unregister_service(info)
        assert told.empty()
    assert "oscquery: browsing" not in {thread.name for thread in threading.enumerate()}


def test_two_of_ours_find_each_other(watched):
    servers = [OscQueryServer(lambda: NODES, lambda: host_info("x", 9106)) for _ in range(2)]
    advertisers = []
    try:
        for number, server in enumerate(servers):
            server.start()
            advertisers.append(Advertiser(f"{watched.stem}-{number}", server.port, 9106))
        peers = [watched.found.get(timeout=PATIENCE_S) for _ in servers]
        assert {peer.http_port for peer in peers} == {server.port for server in servers}
        assert peers[0].paths == {"avatar", "input", "usercamera"}
    finally:
        for closable in (*advertisers, *servers):
            closable.close()
    assert len({watched.lost.get(timeout=PATIENCE_S) for _ in servers}) == 2


@pytest.mark.parametrize(
    ("told", "root"),
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
def test_answers_that_make_no_sense_are_refused(told, root):
    with pytest.raises(ValueError, match=r".+"):
        peer_from("x", "10.0.0.7", 80, told, root, loopback_only=False)


@pytest.mark.parametrize(
    ("told", "loopback_only", "where"),
    [
        ({"OSC_PORT": 9000, "OSC_IP": "10.0.0.9"}, True, ("127.0.0.1", 9000)),
        ({"OSC_PORT": 9000, "OSC_IP": "10.0.0.9"}, False, ("10.0.0.9", 9000)),
        ({"OSC_PORT": 9000, "OSC_IP": "0.0.0.0"}, False, ("10.0.0.7", 9000)),
        ({"OSC_PORT": 9000}, False, ("10.0.0.7", 9000)),
        ({}, True, ("127.0.0.1", 80)),
    ],
)
def test_where_osc_goes(told, loopback_only, where):
    peer = peer_from("x", "10.0.0.7", 80, told, {"CONTENTS": None}, loopback_only)
    assert (peer.osc_host, peer.osc_port) == where
    assert peer.paths == frozenset()
