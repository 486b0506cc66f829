"""The guard process: releases every input when the body has ended or hangs."""

import os
import sys
import time
from pathlib import Path

from loguru import logger

from interfaces.runtime.child_process import set_up_process, watch_supervisor
from interfaces.runtime.live_control.live_runs import open_board, own_record
from interfaces.runtime.live_control.release_plan import read_release_plan
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import leftover_processes
from interfaces.runtime.system.process_priority import run_unthrottled
from interfaces.safety.body_watch import GUARD_FIELDS, BodyWatch

_CLOSING_S = 10.0


def watch_run(run_path: Path) -> None:
    """Run the guard for the run in folder `run_path`. Entry point of its process."""
    stopped, orphaned = set_up_process("guard"), watch_supervisor()
    run_unthrottled()
    run, record = RunFolder(run_path), own_record()
    # By its record, a guard also starts again when the folder is gone.
    plan = read_release_plan(run) if record is None else record.plan
    board = open_board(run)
    watch = BodyWatch(
        board,
        GUARD_FIELDS,
        plan.target,
        plan.rest,
        plan.hz,
        lambda: bool(board["halted"]) or os.path.exists(run.stop_file),  # False without permission
        logger.info,
    )
    watch.run(
        lambda: stopped.is_set() or orphaned.is_set() or bool(board["stop"]),
        lambda: board.heartbeat("guard"),
    )
    watch.close()
    if orphaned.is_set() and record is not None:
        record.remove()  # in place of the dead supervisor: the inputs are released
    if orphaned.is_set() and sys.platform == "win32":
        wait_until_others_end(run)


def wait_until_others_end(run: RunFolder, limit_s: float = _CLOSING_S) -> None:
    """Let the other processes of a run without its supervisor close their files.

    On Windows they are killed when the guard ends: see job_object.py.
    """
    deadline = time.perf_counter() + limit_s
    while leftover_processes(run).keys() - {"guard"} and time.perf_counter() < deadline:
        time.sleep(0.05)
