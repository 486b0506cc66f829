"""Commands for a live run: pause, resume and drive; rollback works for every run."""

from pathlib import Path
from typing import Annotated

import typer

from interfaces.runtime.run_folder import open_run
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
        print_line(pause_run(find_live_run(run), paused=True))


@app.command()
def resume(run: LiveRunPath = None) -> None:
    """Let the policy of a paused run act again."""
    from interfaces.runtime.live_control.run_control import find_live_run
    from interfaces.runtime.live_control.run_control import pause as pause_run

    with exit_on_bad_input():
        print_line(pause_run(find_live_run(run), paused=False))


@app.command()
def drive(run: LiveRunPath = None) -> None:
    """Drive the avatar by keys; the agent learns from it. q ends."""
    from interfaces.runtime.drive import drive as drive_run
    from interfaces.runtime.live_control.live_runs import open_board
    from interfaces.runtime.live_control.run_control import find_live_run

    with exit_on_bad_input():
        folder = find_live_run(run)
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
        print_line(roll_back(open_run(run), version, release=release))
