"""A client that this process moves a little: a guard releases the inputs, however it ends."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from configs.errors import BadInput
from configs.load import write_config
from configs.schema import Config
from interfaces.core.clock import RealClock
from interfaces.osc.message import encode
from interfaces.osc.osc_receiver import OscReceiver
from interfaces.osc.ports import listen_at
from interfaces.runtime.child_process import SUPERVISOR_PID
from interfaces.runtime.live_control.live_runs import LiveRunEntry
from interfaces.runtime.live_control.release_plan import release_plan
from interfaces.runtime.process_table import find_process
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.action_encoder import release_datagrams
from interfaces.vrchat.client_finder import ReceiverAdvertiser
from interfaces.vrchat.endpoints import Endpoints, write_endpoints

_POLL_S = 0.001
_GUARD_WAIT_S = 10.0
_GUARD_SILENT_S = 0.5  # its heartbeat comes fifty times per second


class MovementStopped(Exception):
    """A person or the guard stopped the movement. The message is the reason."""


class GuardedClient:
    """Sends inputs to the client and receives its messages. Use as a context.

    Its own guard releases every input, however this process ends. `main`: path of main.py.
    `stopped`: ends the movement when set. `receive` gets each datagram, in a thread of its own.
    """

    def __init__(
        self,
        config: Config,
        endpoints: Endpoints,
        main: Path,
        stopped: threading.Event,
        receive: Callable[[bytes], None],
    ) -> None:
        self._stopped, self._clock = stopped, RealClock()
        self._target = (endpoints.osc_host, endpoints.osc_send_port)
        self._rest = release_datagrams(config.world.actions)
        listener = listen_at(endpoints.osc_receive_port, endpoints.osc_receive_host)
        self._in = OscReceiver(listener, endpoints.osc_host, receive)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver = None
        if endpoints.advertised:
            self._receiver = ReceiverAdvertiser(
                endpoints.osc_receive_port,
                config.world.osc.interfaces or None,
                endpoints.osc_receive_host,
            )
        self._folder = tempfile.TemporaryDirectory(
            prefix="yume-inputs-", ignore_cleanup_errors=True
        )
        run = RunFolder(Path(self._folder.name))
        run.logs.mkdir()
        write_config(config, run.config_file)
        write_endpoints(run.endpoints, endpoints)
        self._entry = LiveRunEntry(run.path, release_plan(config, endpoints))
        self._board = self._entry.board
        self._entry.__enter__()
        self._guard_log = run.logs / "guard.log"
        with self._guard_log.open("wb") as log:
            self._guard = subprocess.Popen(
                find_process("guard").arguments(sys.executable, main, run.path),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={
                    **os.environ,
                    SUPERVISOR_PID: str(os.getpid()),
                    **self._entry.environment,
                },
                pass_fds=self._entry.descriptors,
                start_new_session=sys.platform != "win32",
                # No console: closing the window must not end this process and its guard together.
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        self._entry.note_processes({"guard": self._guard.pid})

    def __enter__(self) -> Self:
        """Wait for the guard. Raises BadInput if it does not start: without it nothing moves."""
        deadline = time.perf_counter() + _GUARD_WAIT_S
        while not self._board["guard_heartbeat_ns"]:
            if self._guard.poll() is not None or time.perf_counter() > deadline:
                why = self._last_log_line() or f"no heartbeat within {_GUARD_WAIT_S:g} s"
                self.__exit__(None, None, None)
                raise BadInput(
                    f"the guard did not start ({why}), and without it nothing moves. If this "
                    "machine is busy, close other programs and try again; see "
                    "`python main.py doctor`"
                )
            time.sleep(0.02)
        self._board.heartbeat("body")
        self._board["body_pid"] = os.getpid()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # without a network nothing arrives, and nothing moves
            for _ in range(3):  # UDP may lose a packet
                self.rest()
        self._guard.kill()  # a clean stop would wait until this process ends
        self._guard.wait()
        self._entry.__exit__(None, None, None)
        self._in.close()
        self._out.close()
        if self._receiver is not None:
            self._receiver.close()
        self._folder.cleanup()

    def now(self) -> float:
        """Seconds of the clock."""
        return self._clock.now()

    def send(self, axis: str, value: float) -> float:
        """Send a wire value, -1..1, to an input axis. Returns the time, in seconds."""
        self._out.sendto(encode(f"/input/{axis}", float(value)), self._target)
        return self._clock.now()

    def rest(self) -> None:
        """Release every input."""
        for datagram in self._rest:
            self._out.sendto(datagram, self._target)

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Wait up to `seconds`. Returns whether `until` became true. Raises MovementStopped."""
        ends = self._clock.now() + seconds
        while not (is_true := until()) and self._clock.now() < ends:
            if self._stopped.is_set():
                raise MovementStopped("stopped")
            if self._board["fence"]:
                raise MovementStopped("this machine hung: the guard released the inputs")
            if self._board.heartbeat_age_s("guard") > _GUARD_SILENT_S:
                raise MovementStopped("the guard ended or hangs, and without it nothing moves")
            self._board["ticks"] += 1
            self._board.heartbeat("body")
            time.sleep(_POLL_S)
        return is_true

    def _last_log_line(self) -> str:
        """The last line in the log of a guard that ended; "" while it runs."""
        if self._guard.poll() is None:
            return ""
        lines = self._guard_log.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line for line in lines if line.strip()]
        return lines[-1] if lines else f"it ended with code {self._guard.returncode}"
