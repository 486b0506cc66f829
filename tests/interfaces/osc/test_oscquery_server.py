"""The OSCQuery server over real HTTP: answers, invalid requests, and closing."""

import contextlib
import http.client
import queue
import random
import socket
import sys
import threading

import pytest
from loguru import logger

from interfaces.osc import oscquery_server
from interfaces.osc.oscquery import Node, find_node, node_tree
from interfaces.osc.oscquery_server import OscQueryServer
from tests.interfaces.osc.services import HOST_INFO, NODES, TIMEOUT_S, http_request, strict_json
from tests.polling import wait_until


def test_root_is_the_whole_tree_as_json(server):
    status, headers, body = http_request(server.port, "/")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    root = strict_json(body)
    assert find_node(root, "/usercamera/Pose")["VALUE"] == [0.0, None, None, 1.0, 2.0, 3.0]
    assert root == node_tree(NODES)


@pytest.mark.parametrize("target", ["/", "/?HOST_INFO", "/input/Jump?HOST_INFO", "/no?HOST_INFO"])
def test_host_info_is_answered_at_every_path(server, target):
    answer = strict_json(http_request(server.port, target)[2])
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
def test_path_is_answered_with_its_node(server, target, full_path):
    status, _, body = http_request(server.port, target)
    assert status == 200
    assert strict_json(body) == find_node(node_tree(NODES), full_path)


@pytest.mark.parametrize("target", ["/nothing", "/avatar/nothing", "/input/Jump/deeper", "*", "/%"])
def test_unknown_path_is_not_found(server, target):
    assert http_request(server.port, target)[0] == 404


@pytest.mark.parametrize(
    ("target", "status", "answer"),
    [
        ("/input/Vertical?VALUE", 200, {"VALUE": [0.0]}),
        ("/input/Vertical?TYPE", 200, {"TYPE": "f"}),
        ("/input/Vertical?ACCESS", 200, {"ACCESS": 3}),
        ("/input/Vertical?RANGE", 200, {"RANGE": [{"MIN": -1.0, "MAX": 1.0}]}),
        ("/input/Jump?FULL_PATH", 200, {"FULL_PATH": "/input/Jump"}),
        ("/avatar/parameters/MuteSelf?VALUE", 200, {"VALUE": [False]}),
        ("/input/Jump?VALUE", 200, {"VALUE": [True]}),
        ("/input?VALUE", 204, None),
        ("/input/Jump?RANGE", 204, None),
        ("/input?TYPE", 204, None),
        ("/input/Vertical?CLIPMODE", 204, None),
        ("/input/Vertical?NONSENSE", 400, None),
        ("/input/Vertical?value", 400, None),
        ("/nothing?VALUE", 404, None),
    ],
)
def test_single_attribute_is_answered(server, target, status, answer):
    got_status, _, body = http_request(server.port, target)
    assert got_status == status
    if answer is not None:
        assert strict_json(body) == answer
    elif status == 204:
        assert body == b""


def test_values_are_read_at_each_request():
    value = 0.0
    server = OscQueryServer(lambda: [Node("/x", "f", 1, (value,))], dict)
    server.start()
    try:
        for value in (0.5, -0.5):
            assert strict_json(http_request(server.port, "/x?VALUE")[2]) == {"VALUE": [value]}
    finally:
        server.close()


@pytest.mark.parametrize(("target", "status"), [("/avatar", 200), ("/nothing", 404)])
def test_head_returns_only_the_headers(server, target, status):
    reply = raw_request(server.port, f"HEAD {target} HTTP/1.0\r\n\r\n".encode())
    headers, end, body = reply.partition(b"\r\n\r\n")
    assert (end, body) == (b"\r\n\r\n", b"")
    got_status, _, get_body = http_request(server.port, target)
    assert f"HTTP/1.0 {got_status} ".encode() in headers
    assert f"Content-Length: {len(get_body)}".encode() in headers.split(b"\r\n")
    assert got_status == status


def test_other_methods_are_refused(server):
    assert http_request(server.port, "/avatar", "DELETE")[0] == 501


def raw_request(port, request):
    """All bytes that the server sends to a raw request before it closes the connection."""
    received = b""
    raw = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    with raw, contextlib.suppress(ConnectionError):
        raw.sendall(request)
        with contextlib.suppress(OSError):  # the server has already closed it
            raw.shutdown(socket.SHUT_WR)
        while chunk := raw.recv(65536):
            received += chunk
    return received


def test_invalid_requests_do_not_stop_the_server(server):
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
        assert b"500" not in raw_request(server.port, request).partition(b"\r\n")[0]
    assert b" 431 " in raw_request(server.port, b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000)
    assert http_request(server.port, "/avatar")[0] == 200


def test_raw_utf8_path_is_decoded(server):
    answer = raw_request(server.port, "GET /avatar/parameters/なで?VALUE HTTP/1.0\r\n\r\n".encode())
    assert answer.endswith(b'{"VALUE": [1.0]}')


