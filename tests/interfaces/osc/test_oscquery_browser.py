"""The OSCQuery browser with real mDNS and HTTP: it finds peers and ignores invalid answers."""

import contextlib
import json
import queue
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from loguru import logger

from interfaces.osc import oscquery_browser
from interfaces.osc.mdns import Advertiser
from interfaces.osc.oscquery import host_info
from interfaces.osc.oscquery_browser import Browser, Peer
from interfaces.osc.oscquery_server import OscQueryServer
from tests.interfaces.osc.services import NODES, TIMEOUT_S, make_service, unique_name


@contextlib.contextmanager
def http_server(answers, port=0, targets=None, host="127.0.0.1"):
    """A plain HTTP server with a (status, body) for each target. Yields its port.

    It puts the requested targets into the queue `targets`.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if targets:
                targets.put(self.path)
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


def valid_answers(osc_port, *names):
    """The answers of an OSCQuery program with these nodes below the root."""
    contents = {name: {"FULL_PATH": f"/{name}"} for name in names}
    root = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": contents}
    return {
        "/?HOST_INFO": (200, json.dumps({"OSC_PORT": osc_port}).encode()),
        "/": (200, json.dumps(root).encode()),
    }


class RecordingBrowser:
    """A browser that records the callbacks and log lines for names that start with `prefix`."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.found: queue.Queue[Peer] = queue.Queue()
        self.lost: queue.Queue[str] = queue.Queue()
        self.ignored: queue.Queue[str] = queue.Queue()
        self._sink = logger.add(self._add_ignored, level="DEBUG", format="{message}")
        self._browser = Browser(self._add_found, self._add_lost)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._browser.close()
        logger.remove(self._sink)

    def _add_found(self, peer):
        if peer.name.startswith(self.prefix):
            self.found.put(peer)

    def _add_lost(self, name):
        if name.startswith(self.prefix):
            self.lost.put(name)

    def _add_ignored(self, line):
        if self.prefix in line:
            self.ignored.put(str(line).split()[1].partition(".")[0])


@pytest.fixture
def browser():
    with RecordingBrowser(unique_name()) as browser:
        yield browser


def test_peer_is_reported_when_new_changed_and_removed(mdns, browser):
    name = browser.prefix + " 夢"
    targets: queue.Queue[str] = queue.Queue()
    answers = valid_answers(9101, "avatar", "tracking")
    with (
        http_server(answers, targets=targets) as port,
        http_server(valid_answers(9102)) as other_port,
    ):
        mdns.register_service(make_service(name, port), cooperating_responders=True)
        assert browser.found.get(timeout=TIMEOUT_S) == Peer(
            name, "127.0.0.1", port, "127.0.0.1", 9101, frozenset({"avatar", "tracking"})
        )
        while not targets.empty():
            targets.get()
        mdns.update_service(make_service(name, port, properties={"txtvers": "2"}))
        while targets.get(timeout=TIMEOUT_S) != "/":
            pass  # the browser asks again and reports nothing
        moved = make_service(name, other_port)
        mdns.update_service(moved)
        assert browser.found.get(timeout=TIMEOUT_S) == Peer(
            name, "127.0.0.1", other_port, "127.0.0.1", 9102, frozenset()
        )
        mdns.unregister_service(moved)
        assert browser.lost.get(timeout=TIMEOUT_S) == name
        assert browser.found.empty()
        assert browser.lost.empty()
        assert browser.ignored.empty()


def test_peer_that_disappears_during_the_request_is_not_reported(mdns, browser):
    targets: queue.Queue[str] = queue.Queue()
    answer_now = threading.Event()

    def late_answer():
        answer_now.wait(TIMEOUT_S)
        yield b'{"OSC_PORT": 9108}'

    answers = valid_answers(9108) | {"/?HOST_INFO": (200, late_answer())}
    with (
        http_server(answers, targets=targets) as port,
        http_server(valid_answers(9109)) as other_port,
    ):
        info = make_service(browser.prefix, port)
        mdns.register_service(info, cooperating_responders=True)
        targets.get(timeout=TIMEOUT_S)
        mdns.unregister_service(info)
        answer_now.set()
        other = make_service(f"{browser.prefix}-other", other_port)
        mdns.register_service(other, cooperating_responders=True)
        assert browser.found.get(timeout=TIMEOUT_S).osc_port == 9109
        assert browser.found.empty()
        assert browser.lost.empty()


