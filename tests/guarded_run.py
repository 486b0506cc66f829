"""A guard and a minimal body in real processes, and a client that receives their datagrams."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import psutil

from benchmarks.processes import resume
from configs.load import load_config, write_config
from interfaces.ipc.board import Board
from interfaces.osc.message import decode
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.endpoints import Endpoints, write_endpoints
from tests.conftest import ROOT
from tests.polling import wait_until

# A minimal body: a heartbeat, the fence, and datagrams that move the avatar.
BODY = """
import os, socket, sys, time
from pathlib import Path
import numpy as np
from interfaces.ipc.board import Board
from interfaces.runtime.control_arbitration import ControlArbiter, ControlMode
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.action_encoder import ActionEncoder
run, port = RunFolder(Path(sys.argv[1])), int(sys.argv[2])
board = Board(run.board)
world, hz = run.config.world, run.config.tick.hz
encoder = ActionEncoder(world.actions)
control = ControlArbiter(board, world.control, world.actions, hz)
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
board.heartbeat("body")
board["body_pid"] = os.getpid()
while not board["stop"]:
    if control.decide().mode is ControlMode.POLICY:
        for datagram in encoder.encode(np.array([1, 1, 1, 1, 1], np.float32))[0]:
            out.sendto(datagram, ("127.0.0.1", port))
    board["ticks"] += 1
    board.heartbeat("body")
    time.sleep(0.02)
"""


def real_process(started):
    """The process that works. In a virtual environment on Windows, `started` only launches it."""
    process = psutil.Process(started.pid)
    return (process.children() or [process])[0]


class GuardedRun:
    """A run folder, a client that receives all datagrams, a guard and a body."""

    def __init__(self, folder):
        self.run = RunFolder(folder)
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.bind(("127.0.0.1", 0))
        self.client.settimeout(0.05)
        self.port = self.client.getsockname()[1]
        self.config = load_config(ROOT / "configs" / "tiny.yaml", ["tick.hz=20"])
        write_config(self.config, self.run.config_file)
        write_endpoints(self.run.endpoints, Endpoints("127.0.0.1", self.port, 0, "none"))
        self.board = Board(self.run.board, create=True)
        self.guard = self.start([sys.executable, str(ROOT / "main.py"), "_guard", str(folder)])
        self.body = self.start_body()
        wait_until(
            lambda: self.board["ticks"] > 5 and self.board["guard_heartbeat_ns"] > 0, "the start"
        )
        self.flush()  # after a slow start the buffer may be full and drop new datagrams

    def start_body(self):
        return self.start([sys.executable, "-c", BODY, str(self.run.path), str(self.port)])

    def start(self, command):
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def wait_for_rests(self, count):
        wait_until(lambda: self.board["rests"] == count, f"{count} releases", timeout_s=5)

    def received(self, seconds):
        """(address, value) of every message that arrives within `seconds`, in order.

        On a slow machine some are read only at the end.
        """
        datagrams, deadline = [], time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            with contextlib.suppress(TimeoutError):
                datagrams.append(self.client.recv(4096))
        datagrams += self.flush()
        return [
            (address, arguments[0])
            for datagram in datagrams
            for address, arguments in decode(datagram)
        ]

    def flush(self):
        """The datagrams that have arrived already."""
        datagrams = []
        self.client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                datagrams.append(self.client.recv(4096))
        self.client.settimeout(0.05)
        return datagrams

    def close(self):
        self.board["stop"] = 1
        for process in (self.body, self.guard):
            if process.poll() is None:
                resume(process.pid)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.client.close()


def rest_counts(messages, actions):
    """How often each input's rest value arrives after the last movement."""
    moving = [i for i, (_, value) in enumerate(messages) if value != 0]
    tail = messages[moving[-1] + 1 :] if moving else messages
    return {a.name: sum(address == f"/input/{a.name}" for address, _ in tail) for a in actions}
