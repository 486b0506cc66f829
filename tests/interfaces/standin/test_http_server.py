"""The stand-in over HTTP: pictures, truth, faults and events, for programs of this machine only."""

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request

import cv2
import numpy as np
import pytest

from interfaces.osc.message import encode
from interfaces.standin.core import StandinCore
from interfaces.standin.http_server import StandinHttpServer
from tests.interfaces.standin.live_standin import SMALL, TIMEOUT_S, TOKEN, LiveStandin, live_standin
from tests.polling import wait_until


def assert_world_advances(live: LiveStandin) -> None:
    before = live.time_s()
    wait_until(lambda: live.time_s() > before, "the world to advance")


def test_opencv_reads_the_camera_at_its_frame_rate(live: LiveStandin) -> None:
    capture = cv2.VideoCapture(live.url("/camera.mjpg"), cv2.CAP_FFMPEG)
    try:
        assert capture.isOpened()
        capture.read()
        began = time.perf_counter()
        pictures = [capture.read()[1] for _ in range(15)]
        seconds = time.perf_counter() - began
    finally:
        capture.release()
    assert all(picture.shape == (64, 64, 3) for picture in pictures)
    assert np.std(pictures[-1]) > 20
    assert 15 / seconds == pytest.approx(30.0, rel=0.4)


def test_the_camera_shows_the_pictures_of_the_core() -> None:
    """With a view upwards, where no person is: the same picture in the right colours."""
    look = encode("/input/LookVertical", 1.0)
    core = StandinCore(SMALL, 0)
    core.step(100, [look])
    with live_standin() as live:
        live.send(look)
        capture = cv2.VideoCapture(live.url("/camera.mjpg"), cv2.CAP_FFMPEG)

        def is_equal() -> bool:
            rgb = capture.read()[1][..., ::-1]
            return float(np.abs(rgb.astype(float) - core.frame()).mean()) <= 8.0

        try:
            wait_until(is_equal, "the picture of the core")
        finally:
            capture.release()


def test_lost_and_slow_clients_do_not_stop_the_world(live: LiveStandin) -> None:
    for _ in range(5):
        leaving = socket.create_connection(("127.0.0.1", live.ports.http))
        leaving.sendall(b"GET /camera.mjpg HTTP/1.1\r\n\r\n")
        leaving.recv(10)
        leaving.close()
    with socket.create_connection(("127.0.0.1", live.ports.http)) as slow:
        slow.sendall(b"GET /camera.mjpg HTTP/1.1\r\n\r\n")  # never reads
        assert_world_advances(live)


def test_a_stalled_stream_leaves_the_truth_up_to_date() -> None:
    with live_standin() as live:
        live.post("/faults", b'{"video": "missing"}')
        with urllib.request.urlopen(live.url("/camera.mjpg"), timeout=TIMEOUT_S) as stream:
            stream.read(200)  # the last picture before the stall
            assert_world_advances(live)


@pytest.mark.parametrize("path", ["/", "/camera", "/truth/x", "/../etc/passwd"])
def test_another_path_is_not_found(live: LiveStandin, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(live.url(path), timeout=TIMEOUT_S)
    assert caught.value.code == 404
    caught.value.close()


def test_too_many_clients_get_503_and_the_others_are_served(live: LiveStandin) -> None:
    with contextlib.ExitStack() as open_sockets:
        clients = [
            open_sockets.enter_context(
                socket.create_connection(("127.0.0.1", live.ports.http), TIMEOUT_S)
            )
            for _ in range(StandinHttpServer.max_clients + 1)
        ]
        assert clients[-1].recv(100).startswith(b"HTTP/1.1 503")
        clients[0].sendall(b"GET /truth HTTP/1.0\r\n\r\n")
        assert clients[0].recv(100).startswith(b"HTTP/1.0 200")


def test_faults_and_events_over_http() -> None:
    with live_standin() as live:
        assert live.post("/faults", b'{"loss": 0.5}')[1]["loss"] == 0.5
        status, faults = live.post("/faults", b'{"menu": true}')
        assert (status, faults["loss"], faults["menu"]) == (200, 0.5, True)
        for body, named in (
            (b'{"loss": 2}', "loss"),
            (b'{"losss": 1}', "losss"),
            (b"[]", "object"),
            (b"{", "Expecting"),
            (b'{"port_taken": true}', "port_taken"),
            (b'{"loss": NaN}', "loss"),
            (b"[" * 50_000, "levels"),
        ):
            status, answer = live.post("/faults", body)
            assert status == 400, body[:20]
            assert named in str(answer["error"])
        status, answer = live.post("/events", b'{"event": "explode"}')
        assert status == 400
        assert "world_load" in str(answer["error"])
        assert live.post("/events", b'{"event": "respawn"}')[0] == 200
        assert live.post("/events", b'{"event": "sit"}')[0] == 400
        with urllib.request.urlopen(live.url("/faults"), timeout=TIMEOUT_S) as answer:
            assert json.load(answer)["loss"] == 0.5


@pytest.mark.parametrize("path", ["/faults", "/events"])
def test_changes_need_the_token_of_the_standin(path: str) -> None:
    with live_standin() as live:
        for wrong in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}0"):
            status, answer = live.post(path, b'{"menu": true}', Authorization=wrong)
            assert (status, "token" in str(answer["error"])) == (403, True)
        for query in ("?token=", "?token=x", "?tokens=" + TOKEN):
            assert live.post(path + query, b"{}", Authorization="")[0] == 403
        assert live.post(f"{path}?token={TOKEN}", b"{}", Authorization="")[0] in (200, 400)
        with urllib.request.urlopen(live.url("/faults"), timeout=TIMEOUT_S) as answer:
            assert json.load(answer)["menu"] is False


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:8900"}]
)
def test_a_foreign_web_page_is_refused(headers: dict[str, str]) -> None:
    with live_standin() as live:
        assert live.post("/faults", b'{"menu": true}', **headers)[0] == 403
        local = live.post("/faults", b"{}", Origin="http://localhost:3000")
        assert local[1]["menu"] is False
