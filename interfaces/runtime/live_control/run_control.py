"""Commands of a person to a live run: find it, pause, resume and end. See emergency_stop.py."""

import time
from pathlib import Path

from interfaces.ipc.atomic_files import shell_quoted
from interfaces.ipc.board import Board
from interfaces.runtime.live_control.live_runs import live_run_records, open_board, record_of
from interfaces.runtime.run_folder import RunError, RunFolder, open_run

_HEARTBEAT_TIMEOUT_S = 5.0
_END_S = 30.0


def find_live_run(path: Path | None) -> RunFolder:
    """The run in folder `path`, or the live run of this user that started last.

    A live run is found by its record too, so its folder may be elsewhere or deleted. Raises
    RunError if it is not a live run, or if there is none.
    """
    if path is not None:
        record = record_of(path)
        run = open_run(path) if record is None else RunFolder(record.folder)
        if not is_alive(run):
            raise RunError(f"{path} is not a live run: it has no running body or guard")
        return run
    folders = [each.parent.resolve() for each in Path("runs").glob("*/config.yaml")]
    folders += [record.folder for record in live_run_records() if record.runs]
    live = [run for folder in dict.fromkeys(folders) if is_alive(run := RunFolder(folder))]
    if not live:
        raise RunError("no live run in runs/, and none that this user started elsewhere")
    # A run that has not had its first tick does not move anything yet.
    return max(live, key=lambda run: (int(open_board(run)["first_tick_ns"]), run.path.name))


def is_alive(run: RunFolder) -> bool:
    """Whether the body or the guard of the run had a heartbeat in the last 5 s, and runs."""
    record = record_of(run.path)
    if record is not None and not record.runs:
        return False
    try:
        return has_recent_heartbeat(open_board(run))
    except (OSError, ValueError):  # no Board, or one of another version
        return False


def has_recent_heartbeat(board: Board) -> bool:
    """Like is_alive, for an open Board."""
    ages = [
        board.heartbeat_age_s(process)
        for process in ("guard", "body")
        if board[f"{process}_heartbeat_ns"]
    ]
    # After a restart of the machine its clock starts again, and ages can be negative.
    return any(0.0 <= age < _HEARTBEAT_TIMEOUT_S for age in ages)


def pause(run: RunFolder, *, paused: bool) -> str:
    """Pause the policy, or let it act again. Returns a message for the user."""
    board = open_board(run)
    board["paused"] = int(paused)
    if paused:
        resume = command_line(run, "resume")
        return f"{run.path.name} is paused: the policy does not act until `{resume}`"
    release = command_line(run, "stop --release")
    stopped = f"; the emergency stop still holds until `{release}`"
    return f"{run.path.name} acts again" + (stopped if is_stopped(run, board) else "")


def end(run: RunFolder) -> str:
    """End a run as Ctrl-C in its terminal does, and wait. Returns a message for the user.

    Raises RunError if it does not end within 30 s.
    """
    record = record_of(run.path)
    open_board(run)["end_requested"] = 1
    deadline = time.perf_counter() + _END_S
    while is_alive(run) if record is None else record.runs:
        if time.perf_counter() > deadline:
            raise RunError(f"{run.path} has not ended within {_END_S:.0f} s; see {run.logs}")
        time.sleep(0.1)
    return f"{run.path.name} has ended"


def command_line(run: RunFolder, words: str) -> str:
    """The command with the run's folder, ready to copy."""
    return f"{words} {shell_quoted(run.path)}"


def is_stopped(run: RunFolder, board: Board) -> bool:
    """Whether the emergency stop holds."""
    return bool(board["halted"]) or run.stop_file.exists()
