"""VRChat processes are found, and their --osc ports compared with the configuration."""

import contextlib
import subprocess
import sys

import pytest

from interfaces.doctor.check_vrchat_process import (
    VrchatProcess,
    process_finding,
    vrchat_processes,
)
from tests.interfaces.doctor.settings import vrchat_world


def test_without_vrchat_there_is_a_problem_unless_a_client_answers_or_the_host_is_another():
    world, elsewhere = vrchat_world(), vrchat_world("world.osc.host=192.0.2.7")
    assert process_finding(world, [], client=False).level == "problem"
    assert process_finding(world, [], client=True).level == "ok"
    assert process_finding(elsewhere, [], client=False).level == "ok"
    assert process_finding(world, [VrchatProcess(7, 60.0)], client=False).level == "ok"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Python runs as VRChat.exe")
def test_a_vrchat_process_is_found_and_a_program_that_only_names_it_is_not(tmp_path):
    vrchat_exe, other = tmp_path / "VRChat.exe", tmp_path / "proton"
    for path in (vrchat_exe, other):
        path.symlink_to(sys.executable)
    words = ["-c", "import sys; print(flush=True); sys.stdin.read()"]
    commands = [[vrchat_exe, *words, "--osc=9100:127.0.0.1:9101"], [other, *words, vrchat_exe]]
    with contextlib.ExitStack() as stack:
        pids = []
        for command in commands:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            child = stack.enter_context(subprocess.Popen(command, **pipes))
            stack.callback(child.kill)
            child.stdout.readline()
            pids.append(child.pid)
        found = {each.pid: each for each in vrchat_processes()}
    assert found[pids[0]].osc == (9100, "127.0.0.1", 9101)
    assert pids[1] not in found


def test_other_osc_ports_of_vrchat_are_a_warning():
    processes = [VrchatProcess(7, 60.0, (9100, "127.0.0.1", 9101))]
    finding = process_finding(vrchat_world(), processes, client=True)
    assert finding.level == "warning"
    assert finding.remedy == "world.osc.send_port=9100 world.osc.receive_port=9101"
    same = [VrchatProcess(7, 60.0, (9000, "127.0.0.1", 9001))]
    assert process_finding(vrchat_world(), same, client=True).level == "ok"
