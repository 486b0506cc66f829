"""Two faults at once in one live run, and a pause of all its processes: no input stays pressed."""

import time

import psutil
import pytest

from benchmarks.processes import KILLED
from benchmarks.realtime.fault_injection import LiveRun
from benchmarks.reliability.two_faults import ProcessFault, cause, release_ms
from tests.e2e.test_rest import LIMIT_MS, Camera
from tests.polling import wait_until

pytestmark = pytest.mark.e2e
PROCESSES = ("supervisor", "guard", "body", "trainer", "recorder")


@pytest.fixture
def run(awkward_path):
    camera = Camera()
    run = LiveRun(awkward_path, camera)
    yield run
    run.close()
    camera.stop()


def test_inputs_are_released_after_two_faults_and_after_a_pause_of_everything(run):
    before = {name: run.pid(name) for name in PROCESSES}
    processes = [psutil.Process(pid) for pid in before.values()]
    for process in processes:
        process.suspend()
    time.sleep(1.0)  # longer than a hang of the body
    run.client.forget()
    for process in processes:
        process.resume()
    wait_until(lambda: len(run.client.first_values) >= 5, "the first value of each input")
    assert not any(run.client.first_values.values()), "released before the body acts again"
    run.wait_for_motion()
    assert {name: run.pid(name) for name in PROCESSES} == before, "a pause is not a hang"

    guard_stopped, body_killed = ProcessFault("guard", "stopped"), ProcessFault("body", "killed")
    began = time.perf_counter()
    stopped = cause(run, (guard_stopped,))["guard"]
    assert release_ms(run, (body_killed,)) < LIMIT_MS
    wait_until(lambda: not stopped.is_running(), "the end of the guard that hangs", 15)
    assert time.perf_counter() - began < 10, "it hangs after 5 s without a heartbeat"
    run.client.forget()
    run.wait_for_motion()
    assert run.pid("guard") != before["guard"], "a new guard"

    assert release_ms(run, (ProcessFault("supervisor", "killed"), body_killed)) < LIMIT_MS
    run.process.wait(10)
    assert run.process.returncode == KILLED[0]
