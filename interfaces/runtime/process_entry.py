"""Starts a process of a run from its hidden command, without the imports of all other commands.

Those take half a second of processor time for each of the five processes, just when a run starts.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import typer

from interfaces.console.standard_streams import run_to_exit
from interfaces.runtime.plugin_folders import use_plugin_folders
from interfaces.runtime.process_table import PROCESSES, ProcessSpec
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.system.process_priority import lower_priority
from interfaces.runtime.terminal import exit_on_bad_input, set_up_log


def run_process(spec: ProcessSpec, run: Path) -> None:
    """Be the process `spec` of the run in folder `run`. Raises typer.Exit for bad input."""
    if spec.background:
        lower_priority()
    module, function = spec.entry_point.split(":")
    with exit_on_bad_input(plain=True):
        use_plugin_folders(RunFolder(run))
        getattr(import_module(module), function)(run)


def run_hidden_command(words: Sequence[str]) -> None:
    """Run `_NAME RUN` and exit with its code. Returns for all other words."""
    spec = next((each for each in PROCESSES if [each.command] == list(words[:1])), None)
    if spec is None or len(words) != 2:
        return

    def command() -> None:
        try:
            run_process(spec, Path(words[1]))
        except typer.Exit as end:
            raise SystemExit(end.exit_code) from None

    set_up_log()
    run_to_exit(command)
