"""A hidden command: gives a new live run the networks of another run before its processes start."""

from pathlib import Path

import typer

from interfaces.runtime.plugin_folders import use_plugin_folders
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.terminal import exit_on_bad_input
from interfaces.runtime.worlds import live_spaces

app = typer.Typer()


@app.command("_start-from", hidden=True)
def start_from_run(run: Path, source: Path) -> None:
    """Write the first checkpoint and the first weights of `run` from those of `source`."""
    from trainer.learners.start_from import start_from

    with exit_on_bad_input(plain=True):
        folder = RunFolder(run)
        use_plugin_folders(folder)
        config = folder.config
        lines = start_from(folder, config, live_spaces(config.world), source, publish=True)
        print("\n".join(lines))
