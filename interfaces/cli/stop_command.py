"""The command `stop`: it imports little, because it must release the inputs soon."""

from pathlib import Path
from typing import Annotated

import typer

from configs.errors import BadInput
from interfaces.runtime.live_control.emergency_stop import stop as stop_run
from interfaces.runtime.terminal import BAD_INPUT, errors, print_line, set_up_log

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def stop(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="a live run (default the newest)")
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="let it act again")] = False,
) -> None:
    """Emergency stop: release every input until --release. Also of a run that was killed."""
    try:
        print_line(stop_run(run, release=release))
    except (BadInput, OSError) as error:
        print_line(str(error), errors)
        raise typer.Exit(BAD_INPUT) from error


def stop_at_once(arguments: list[str]) -> None:
    """Run the command and exit, before the imports of the other commands."""
    set_up_log()
    app(arguments, prog_name="main.py stop")
