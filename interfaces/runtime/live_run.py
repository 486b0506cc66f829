"""A life: `run` from the first process started to the summary written."""

import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loguru import logger
from rich.console import Console

from configs.schema import Config
from interfaces.devices.hotkey import Hotkey
from interfaces.ipc.atomic_files import write_json
from interfaces.ipc.board import Board
from interfaces.runtime import run_control as people
from interfaces.runtime.dashboard import Screen
from interfaces.runtime.metrics import MetricsLog, losses, metrics_line, summary
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.supervisor import Fault, Supervisor
from interfaces.vrchat.endpoints import choose_endpoints, write_endpoints

_LOOK_S = 0.1
_MEMORY_S = 20.0


class Life:
    """Supervises one run, shows it, and measures it."""

    def __init__(
        self, run: RunFolder, config: Config, main: Path, console: Console, *, quiet: bool
    ) -> None:
        self._run, self._config = run, config
        self._endpoints = choose_endpoints(config.world)
        write_endpoints(run.endpoints, self._endpoints)
        self.board = Board(run.board, create=True)
        names = ["standin"] if config.world.kind == "standin" else []
        names += ["guard", "body", "trainer"]
        names += ["recorder"] if config.session.record else []
        self._supervisor = Supervisor(run, self.board, main, names)
        self._first_losses: dict[str, float] = {}
        self._memory: dict[str, float] = {}
        self._screen = Screen(self.board, run, config, console, quiet=quiet)
        if self._endpoints.notice:
            self.warn(self._endpoints.notice)

    def live(self, seconds: float | None, stopped: threading.Event) -> dict[str, Any]:
        """Until `seconds` of life have passed or `stopped` is set. Returns the summary.

        Raises Fault, after everything has ended and the summary is written; BadInput for a stop key
        that cannot be heard, before anything has begun.
        """
        with self._emergency_stop():
            return self._live(seconds, stopped)

    def _live(self, seconds: float | None, stopped: threading.Event) -> dict[str, Any]:
        began = time.perf_counter()
        fault: Fault | None = None
        self._supervisor.start()
        log = MetricsLog(self._run.metrics)
        try:
            with self._screen, self._found_by_oscquery():
                fault = self._watch(seconds, stopped, began, log)
        finally:
            self._sample_memory()
            ended = time.perf_counter()
            self._supervisor.stop(["body", "trainer", "guard", "recorder"], ["standin"])
            log.write(metrics_line(self.board, time.perf_counter() - began))
            log.close()
        word = "fault" if fault else "interrupted" if stopped.is_set() else "clean"
        first_tick = int(self.board["first_tick_ns"]) * 1e-9
        content = summary(
            self.board,
            exit_word=word,
            seconds=ended - began,
            lived_s=max(0.0, int(self.board["body_heartbeat_ns"]) * 1e-9 - first_tick),
            steps=int(self.board["steps_lived"]),
            train_ratio=self._train_ratio(),
            first_losses=self._first_losses,
            restarts=self._supervisor.restarts(),
            memory_mb=self._memory,
        )
        content["first_tick_s"] = round(first_tick - began, 2) if first_tick else None
        try:
            write_json(self._run.summary, content)
        except OSError as error:
            fault = fault or Fault(f"{self._run.summary} could not be written: {error}", 1)
        if fault:
            raise fault
        return content

    def _watch(
        self, seconds: float | None, stopped: threading.Event, began: float, log: MetricsLog
    ) -> Fault | None:
        next_line = next_memory = began
        while not stopped.wait(_LOOK_S):
            now = time.perf_counter()
            try:
                self._supervisor.look()
            except Fault as fault:
                return fault
            first_tick = int(self.board["first_tick_ns"]) * 1e-9
            if seconds is not None and first_tick and now - first_tick >= seconds:
                return None
            if not self._first_losses and self.board["session_updates"]:
                self._first_losses = losses(self.board)
            if now >= next_line:
                log.write(metrics_line(self.board, now - began))
                self._screen.show(now - began)
                next_line += 1.0
            if now >= next_memory:
                self._sample_memory()
                next_memory = now + _MEMORY_S
        return None

    @contextmanager
    def _found_by_oscquery(self) -> Generator[None]:
        """Here, not in the body: mDNS and HTTP have no place beside its beat."""
        if not self._endpoints.advertised:
            yield
            return
        from interfaces.vrchat.client_finder import Receiver

        interfaces = self._config.world.osc.interfaces or None
        receiver = Receiver(
            self._endpoints.osc_receive_port, interfaces, self._endpoints.osc_receive_host
        )
        try:
            yield
        finally:
            receiver.close()

    @contextmanager
    def _emergency_stop(self) -> Generator[None]:
        """By a key from any window, and by SIGUSR1 where there is one."""

        def stop(*_: object) -> None:
            try:
                people.stop(self._run, release=False)  # the guard sees it, and the screen shows it
            except (OSError, ValueError) as error:  # here it would end the life
                logger.error("the emergency stop failed: {}", error)

        key = self._config.world.control.stop_key
        hotkey = Hotkey(key, stop) if key else None
        before = signal.signal(signal.SIGUSR1, stop) if sys.platform != "win32" else None
        try:
            yield
        finally:
            if sys.platform != "win32":
                signal.signal(signal.SIGUSR1, before)
            if hotkey is not None:
                hotkey.close()

    def warn(self, notice: str) -> None:
        """Show a line that must not be missed."""
        self._screen.notice = "\n".join(filter(None, [self._screen.notice, notice]))

    def _train_ratio(self) -> float:
        replayed = int(self.board["session_updates"]) * self._config.replayed_per_update
        return replayed / max(1, int(self.board["ticks"]))

    def _sample_memory(self) -> None:
        for name, used in self._supervisor.memory_mb().items():
            self._memory[name] = max(used, self._memory.get(name, 0.0))


def short_summary(content: dict[str, Any], run: RunFolder) -> str:
    """What a person wants to know when a life has ended."""
    late, weights = content["lateness_ms"], content["weights"]
    psnr = content["prediction_psnr"]
    lines = [
        f"{content['ticks']} ticks at {content['hz']:.2f} Hz, {content['missed_beats']} missed, "
        f"lateness p50 {late['p50']:.2f} p99 {late['p99']:.2f} max {late['max']:.2f} ms",
        f"{content['updates']} updates, {weights['applied']} versions applied "
        f"({weights['refused']} refused), reward {content['reward']['sum']:+.2f}",
    ]
    if psnr["model"] is not None:
        lines.append(
            f"next frame: model {psnr['model']:.1f} dB, last frame {psnr['last_frame']:.1f}, "
            f"mean frame {psnr['mean_frame']:.1f}"
        )
    return "\n".join([*lines, f"written to {run.path}"])
