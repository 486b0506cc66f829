"""What a person tells a living run: pause, go on, stop at once."""

from pathlib import Path

from interfaces.board import Board
from interfaces.files import write_bytes
from interfaces.run_folder import RunError, RunFolder, open_run

_ALIVE_S = 5.0


def living_run(path: Path | None) -> RunFolder:
    """The run given, or the newest living one in runs/. Raises RunError where none lives there."""
    if path is not None:
        run = open_run(path)
        if not is_alive(run):
            raise RunError(f"{path} is not alive: nobody there to tell")
        return run
    found = [RunFolder(each.parent.resolve()) for each in Path("runs").glob("*/config.yaml")]
    alive = [run for run in sorted(found, key=lambda run: run.path.name) if is_alive(run)]
    if not alive:
        raise RunError("no run in runs/ is alive; name its folder if it is elsewhere")
    return alive[-1]


def is_alive(run: RunFolder) -> bool:
    """Whether its body or its guard has been heard of in the last seconds."""
    try:
        board = Board(run.board)
    except (OSError, ValueError):  # no page, or of another version
        return False
    ages = [board.heartbeat_age_s(who) for who in ("guard", "body") if board[f"{who}_heartbeat_ns"]]
    # A clock that began anew with the machine gives ages below zero.
    return any(0.0 <= age < _ALIVE_S for age in ages)


def pause(run: RunFolder, *, paused: bool) -> str:
    """The policy acts no more, or acts again; what was done, for people."""
    Board(run.board)["paused"] = int(paused)
    if paused:
        return f"{run.path.name} is paused: at rest, or idling; `resume` lets it act again"
    stopped = "; the emergency stop still holds, `stop --release` ends it"
    return f"{run.path.name} acts again" + (stopped if run.stop_file.exists() else "")


def stop(run: RunFolder, *, release: bool) -> str:
    """Emergency stop: the guard lets go of every input and fences the body, until released."""
    if release:
        run.stop_file.unlink(missing_ok=True)
        return f"{run.path.name}: emergency stop released"
    write_bytes(run.stop_file, b"While this file is here, the guard holds every input at rest.\n")
    return f"{run.path.name}: every input at rest; `stop --release` lets it act again"
