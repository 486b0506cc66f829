"""The page needs the token that the command has printed: over real sockets."""

import http.client
import socket
import threading

import pytest

pytest.importorskip("nicegui")
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from interfaces.web.token_gate import TokenGate
from tests.polling import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TOKEN, COOKIE = "0123456789abcdef", "yume_8902"
PICTURES = "pictures of people"


async def page(_request):
    return PlainTextResponse(PICTURES)


async def talk(connection):
    await connection.accept()
    await connection.send_text(PICTURES)
    await connection.close()


@pytest.fixture(scope="module")
def port():
    app = Starlette(routes=[Route("/{any:path}", page), WebSocketRoute("/{any:path}", talk)])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        gate = TokenGate(app, TOKEN, COOKIE)
        server = uvicorn.Server(uvicorn.Config(gate, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started, "the server")
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def get(port, address, cookie=""):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", address, headers={"Cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer, content


@pytest.mark.parametrize(
    ("address", "cookie"),
    [
        *(("/", ""), ("/_nicegui/static", ""), ("/?token=", ""), ("/?token=0123", "")),
        *((f"/?Token={TOKEN}", ""), ("/?token=%ff", ""), ("/", f"{COOKIE}="), ("/", f"{COOKIE}=x")),
        *(("/", f"yume_8903={TOKEN}"), ("/", f"x{COOKIE}={TOKEN}"), ("/", TOKEN)),
    ],
)
def test_without_the_token_nothing_is_shown(port, address, cookie):
    answer, content = get(port, address, cookie)
    assert answer.status == 403
    assert PICTURES not in content
    assert answer.getheader("set-cookie") is None
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{port}{address}", additional_headers={"Cookie": cookie})


def test_the_printed_address_opens_the_page_and_its_socket(port):
    answer, _ = get(port, f"/?token={TOKEN}")
    assert (answer.status, answer.getheader("location")) == (303, "/")
    cookie, *rules = (answer.getheader("set-cookie") or "").split("; ")
    assert {"HttpOnly", "SameSite=Lax"} <= set(rules)
    assert get(port, "/", f"other=1; {cookie}")[1] == PICTURES
    with connect(f"ws://127.0.0.1:{port}/x", additional_headers={"Cookie": cookie}) as connection:
        assert connection.recv(10) == PICTURES