def test_incomplete_requests_do_not_block_other_clients(server):
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            raw.sendall(b"GET /avatar HTTP/1.1\r\nHost:")
        assert http_request(server.port, "/avatar")[0] == 200
        threads = sum("process_request_thread" in thread.name for thread in threading.enumerate())
        assert threads < 100, "each incomplete request occupies a thread"


def test_exception_in_nodes_fails_only_its_request():
    def nodes():
        raise RuntimeError("no tree today")

    lines: queue.Queue[str] = queue.Queue()
    sink = logger.add(lines.put, level="ERROR")
    server = OscQueryServer(nodes, lambda: HOST_INFO)
    server.start()
    try:
        with pytest.raises(http.client.HTTPException):
            http_request(server.port, "/")
        assert "no tree today" in lines.get(timeout=TIMEOUT_S)
        assert http_request(server.port, "/?HOST_INFO")[0] == 200
    finally:
        server.close()
        logger.remove(sink)


def test_close_frees_the_port_and_disconnects_clients():
    server = OscQueryServer(lambda: NODES, lambda: HOST_INFO)
    server.start()
    with pytest.raises(OSError, match=r".+"):
        OscQueryServer(lambda: NODES, dict, server.port)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as waiting:
        waiting.sendall(b"GET /")
        assert http_request(server.port, "/")[0] == 200  # so the first one was accepted too
        server.close()
        waiting.settimeout(2.0)  # less than the client timeout of the server
        with contextlib.suppress(ConnectionError):
            assert waiting.recv(100) == b""
    server.close()
    again = OscQueryServer(lambda: NODES, dict, server.port)
    again.start()
    assert http_request(again.port, "/avatar")[0] == 200
    again.close()
    with pytest.raises(OSError, match=r".+"):
        http_request(again.port, "/avatar")


def test_server_that_never_started_can_be_closed():
    OscQueryServer(lambda: NODES, dict).close()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Host: 127.0.0.1:{port}", 200),
        ("Host: localhost:{port}", 200),
        ("Host: LOCALHOST", 200),
        ("Host: [::1]:{port}", 200),
        ("X: y", 200),  # a program, not a browser
        ("Host: evil.example:{port}", 403),  # a name that a foreign site points to this machine
        ("Host: 127.0.0.1.evil.example", 403),
        ("Host: 127.0.0.1@evil.example", 403),
        ("Host: [", 403),
        ("Host:", 403),
        ("Host: 192.0.2.7:{port}", 403),
        ("Host: 127.0.0.1\r\nHost: evil.example", 403),
        ("Host: 127.0.0.1\r\nOrigin: http://evil.example", 403),
        ("Host: 127.0.0.1\r\nOrigin: null", 403),
        ("Host: 127.0.0.1\r\nOrigin: http://127.0.0.1:{port}", 200),
    ],
)
def test_only_requests_to_the_own_address_are_answered(server, header, status):
    lines = f"GET /avatar HTTP/1.1\r\n{header.format(port=server.port)}\r\n\r\n"
    answer = raw_request(server.port, lines.encode())
    assert answer.startswith(f"HTTP/1.0 {status} ".encode())
    assert (b"avtr_" in answer) is (status == 200)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_server_at_another_address_answers_to_that_address():
    server = OscQueryServer(lambda: NODES, lambda: HOST_INFO, host="127.0.0.2")
    server.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.2", server.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request("GET", "/avatar")
            assert connection.getresponse().status == 200
    finally:
        server.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"x" * 16_400 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 16_400, 431),
        (b"GET / HTTP/1.1\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 17, 431),
        (b"GET / HTTP/1.1\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 15 + b"\r\n", 200),
    ],
)
def test_size_of_a_request_is_limited(server, request_bytes, status):
    assert f" {status} ".encode() in raw_request(server.port, request_bytes).partition(b"\r\n")[0]


def test_slow_and_broken_clients_keep_no_thread_and_no_socket(monkeypatch):
    """Half-sent requests, a byte at a time, and an answer that is never read."""
    monkeypatch.setattr(oscquery_server, "_CLIENT_TIMEOUT_S", 0.5)
    big = [Node(f"/{i}/{'x' * 200}", "f", 1, (0.0,)) for i in range(8_000)]
    server = OscQueryServer(lambda: big, lambda: HOST_INFO)
    server.start()

    def threads():
        return sum("process_request_thread" in each.name for each in threading.enumerate())

    try:
        with contextlib.ExitStack() as stack:
            clients = [
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                for _ in range(9)
            ]
            for i, client in enumerate(clients):
                client.sendall([b"GET / HTTP/1.1\r\nHost:", b"", b"GET / HTTP/1.0\r\n\r\n"][i % 3])
            wait_until(threads, "a thread for the clients")

            def dribble():
                for client in clients[::3]:
                    with contextlib.suppress(OSError):
                        client.sendall(b"1")
                return threads() == 0

            wait_until(dribble, "the end of the threads", 10.0)
            assert not server._clients
            assert http_request(server.port, "/?HOST_INFO")[0] == 200
    finally:
        server.close()
