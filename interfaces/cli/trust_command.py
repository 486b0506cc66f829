"""The `trust` command: lets Yume use a run that is from elsewhere, old, or edited by hand."""

import difflib
import sys
from typing import Annotated

import typer

from configs.errors import BadInput
from configs.loading.config_checksum import is_intact, with_checksum_line, without_checksum_line
from configs.reading.bounded_file import read_text
from interfaces.cli.run_setup import RunPath
from interfaces.ipc.atomic_files import write_bytes
from interfaces.runtime.known_runs import fingerprint, is_known, list_run, listed_config
from interfaces.runtime.named_things import named_things
from interfaces.runtime.run_folder import open_run
from interfaces.runtime.terminal import exit_on_bad_input, print_line

app = typer.Typer()
_MAX_SHOWN = 60  # changed lines of config.yaml


@app.command()
def trust(
    run: RunPath,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Show what a run from elsewhere names, or what was edited; ask; then it can be used.

    It can then be resumed, evaluated and written. A wrong checksum of config.yaml is corrected.
    """
    with exit_on_bad_input(files=True):
        folder = open_run(run)
        text = read_text(folder.config_file)
        if is_known(folder.path) and is_intact(text):
            print_line(f"{folder.path} is known already")
            return
        folder.refuse_links()
        shown = fingerprint(folder.path)  # first: what changes from now on was not shown
        text = read_text(folder.config_file)
        things = named_things(folder, folder.edited_config)
        for line in _changed_lines(listed_config(folder.path), text):
            print_line(line)
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
        if not is_intact(text):
            content = with_checksum_line(without_checksum_line(text)).encode()
            corrected = fingerprint(folder.path, content)
            list_run(folder.path, shown)  # refuses what was not shown
            write_bytes(folder.config_file, content)
            shown = corrected
        list_run(folder.path, shown)
    print_line(f"{folder.path} is known now")


def _changed_lines(before: str | None, after: str) -> list[str]:
    """What changed in config.yaml since the run was listed, with the lines around it."""
    if before is None:
        if is_intact(after):
            return []
        return ["config.yaml has a wrong checksum: it was edited, or is damaged"]
    old, new = (without_checksum_line(text).splitlines() for text in (before, after))
    changes = list(difflib.unified_diff(old, new, n=2, lineterm=""))[2:]
    if not changes:
        return []
    more = [f"  ... and {len(changes) - _MAX_SHOWN} more lines"] * (len(changes) > _MAX_SHOWN)
    return ["changed in config.yaml:", *(f"  {line}" for line in changes[:_MAX_SHOWN]), *more]
