"""Commands of a person to a live run: pause, resume, emergency stop."""

import contextlib
from pathlib import Path

from interfaces.ipc.atomic_files import shell_quoted
from interfaces.ipc.board import Board
from interfaces.runtime.run_folder import RunError, RunFolder, open_run

_HEARTBEAT_TIMEOUT_S = 5.0


def find_live_run(path: Path | None) -> RunFolder:
    """The run in folder `path`, or the live run in runs/ that started last.

    Raises RunError if it is not a live run, or if there is none.
    """
    if path is not None:
        run = open_run(path)
        if not is_alive(run):
            raise RunError(f"{path} is not a live run: it has no running body or guard")
        return run
    runs = [RunFolder(each.parent.resolve()) for each in Path("runs").glob("*/config.yaml")]
    live = [run for run in runs if is_alive(run)]
    if not live:
        raise RunError("no live run in runs/; if it is elsewhere, name its folder")
    # A run that has not had its first tick does not move anything yet.
    return max(live, key=lambda run: (int(Board(run.board)["first_tick_ns"]), run.path.name))


def is_alive(run: RunFolder) -> bool:
    """Whether the body or the guard of the run had a heartbeat in the last 5 s."""
    try:
        return has_recent_heartbeat(Board(run.board))
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
    Board(run.board)["paused"] = int(paused)
    if paused:
        resume = _command(run, "resume")
        return f"{run.path.name} is paused: the policy does not act until `{resume}`"
    stopped = f"; the emergency stop still holds until `{_command(run, 'stop --release')}`"
    return f"{run.path.name} acts again" + (stopped if is_stopped(run) else "")


def _command(run: RunFolder, words: str) -> str:
    """The command with the run's folder, ready to copy."""
    return f"{words} {shell_quoted(run.path)}"


def is_stopped(run: RunFolder) -> bool:
    """Whether the emergency stop holds."""
    return run.stop_file.exists() or bool(Board(run.board)["halted"])


def stop(run: RunFolder, *, release: bool) -> str:
    """Start or release the emergency stop. Returns a message for the user.

    While it holds, the guard keeps every input released, and the body sends nothing.
    """
    if release:
        run.stop_file.unlink(missing_ok=True)
        Board(run.board)["halted"] = 0
        return f"{run.path.name}: emergency stop released"
    try:
        run.stop_file.touch()  # an empty file is enough, and works on a full disk
        with contextlib.suppress(OSError):
            run.stop_file.write_text("While this file exists, every input is released.\n", "utf-8")
    except OSError:
        Board(run.board)["halted"] = 1
    release_command = _command(run, "stop --release")
    return f"{run.path.name}: every input is released; `{release_command}` lets it act again"