def endless_answer():
    """A byte every 0.1 s: no single read times out, and the answer never ends."""
    while True:
        time.sleep(0.1)  # the rate of a hostile peer, not a wait of this test
        yield b" "


INVALID_ANSWERS = {
    "bad-json": (200, b"{"),
    "not-utf8": (200, b'{"OSC_PORT": "\xff"}'),
    "bare-list": (200, b"[1, 2]"),
    "port-text": (200, b'{"OSC_PORT": "9000"}'),
    "port-bool": (200, b'{"OSC_PORT": true}'),
    "status": (500, b'{"OSC_PORT": 9000}'),
    "moved": (301, b'{"OSC_PORT": 9000}'),
    "huge": (200, b'{"OSC_PORT": 9000}' + b" " * 5 * 2**20),
    "deep": (200, b"[" * 200_000),
    "endless": (200, endless_answer()),
}


def test_invalid_answers_give_one_log_line_and_do_not_block_other_peers(mdns, browser):
    with contextlib.ExitStack() as stack:
        for kind, answer in INVALID_ANSWERS.items():
            answers = valid_answers(9000, "avatar") | {"/?HOST_INFO": answer}
            port = stack.enter_context(http_server(answers))
            info = make_service(f"{browser.prefix}-{kind}", port)
            mdns.loop.call_soon_threadsafe(mdns.registry.async_add, info)
        answers = valid_answers(9000) | {"/": (200, b'{"CONTENTS": {"avatar": 1}}')}
        port = stack.enter_context(http_server(answers))
        info = make_service(f"{browser.prefix}-tree", port)
        mdns.register_service(info, cooperating_responders=True)
        port = stack.enter_context(http_server(valid_answers(9000, "avatar")))
        mdns.register_service(
            make_service(f"{browser.prefix}-good", port, ("10.255.255.1", "127.0.0.1")),
            cooperating_responders=True,
        )
        assert browser.found.get(timeout=TIMEOUT_S).name == f"{browser.prefix}-good"
        ignored = [browser.ignored.get(timeout=TIMEOUT_S) for _ in range(len(INVALID_ANSWERS) + 1)]
        assert set(ignored) == {f"{browser.prefix}-{kind}" for kind in (*INVALID_ANSWERS, "tree")}
        assert browser.ignored.empty()
        assert browser.found.empty()
        assert browser.lost.empty()


def test_peer_that_starts_to_listen_late_is_found(mdns, browser):
    with http_server({}) as port:
        pass  # afterwards no program listens on this port
    mdns.register_service(make_service(browser.prefix, port), cooperating_responders=True)
    with http_server(valid_answers(9103, "avatar"), port):
        assert browser.found.get(timeout=TIMEOUT_S).osc_port == 9103


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_peer_that_also_advertises_our_loopback_is_found_at_its_own_address(mdns, browser):
    with http_server(valid_answers(9104, "avatar"), host="127.0.0.2") as port:
        info = make_service(browser.prefix, port, ("127.0.0.1", "127.0.0.2"))
        mdns.register_service(info, cooperating_responders=True)
        assert browser.found.get(timeout=TIMEOUT_S).host == "127.0.0.2"


@pytest.mark.parametrize("text", [{"txtvers": "1"}, None])
def test_peer_that_was_there_before_is_found_even_without_a_text_record(mdns, text):
    prefix = unique_name()
    with http_server(valid_answers(9107, "avatar")) as port:
        info = make_service(prefix, port, properties=text)
        mdns.register_service(info, cooperating_responders=True)
        with RecordingBrowser(prefix) as browser:
            assert browser.found.get(timeout=TIMEOUT_S).osc_port == 9107


