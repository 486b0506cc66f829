"""Commands for a run that lives: pause, resume, stop, drive; and rollback, for any."""

from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.terminal import bad_input_exits, console, stop_on_signals, tell
from interfaces.runtime.run_folder import open_run

app = typer.Typer()

Living = Annotated[
    Path | None, typer.Argument(metavar="[RUN]", help="a living run (default the newest)")
]


@app.command()
def pause(run: Living = None) -> None:
    """Let the policy act no more: the avatar rests or idles. What is lived is not learned from."""
    from interfaces.runtime.run_control import living_run
    from interfaces.runtime.run_control import pause as pause_run

    with bad_input_exits():
        tell(pause_run(living_run(run), paused=True))


@app.command()
def resume(run: Living = None) -> None:
    """Let the policy of a paused run act again."""
    from interfaces.runtime.run_control import living_run
    from interfaces.runtime.run_control import pause as pause_run

    with bad_input_exits():
        tell(pause_run(living_run(run), paused=False))


@app.command()
def stop(
    run: Living = None,
    release: Annotated[bool, typer.Option("--release", help="let it act again")] = False,
) -> None:
    """Emergency stop: the guard lets go of every input, and lets nothing through."""
    from interfaces.runtime.run_control import living_run
    from interfaces.runtime.run_control import stop as stop_run

    with bad_input_exits():
        tell(stop_run(living_run(run), release=release))


@app.command()
def drive(run: Living = None) -> None:
    """Take over by keys for a while; the agent learns from it. q gives it back."""
    from interfaces.ipc.board import Board
    from interfaces.runtime.drive import drive as drive_run
    from interfaces.runtime.run_control import living_run

    with bad_input_exits():
        folder = living_run(run)
        stopped = stop_on_signals()
        drive_run(Board(folder.board), folder.config.world.actions, stopped, console)


@app.command()
def rollback(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder")],
    version: Annotated[
        int | None, typer.Argument(help="a kept version; the one before if none")
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="follow the newest again")] = False,
) -> None:
    """Pin the body of a run, living or not, to an earlier version of its weights."""
    from interfaces.runtime.rollback import roll_back

    with bad_input_exits():
        tell(roll_back(open_run(run), version, release=release))
