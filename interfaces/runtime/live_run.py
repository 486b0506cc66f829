"""A live run: from the start of its processes to the written summary."""

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
from interfaces.core.learning_methods import learning_method
from interfaces.devices.hotkey import Hotkey
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.runtime.dashboard import Dashboard
from interfaces.runtime.live_control.emergency_stop import (
    hold,
    records_of_dead_runs,
    release_records,
)
from interfaces.runtime.live_control.folder_watch import FolderWatch
from interfaces.runtime.live_control.live_runs import LiveRunEntry
from interfaces.runtime.live_control.release_plan import release_plan
from interfaces.runtime.metrics import MetricsLog, losses, metrics_line, summary
from interfaces.runtime.process_table import processes_of
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.supervisor import ProcessFailure, Supervisor
from interfaces.runtime.system.process_priority import run_unthrottled
from interfaces.safety.supervisor_watch import SupervisorWatch
from interfaces.vrchat.endpoints import choose_endpoints, write_endpoints

_CHECK_EVERY_S = 0.1
_MEMORY_EVERY_S = 20.0


class LiveRun:
    """Supervises one run, shows its dashboard and writes its metrics.

    Raises PortTaken and BadInput as choose_endpoints does.
    """

    def __init__(
        self, run: RunFolder, config: Config, main: Path, console: Console, *, quiet: bool
    ) -> None:
        self._run, self._config = run, config
        self._endpoints = choose_endpoints(config.world)
        write_endpoints(run.endpoints, self._endpoints)
        plan = release_plan(config, self._endpoints)
        self._entry = LiveRunEntry(run.path, plan)
        self.board = self._entry.board
        self._supervisor = Supervisor(run, self.board, main, processes_of(config), self._entry)
        self._body_watch = SupervisorWatch(self.board, plan.target, plan.rest, plan.hz)
        self._folder_watch = FolderWatch(run.path, run.config_file)
        self._first_losses: dict[str, float] = {}
        self._memory: dict[str, float] = {}
        self._dashboard = Dashboard(self.board, run, config, console, quiet=quiet)
        if self._endpoints.notice:
            self.warn(self._endpoints.notice)

    def run(self, seconds: float | None, stopped: threading.Event) -> dict[str, Any]:
        """Run until `seconds` have passed since the first tick, or `stopped` is set.

        Returns the summary. Raises ProcessFailure after every process has ended and the summary is
        written. Raises BadInput, before any process starts, for a stop key that cannot be used.
        """
        for line in release_records(records_of_dead_runs()):  # killed, with inputs still pressed
            logger.warning("{}", line)
        run_unthrottled()
        with self._emergency_stop(), self._entry:
            return self._run_processes(seconds, stopped)

    def _run_processes(self, seconds: float | None, stopped: threading.Event) -> dict[str, Any]:
        began = time.perf_counter()
        failure: ProcessFailure | None = None
        log = MetricsLog(self._run.metrics)  # before a process starts: it can fail
        self._body_watch.start()
        try:
            self._supervisor.start()
            with self._dashboard, self._advertised_receiver():
                failure = self._watch(seconds, stopped, began, log)
        finally:
            self._sample_memory()
            ended = time.perf_counter()
            self._supervisor.stop()
            self._body_watch.close()
            log.write(metrics_line(self.board, self._config.reward, time.perf_counter() - began))
            log.close()
        self._folder_watch.check()
        if problem := self._folder_watch.problem:
            cause = f" ({failure})" if failure else ""
            failure = ProcessFailure(f"{problem}: Steps are lost{cause}", 1)
        exit_word = "fault" if failure else "interrupted" if stopped.is_set() else "clean"
        first_tick = int(self.board["first_tick_ns"]) * 1e-9
        content = summary(
            self.board,
            self._config.reward,
            exit_word=exit_word,
            seconds=ended - began,
            acting_s=max(0.0, int(self.board["body_heartbeat_ns"]) * 1e-9 - first_tick),
            steps=int(self.board["steps_lived"]),
            train_ratio=self._train_ratio(),
            first_losses=self._first_losses,
            restarts=self._supervisor.restarts(),
            memory_mb=self._memory,
        )
        content["restart_causes"] = self._supervisor.restart_causes()
        content["first_tick_s"] = round(first_tick - began, 2) if first_tick else None
        try:
            if not self._folder_watch.problem:
                write_checked_json(self._run.summary, content)
        except OSError as error:
            failure = failure or ProcessFailure(
                f"{self._run.summary} could not be written: {error}", 1
            )
        if failure:
            raise failure
        return content

    def _watch(
        self, seconds: float | None, stopped: threading.Event, began: float, log: MetricsLog
    ) -> ProcessFailure | None:
        """Supervise and measure until the end. Returns the failure that ended the run, if any."""
        next_line = next_memory = began
        while not stopped.wait(_CHECK_EVERY_S):
            if self.board["end_requested"]:
                stopped.set()
                return None
            now = time.perf_counter()
            for message in self._body_watch.take_reports():
                logger.info("supervisor: {}", message)
            try:
                self._supervisor.check()
            except ProcessFailure as failure:
                return failure
            first_tick = int(self.board["first_tick_ns"]) * 1e-9
            if seconds is not None and first_tick and now - first_tick >= seconds:
                return None
            if not self._first_losses and self.board["session_updates"]:
                self._first_losses = losses(self.board)
            if now >= next_line:
                if self._folder_watch.check():
                    logger.error("{}: nothing more is recorded", self._folder_watch.problem)
                    self.warn(f"{self._folder_watch.problem}: nothing more is recorded")
                log.write(metrics_line(self.board, self._config.reward, now - began))
                self._dashboard.restarts = self._supervisor.restart_notice()
                self._dashboard.show(now - began)
                next_line += 1.0
            if now >= next_memory:
                self._sample_memory()
                next_memory = now + _MEMORY_EVERY_S
        return None

    @contextmanager
    def _advertised_receiver(self) -> Generator[None]:
        """Advertise the receive port here, because mDNS and HTTP would delay ticks of the body."""
        if not self._endpoints.advertised:
            yield
            return
        from interfaces.vrchat.client_finder import ReceiverAdvertiser

        interfaces = self._config.world.osc.interfaces or None
        receiver = ReceiverAdvertiser(
            self._endpoints.osc_receive_port, interfaces, self._endpoints.osc_receive_host
        )
        try:
            yield
        finally:
            receiver.close()

    @contextmanager
    def _emergency_stop(self) -> Generator[None]:
        """Stop by a key in any window, and by SIGUSR1 if the system has it."""

        def stop(*_: object) -> None:
            hold(self._run, self.board)  # guard and supervisor act on it

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
        """Show a warning on the dashboard."""
        self._dashboard.notice = "\n".join(filter(None, [self._dashboard.notice, notice]))

    def _train_ratio(self) -> float:
        replayed_per_update = learning_method(self._config).replayed_per_update(self._config)
        replayed = int(self.board["session_updates"]) * replayed_per_update
        return replayed / max(1, int(self.board["ticks"]))

    def _sample_memory(self) -> None:
        for name, used in self._supervisor.memory_mb().items():
            self._memory[name] = max(used, self._memory.get(name, 0.0))


def short_summary(content: dict[str, Any], run: RunFolder) -> str:
    """The text that the command prints after a run."""
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
