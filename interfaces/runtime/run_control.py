"""What a person tells a living run: pause, go on, stop at once."""

import contextlib
from pathlib import Path

from interfaces.ipc.atomic_files import quoted
from interfaces.ipc.board import Board
from interfaces.runtime.run_folder import RunError, RunFolder, open_run

_ALIVE_S = 5.0


def living_run(path: Path | None) -> RunFolder:
    """The run given, or of those that live in runs/ the one that began to last. Raises RunError
    where none lives there."""
    if path is not None:
        run = open_run(path)
        if not is_alive(run):
            raise RunError(f"{path} is not alive: nobody there to tell")
        return run
    found = [RunFolder(each.parent.resolve()) for each in Path("runs").glob("*/config.yaml")]
    alive = [run for run in found if is_alive(run)]
    if not alive:
        raise RunError("no run in runs/ is alive; name its folder if it is elsewhere")
    # One that is still waking up moves nothing yet.
    return max(alive, key=lambda run: (int(Board(run.board)["first_tick_ns"]), run.path.name))


def is_alive(run: RunFolder) -> bool:
    """Whether its body or its guard has been heard of in the last seconds."""
    try:
        return is_heard_of(Board(run.board))
    except (OSError, ValueError):  # no page, or of another version
        return False


def is_heard_of(board: Board) -> bool:
    """Like is_alive, of the page that somebody has open."""
    ages = [board.heartbeat_age_s(who) for who in ("guard", "body") if board[f"{who}_heartbeat_ns"]]
    # A clock that began anew with the machine gives ages below zero.
    return any(0.0 <= age < _ALIVE_S for age in ages)


def pause(run: RunFolder, *, paused: bool) -> str:
    """The policy acts no more, or acts again; what was done, for people."""
    Board(run.board)["paused"] = int(paused)
    if paused:
        again = _command(run, "resume")
        return f"{run.path.name} is paused: at rest, or idling; `{again}` lets it act again"
    stopped = f"; the emergency stop still holds, `{_command(run, 'stop --release')}` ends it"
    return f"{run.path.name} acts again" + (stopped if is_stopped(run) else "")


def _command(run: RunFolder, words: str) -> str:
    """With the run's name, which can be copied."""
    return f"{words} {quoted(run.path)}"


def is_stopped(run: RunFolder) -> bool:
    """Whether the emergency stop holds."""
    return run.stop_file.exists() or bool(Board(run.board)["halted"])


def stop(run: RunFolder, *, release: bool) -> str:
    """Emergency stop: the guard lets go of every input and fences the body, until released."""
    if release:
        run.stop_file.unlink(missing_ok=True)
        Board(run.board)["halted"] = 0
        return f"{run.path.name}: emergency stop released"
    try:
        run.stop_file.touch()  # that it is there is enough: no file is too short for a full disk
        with contextlib.suppress(OSError):
            run.stop_file.write_text("While this is here, every input is at rest.\n", "utf-8")
    except OSError:
        Board(run.board)["halted"] = 1
    again = _command(run, "stop --release")
    return f"{run.path.name}: every input at rest; `{again}` lets it act again"