def test_exception_in_a_callback_does_not_end_the_browser(mdns):
    prefix = unique_name()
    found: queue.Queue[str] = queue.Queue()

    def fail(peer):
        found.put(peer.name)
        raise RuntimeError("not today")

    lines: queue.Queue[str] = queue.Queue()
    sink = logger.add(lines.put, level="ERROR")
    browser = Browser(fail, lambda name: None)
    try:
        with http_server(valid_answers(9104)) as port:
            for name in (f"{prefix}-1", f"{prefix}-2"):
                mdns.register_service(make_service(name, port), cooperating_responders=True)
                while found.get(timeout=TIMEOUT_S) != name:
                    pass
        assert "not today" in lines.get(timeout=TIMEOUT_S)
    finally:
        browser.close()
        logger.remove(sink)


def test_no_callback_after_close(mdns):
    calls: queue.Queue[object] = queue.Queue()
    name = unique_name()
    browser = Browser(calls.put, calls.put)
    with http_server(valid_answers(9105)) as port:
        info = make_service(name, port)
        mdns.register_service(info, cooperating_responders=True)
        while calls.get(timeout=TIMEOUT_S).name != name:
            pass
        browser.close()
        while not calls.empty():
            calls.get()
        mdns.unregister_service(info)
        assert calls.empty()
    assert "oscquery: browsing" not in {thread.name for thread in threading.enumerate()}


def test_browser_finds_two_advertised_servers(browser):
    servers = [OscQueryServer(lambda: NODES, lambda: host_info("x", 9106)) for _ in range(2)]
    advertisers = []
    try:
        for number, server in enumerate(servers):
            server.start()
            advertisers.append(Advertiser(f"{browser.prefix}-{number}", server.port, 9106))
        peers = [browser.found.get(timeout=TIMEOUT_S) for _ in servers]
        assert {peer.http_port for peer in peers} == {server.port for server in servers}
        assert peers[0].paths == {"avatar", "input", "usercamera"}
    finally:
        for closable in (*advertisers, *servers):
            closable.close()
    assert len({browser.lost.get(timeout=TIMEOUT_S) for _ in servers}) == 2


def test_record_that_leads_to_another_machine_is_named_and_never_asked(mdns, browser):
    name = browser.prefix
    mdns.register_service(make_service(name, 80, ["192.0.2.7"]), cooperating_responders=True)
    peer = browser.found.get(timeout=TIMEOUT_S)
    assert peer == Peer(name, "192.0.2.7", 80, "192.0.2.7", 0, frozenset())
    with http_server(valid_answers(9101, "avatar")) as port:
        mdns.update_service(make_service(name, port))
        assert browser.found.get(timeout=TIMEOUT_S).osc_port == 9101
        mdns.update_service(make_service(name, 80, ["192.0.2.7"]))
        targets: queue.Queue[str] = queue.Queue()
        with http_server(valid_answers(9102), targets=targets) as other_port:
            other = make_service(f"{name}-other", other_port)
            mdns.register_service(other, cooperating_responders=True)
            assert browser.found.get(timeout=TIMEOUT_S).osc_port == 9102
    assert browser.found.empty(), "it does not displace the one that answered"
    assert browser.lost.empty()


def test_unwanted_name_is_not_asked(mdns, monkeypatch):
    asked = []

    class RecordedConnection(HTTPConnection):
        """Of this process: browsers of tests in other processes find the services too."""

        def __init__(self, host, port, **options):
            asked.append(port)
            super().__init__(host, port, **options)

    monkeypatch.setattr(oscquery_browser, "HTTPConnection", RecordedConnection)
    prefix, found = unique_name(), queue.Queue()
    browser = Browser(found.put, print, wants=lambda name: name == f"{prefix}-yes")
    try:
        with http_server(valid_answers(1)) as port, http_server(valid_answers(2)) as other_port:
            for name, at in (("no", port), ("yes", other_port)):
                service = make_service(f"{prefix}-{name}", at)
                mdns.register_service(service, cooperating_responders=True)
            assert found.get(timeout=TIMEOUT_S).name == f"{prefix}-yes"
            assert set(asked) == {other_port}
    finally:
        browser.close()
