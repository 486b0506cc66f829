"""The client under measurement: told wire values, watched, and never left moving."""

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
from interfaces.devices.camera import Camera, Grabbed
from interfaces.ipc.board import Board
from interfaces.osc.message import encode
from interfaces.osc.ports import listen_at
from interfaces.runtime.child_process import SUPERVISOR_PID
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.action_encoder import rest_datagrams
from interfaces.vrchat.avatar_parameters import Feelings
from interfaces.vrchat.client_finder import Receiver
from interfaces.vrchat.endpoints import Endpoints, write_endpoints

AXES = ("LookHorizontal", "Vertical", "Horizontal")
FELT = ("AngularY", "VelocityX", "VelocityZ")
_POLL_S = 0.001
_GUARD_WAIT_S = 10.0


class Stopped(Exception):
    """A person, or the guard, has ended it. The message says why."""


class Subject:
    """Use as a context: a guard of its own lets go of every input, however this process ends."""

    def __init__(
        self, config: Config, endpoints: Endpoints, main: Path, stopped: threading.Event
    ) -> None:
        self._stopped, self._clock = stopped, RealClock()
        self._target = (endpoints.osc_host, endpoints.osc_send_port)
        self._rest = [
            *rest_datagrams(config.world.actions),
            *(encode(f"/input/{a}", 0.0) for a in AXES),
        ]
        self._in = listen_at(endpoints.osc_receive_port, endpoints.osc_receive_host)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.feelings = Feelings(FELT, (), {}, self._clock.now)
        self._closed = False
        threading.Thread(target=self._hear, name="osc-in", daemon=True).start()
        self._camera = Camera(endpoints.camera_source, config.world.camera, self._clock)
        self._receiver = None
        if endpoints.advertised:
            self._receiver = Receiver(
                endpoints.osc_receive_port,
                config.world.osc.interfaces or None,
                endpoints.osc_receive_host,
            )
        self._folder = tempfile.TemporaryDirectory(
            prefix="yume-calibrate-", ignore_cleanup_errors=True
        )
        run = RunFolder(Path(self._folder.name))
        run.logs.mkdir()
        write_config(config, run.config_file)
        write_endpoints(run.endpoints, endpoints)
        self._board = Board(run.board, create=True)
        self._guard_log = run.logs / "guard.log"
        with self._guard_log.open("wb") as log:
            self._guard = subprocess.Popen(
                [sys.executable, str(main), "_guard", str(run.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, SUPERVISOR_PID: str(os.getpid())},
                start_new_session=sys.platform != "win32",
            )

    def __enter__(self) -> Self:
        """Raises BadInput when the guard does not come: nothing is moved without one."""
        deadline = time.perf_counter() + _GUARD_WAIT_S
        while not self._board["guard_heartbeat_ns"]:
            if self._guard.poll() is not None or time.perf_counter() > deadline:
                why = self._last_words() or f"no sign of it within {_GUARD_WAIT_S:g} s"
                self.__exit__(None, None, None)
                raise BadInput(
                    f"the guard did not start ({why}), and without one nothing is moved; close "
                    "what keeps this machine busy and try again, `python main.py doctor` tells more"
                )
            time.sleep(0.02)
        self._board.beat("body")
        self._board["body_pid"] = os.getpid()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _ in range(3):  # UDP may lose one
            self.rest()
        self._guard.kill()  # told to stop it would wait for this process to end
        self._guard.wait()
        self._closed = True
        self._in.close()
        self._out.close()
        self._camera.close()
        if self._receiver is not None:
            self._receiver.close()
        self._folder.cleanup()

    def now(self) -> float:
        return self._clock.now()

    def grabbed(self) -> Grabbed | None:
        return self._camera.newest()

    def tell(self, axis: str, value: float) -> float:
        """Send one axis; returns when."""
        self._out.sendto(encode(f"/input/{axis}", float(value)), self._target)
        return self._clock.now()

    def rest(self) -> None:
        for datagram in self._rest:
            self._out.sendto(datagram, self._target)

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Whether `until` came true within. Raises Stopped."""
        ends = self._clock.now() + seconds
        while not (came := until()) and self._clock.now() < ends:
            if self._stopped.is_set():
                raise Stopped("stopped")
            if self._board["fence"]:
                raise Stopped("this machine hung: the guard let go")
            self._board["ticks"] += 1
            self._board.beat("body")
            time.sleep(_POLL_S)
        return came

    def _last_words(self) -> str:
        """The last line the guard said, before it ended by itself."""
        if self._guard.poll() is None:
            return ""
        lines = self._guard_log.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line for line in lines if line.strip()]
        return lines[-1] if lines else f"it ended with code {self._guard.returncode}"

    def _hear(self) -> None:
        while not self._closed:
            try:
                datagram = self._in.recv(65536)
            except (TimeoutError, ConnectionResetError):
                continue
            except OSError:
                return
            self.feelings.take(datagram)
