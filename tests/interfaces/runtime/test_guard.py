"""The guard, a real process, with a real body that is killed, suspended and resumed."""

import subprocess
import sys
import time

import pytest

from benchmarks.processes import resume, suspend
from interfaces.ipc.board import Board
from interfaces.safety.body_watch import GUARD_FIELDS, BodyWatch
from tests.guarded_run import GuardedRun, rest_counts
from tests.polling import wait_until


@pytest.fixture
def guarded(awkward_path):
    guarded = GuardedRun(awkward_path)
    yield guarded
    guarded.close()


def test_killed_body_has_every_input_released_three_times(guarded):
    guarded.flush()
    guarded.body.kill()
    killed = time.perf_counter()
    guarded.wait_for_rests(1)
    released_s = time.perf_counter() - killed
    counts = rest_counts(guarded.received(0.3), guarded.config.world.actions)
    assert all(count >= 3 for count in counts.values()), counts
    # benchmarks.realtime.input_release measures the limit of 200 ms; this machine may be busy.
    assert released_s < 1.0
    assert guarded.guard.poll() is None, "the guard waits for the next body"


def test_suspended_body_is_fenced_and_may_move_again_only_after_rest(guarded):
    actions = guarded.config.world.actions
    suspend(guarded.body.pid)
    suspended = time.perf_counter()
    guarded.wait_for_rests(1)
    assert time.perf_counter() - suspended < 2.0  # the limit is 2.5 ticks + 200 ms = 325 ms
    assert guarded.board["fence"] == 1
    counts = rest_counts(guarded.received(0.3), actions)
    assert all(count >= 3 for count in counts.values()), counts
    assert guarded.received(0.3) == [], "neither the suspended body nor the guard sends now"

    resume(guarded.body.pid)
    wait_until(lambda: guarded.board["fence"] == 0, "the fence is lowered", timeout_s=5)
    assert guarded.board["rests"] == 2
    messages = guarded.received(0.4)
    # The rest of a tick that was interrupted may come first. Three rounds of rest values follow.
    values, rounds = [value for _, value in messages], 3 * len(actions)
    unfinished = next(i for i in range(len(values)) if values[i : i + rounds] == [0] * rounds)
    assert unfinished <= len(actions)
    messages = messages[unfinished:]
    first_move = next(i for i, (_, value) in enumerate(messages) if value != 0)
    before = messages[:first_move]
    assert sum(address == "/input/Vertical" for address, _ in before) >= 3
    assert ("/input/Vertical", 1.0) in messages[first_move:], "then the body moves again"


def test_guard_ends_with_the_run_and_releases_the_inputs(guarded):
    guarded.board["stop"] = 1
    guarded.body.wait(5)
    guarded.guard.wait(5)
    counts = rest_counts(guarded.received(0.3), guarded.config.world.actions)
    assert all(count >= 3 for count in counts.values()), counts


def test_restarted_body_is_watched_like_the_first(guarded):
    guarded.body.kill()
    guarded.wait_for_rests(1)
    guarded.body.wait()
    ticks = int(guarded.board["ticks"])
    guarded.body = guarded.start_body()
    wait_until(lambda: guarded.board["ticks"] > ticks + 5, "ticks of the new body")
    assert guarded.board["fence"] == 0
    guarded.body.kill()
    guarded.wait_for_rests(2)


def body_watch(board, rest):
    return BodyWatch(
        board,
        GUARD_FIELDS,
        ("127.0.0.1", 9),
        rest,
        20.0,
        lambda: bool(board["halted"]),
        lambda message: None,
    )


def test_body_that_starts_just_before_the_stop_is_released(tmp_path, monkeypatch):
    """While the guard sleeps, a body starts and the Board says stop."""
    board = Board(tmp_path / "board", create=True)
    body = subprocess.Popen([sys.executable, "-c", ""])
    body.wait()

    def start_body_and_stop(_):
        board["body_pid"], board["stop"] = body.pid, 1

    monkeypatch.setattr("interfaces.safety.body_watch.time.sleep", start_body_and_stop)
    guard = body_watch(board, [b"rest"])
    guard.run(lambda: bool(board["stop"]))
    guard.close()
    assert board["rests"] == 1


def test_restarted_guard_raises_a_fence_with_a_new_number(tmp_path):
    """With a used number the fence would be lowered before the body has confirmed it."""
    board = Board(tmp_path / "board", create=True)
    board["fence"], board["fence_seen"], board["ticks"] = 1, 0, 5
    guard = body_watch(board, [])
    board["fence_seen"], board["fence"] = 1, 0  # the body confirmed the fence, and it was lowered
    board["halted"] = 1  # as on a full disk
    guard.check_heartbeat()
    board.heartbeat("body")
    assert board["fence"] == 2
    board["halted"] = 0
    guard.check_heartbeat()
    assert board["fence"] == 2, "not before the body confirmed it"
    board["fence_seen"] = 2
    guard.check_heartbeat()
    guard.close()
    assert board["fence"] == 0


def test_restarted_body_sends_no_input_during_an_emergency_stop(guarded):
    """Not even in its first tick, which is sooner than the next look of the guard."""
    board = guarded.board
    board["halted"] = 1
    wait_until(lambda: board["fence"], "the fence is raised", timeout_s=5)
    for count in (2, 3, 4, 5):
        guarded.body.kill()
        guarded.body.wait()
        guarded.wait_for_rests(count)
        guarded.flush()
        board["body_heartbeat_ns"] = 0
        guarded.body = guarded.start_body()
        wait_until(lambda: board["body_heartbeat_ns"], "a tick of the new body")
        assert all(value == 0 for _, value in guarded.received(0.3))
    board["halted"] = 0
    wait_until(lambda: not board["fence"], "the fence is lowered", timeout_s=5)
    guarded.flush()
    assert ("/input/Vertical", 1.0) in guarded.received(0.4), "the body moves again"


def test_guard_that_starts_during_an_emergency_stop_raises_its_fence_first(tmp_path):
    """A resumed run with the file STOP: its body waits for the guard's first heartbeat only."""
    board = Board(tmp_path / "board", create=True)
    board["halted"] = 1
    guard = body_watch(board, [b"rest"])
    guard.close()
    assert board["fence"] == 1
    assert board["rests"] == 1, "a body that already runs may have pressed inputs"
