"""The supervisor releases the inputs when the guard cannot, with real processes and datagrams."""

import errno
import socket
import subprocess
import sys
import time

import pytest

from interfaces.ipc.board import Board
from interfaces.safety.input_rest import input_rest_datagrams
from interfaces.safety.supervisor_watch import SupervisorWatch
from tests.guarded_run import GuardedRun, real_process, rest_counts
from tests.polling import wait_until


@pytest.fixture
def guarded(awkward_path):
    """A guarded body, and the watch of its supervisor in this process."""
    guarded = GuardedRun(awkward_path)
    watch = SupervisorWatch(
        guarded.board,
        ("localhost", guarded.port),
        input_rest_datagrams(guarded.config.world),
        20.0,
    )
    watch.start()
    yield guarded
    guarded.close()
    watch.close()


def check_release(guarded, count):
    board = guarded.board
    wait_until(lambda: board["supervisor_rests"] == count, "a release", timeout_s=5)
    counts = rest_counts(guarded.received(0.2), guarded.config.world.actions)
    assert all(count >= 3 for count in counts.values()), counts


def test_supervisor_releases_without_the_guard(guarded):
    board = guarded.board
    guard, body = real_process(guarded.guard), real_process(guarded.body)
    guard.suspend()
    body.suspend()
    check_release(guarded, 1)
    assert board["supervisor_fence"] == 1
    assert board["fence"] == 0
    body.resume()
    wait_until(lambda: not board["supervisor_fence"], "the fence is lowered", timeout_s=5)
    assert board["supervisor_rests"] == 2, "the body may move only after another release"
    guard.resume()
    ticks = int(board["ticks"])
    wait_until(lambda: board["ticks"] > ticks + 5 and not board["fence"], "ticks", timeout_s=5)
    guarded.flush()
    assert ("/input/Vertical", 1.0) in guarded.received(0.2), "the body moves again"

    guard.kill()
    body.kill()
    check_release(guarded, 3)


def test_watch_goes_on_after_an_error(tmp_path, monkeypatch):
    """Without file descriptors a body cannot be watched by its process, until some are free."""
    board = Board(tmp_path / "board", create=True)
    body = subprocess.Popen([sys.executable, "-c", ""])
    body.wait()
    failures = []

    def too_many_files(_):
        failures.append(1)
        raise OSError(errno.EMFILE, "Too many open files")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.settimeout(5)
        watch = SupervisorWatch(board, client.getsockname(), [b"rest"], 20.0)
        with monkeypatch.context() as patch:
            patch.setattr("interfaces.safety.body_watch.ProcessWatch", too_many_files)
            board["body_pid"] = body.pid
            watch.start()
            wait_until(lambda: len(failures) > 2, "failures")
        assert client.recv(100) == b"rest"
        began = time.perf_counter()
        watch.close()
        assert time.perf_counter() - began < 1.0, "no body is left: the thread ends at once"
    assert "Too many open files" in watch.take_reports()[0]
