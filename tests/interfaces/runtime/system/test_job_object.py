"""A job object ends its processes with the last process that holds it."""

import ctypes
import subprocess
import sys

import psutil
import pytest

from interfaces.runtime.process_table import PROCESSES
from interfaces.runtime.system.job_object import ExtendedLimits, JobObject, new_job
from tests.conftest import ROOT
from tests.polling import wait_until

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="job objects of Windows")


class Kernel:
    """Plays kernel32.dll, and keeps the calls."""

    def __init__(self, **refused):
        self.refused, self.calls, self.flags = refused, [], 0

    def CreateJobObjectW(self, attributes, name):
        assert (attributes, name) == (None, None)
        return self.refused.get("create", 7)

    def SetInformationJobObject(self, job, kind, pointer, size):
        assert (job, kind, size) == (7, 9, ctypes.sizeof(ExtendedLimits))
        limits = ctypes.cast(pointer, ctypes.POINTER(ExtendedLimits)).contents
        self.flags = limits.basic.limit_flags
        return self.refused.get("limits", 1)

    def AssignProcessToJobObject(self, job, process):
        self.calls.append(("add", job, process))
        return self.refused.get("add", 1)

    def GetCurrentProcess(self):
        return -1

    def DuplicateHandle(self, source, handle, target, copy, access, inherit, options):
        assert (source, access, inherit, options) == (-1, 0, False, 2)
        self.calls.append(("share", handle, target))
        return 1

    def CloseHandle(self, handle):
        self.calls.append(("close", handle))


def test_the_structure_is_that_of_64_bit_windows():
    assert ctypes.sizeof(ExtendedLimits) == 144


def test_processes_are_added_and_the_job_is_shared():
    kernel = Kernel()
    job = JobObject(kernel)
    assert kernel.flags == 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    assert job.add(11)
    assert job.share_with(12)
    assert kernel.calls == [("add", 7, 11), ("share", 7, 12)]


def test_refusals():
    with pytest.raises(OSError, match="no job object"):
        JobObject(Kernel(create=None))
    kernel = Kernel(limits=0)
    with pytest.raises(OSError, match="limits"):
        JobObject(kernel)
    assert kernel.calls == [("close", 7)]
    assert not JobObject(Kernel(add=0)).add(11)


def test_body_and_guard_are_no_members_and_the_guard_holds_the_job():
    jobs = {spec.name: spec.job for spec in PROCESSES}
    assert {name for name, job in jobs.items() if job != "member"} == {"body", "guard"}
    assert jobs["guard"] == "holder"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has job objects")
def test_other_systems_have_none():
    assert new_job() is None


HOLDER = """
import subprocess, sys, time
from interfaces.runtime.system.job_object import new_job
job = new_job()
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
member, holder, other = (subprocess.Popen(sleep) for _ in range(3))
assert job.add(int(member._handle)) and job.share_with(int(holder._handle))
print(member.pid, holder.pid, other.pid, flush=True)
time.sleep(60)
"""


@on_windows
def test_a_member_ends_when_its_last_holder_has_ended():
    supervisor = subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    member, holder, other = map(psutil.Process, map(int, supervisor.stdout.readline().split()))
    try:
        supervisor.kill()
        supervisor.wait()
        assert member.is_running()  # the second holder lives
        holder.kill()
        wait_until(lambda: not member.is_running(), "the end of the member")
        assert other.is_running()
    finally:
        for process in (member, holder, other):
            if process.is_running():
                process.kill()
        supervisor.stdout.close()
