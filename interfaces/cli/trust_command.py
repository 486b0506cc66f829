"""The `trust` command: lets Yume use a run of another person, or an old one, as one of its own."""

import sys
from typing import Annotated

import typer

from configs.errors import BadInput
from interfaces.cli.run_setup import RunPath
from interfaces.runtime.known_runs import fingerprint, is_known, list_run
from interfaces.runtime.named_things import named_things
from interfaces.runtime.run_folder import open_run
from interfaces.runtime.terminal import exit_on_bad_input, print_line

app = typer.Typer()


@app.command()
def trust(
    run: RunPath,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Show what a run from elsewhere names, ask, and let it be resumed, evaluated and written."""
    with exit_on_bad_input(files=True):
        folder = open_run(run)
        if is_known(folder.path):
            print_line(f"{folder.path} is known already")
            return
        folder.refuse_links()
        shown = fingerprint(folder.path)  # first: what changes from now on was not shown
        things = named_things(folder, folder.config)
        for kind, names in things.items():
            print_line(f"{kind}:")
            for name in names:
                print_line(f"  {name}")
        if not things:
            print_line("it names no code, host, device or file outside its folder")
        if not yes:
            if not sys.stdin.isatty():
                raise BadInput("trust asks at a terminal; in a script, --yes answers the question")
            if not typer.confirm(f"Let Yume use all this, and write to {folder.path}?"):
                raise typer.Exit(1)
        list_run(folder.path, shown)
    print_line(f"{folder.path} is known now")
