"""Commands for a live run: pause, resume, end and drive; rollback works for every run."""

from pathlib import Path
from typing import Annotated

import typer

from interfaces.runtime.known_runs import require_known
from interfaces.runtime.run_folder import RunFolder, open_known_run
from interfaces.runtime.terminal import console, exit_on_bad_input, print_line, stop_on_signals

app = typer.Typer()

LiveRunPath = Annotated[
    Path | None, typer.Argument(metavar="[RUN]", help="a live run (default the newest)")
]


@app.command()
def pause(run: LiveRunPath = None) -> None:
    """Pause the policy; the avatar rests or looks around.

    The Steps of a pause are recorded but not learned from.
    """
    from interfaces.runtime.live_control.run_control import find_live_run
    from interfaces.runtime.live_control.run_control import pause as pause_run

    with exit_on_bad_input():
        print_line(pause_run(_known(find_live_run(run), "pause"), paused=True))


@app.command()
def resume(run: LiveRunPath = None) -> None:
    """Let the policy of a paused run act again."""
    from interfaces.runtime.live_control.run_control import find_live_run
    from interfaces.runtime.live_control.run_control import pause as pause_run

    with exit_on_bad_input():
        print_line(pause_run(_known(find_live_run(run), "resume"), paused=False))


@app.command()
def end(run: LiveRunPath = None) -> None:
    """End a run from another terminal, as Ctrl-C does in its own."""
    from interfaces.runtime.live_control.run_control import end as end_run
    from interfaces.runtime.live_control.run_control import find_live_run

    with exit_on_bad_input():
        print_line(end_run(_known(find_live_run(run), "end")))


@app.command()
def drive(run: LiveRunPath = None) -> None:
    """Drive the avatar by keys; the agent learns from it. q ends."""
    from interfaces.runtime.drive import drive as drive_run
    from interfaces.runtime.live_control.live_runs import open_board
    from interfaces.runtime.live_control.run_control import find_live_run

    with exit_on_bad_input():
        folder = _known(find_live_run(run), "drive")
        stopped = stop_on_signals()
        drive_run(open_board(folder), folder.config.world.actions, stopped, console)


@app.command()
def rollback(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder")],
    version: Annotated[
        int | None, typer.Argument(help="a stored version (default the one before)")
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="use the newest version again")
    ] = False,
) -> None:
    """Make the body of a run use earlier weights."""
    from interfaces.runtime.rollback import roll_back

    with exit_on_bad_input():
        print_line(roll_back(open_known_run(run, "rollback"), version, release=release))


def _known(run: RunFolder, what: str) -> RunFolder:
    """The run. Raises UnknownRun. The emergency stop does not ask: it only releases inputs."""
    require_known(run.path, what)
    return run
