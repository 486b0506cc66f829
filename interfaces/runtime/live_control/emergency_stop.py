"""The emergency stop: it needs neither the run's folder nor a process of the run.

A flag on the Board holds it, and the file STOP beside it while the folder can be written. Where no
process of the run answers, the command itself releases the inputs.
"""

import contextlib
import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from configs.errors import BadInput
from configs.reading.busy_files import delete_file
from interfaces.ipc.board import Board
from interfaces.ipc.no_links import open_here
from interfaces.runtime.live_control.live_runs import (
    LiveRunRecord,
    live_run_records,
    open_board,
    record_of,
)
from interfaces.runtime.live_control.release_plan import read_release_plan
from interfaces.runtime.live_control.run_control import command_line, find_live_run
from interfaces.runtime.run_folder import RunError, RunFolder, open_run
from interfaces.runtime.run_lock import leftover_processes
from interfaces.safety.body_watch import is_fenced

_ANSWER_S = 0.5  # the guard looks every 20 ms


def hold(run: RunFolder, board: Board) -> None:
    """Start the emergency stop of a live run. It holds until `let_go`. Raises nothing."""
    board["halted"] = 1  # first: this cannot fail
    _write_stop_file(run)


def let_go(run: RunFolder, board: Board) -> None:
    """End the emergency stop. Raises OSError if the file STOP cannot be deleted."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        delete_file(run.stop_file)
    board["halted"] = 0


def stop(path: Path | None, *, release: bool) -> str:
    """Start or release the emergency stop of a run. Returns a message for the user.

    `path`: its folder; without one, the live run that started last, else the runs that ended
    without releasing their inputs. While it holds, the body sends nothing. Raises RunError if there
    is no such run, and OSError.
    """
    try:
        run = find_live_run(path)
    except RunError:
        if release or not (lines := _release_unanswered(path)):
            raise
        return "\n".join(lines)
    board = open_board(run)
    if release:
        let_go(run, board)
        return f"{run.path.name}: emergency stop released"
    hold(run, board)
    held = f"`{command_line(run, 'stop --release')}` lets it act again"
    if _is_confirmed(board):
        return f"{run.path.name}: every input is released; {held}"
    sent = _release(run, record_of(run.path))
    how = f"this command released every input at {sent}" if sent else "its inputs are not known"
    return f"{run.path.name}: the emergency stop holds, and {how}; {held}"


def release_records(records: Sequence[LiveRunRecord]) -> list[str]:
    """Release the inputs of runs whose processes do not answer. Returns a line for each.

    The record of a run without body, guard and supervisor is then removed.
    """
    lines: list[str] = []
    for record in records:
        if (path := record.board_path()) is not None:  # hung processes must not press again
            with contextlib.suppress(OSError, ValueError):
                Board(path)["halted"] = 1
        record.plan.send()
        lines.append(f"{record.folder}: the inputs of this run are released at {record.plan}")
        if not record.is_watched:
            record.remove()
    return lines


def records_of_dead_runs() -> list[LiveRunRecord]:
    """The records of runs that may have left inputs pressed: none of them is watched."""
    return [record for record in live_run_records() if record.may_be_pressed]


def _release_unanswered(path: Path | None) -> list[str]:
    """Release a run that is not alive, by its record, else by the files of its folder."""
    if path is None:  # no run is alive: those that run hang
        records = [each for each in live_run_records() if each.runs or each.may_be_pressed]
        return release_records(records)
    if (record := record_of(path)) is not None:
        return release_records([record])
    run = open_run(path)
    running = leftover_processes(run)
    if running:  # started with another home or YUME_STATE: its guard reads the file STOP
        _write_stop_file(run)
    sent = _release(run, None)
    if sent is None and not running:
        return []
    released = (
        f"the inputs that it uses are released at {sent}" if sent else "its inputs are unknown"
    )
    if not running:
        return [f"{path} is not running; {released}"]
    return [
        f"{path}: {', '.join(running)} still run, but not started with this user folder; the file "
        f"STOP was written, and {released}. Delete STOP to let the run act again"
    ]


def _write_stop_file(run: RunFolder) -> None:
    """The file also holds a resumed run. An empty one is enough, and works on a full disk."""
    with contextlib.suppress(OSError), open_here(run.stop_file, "wb") as file:
        file.write(b"`stop --release` lets the run act again.\n")


def _release(run: RunFolder, record: LiveRunRecord | None) -> str | None:
    """Send the rest values of a run. Returns where they were sent; None if that is not known.

    Without a record, the folder may come from another person: only a client on this machine gets
    datagrams. Raises RunError for another one.
    """
    if record is not None:
        record.plan.send()
        return str(record.plan)
    try:
        plan = read_release_plan(run)
        is_here = ip_address(plan.target[0]).is_loopback
    except (OSError, ValueError, TypeError, BadInput):
        return None
    if not is_here:
        raise RunError(
            f"{run.path} names a client at {plan.target[0]}, and this machine has no record of "
            "that run: only a client on this machine can be released"
        )
    plan.send()
    return str(plan)


def _is_confirmed(board: Board) -> bool:
    """Whether a watch of the run has raised its fence; it releases the inputs then."""
    deadline = time.perf_counter() + _ANSWER_S
    while not is_fenced(board):
        if time.perf_counter() > deadline:
            return False
        time.sleep(0.01)
    return True
