"""Yume's command line: every command, and a hidden one for each process of a run."""

import os
import sys

from interfaces.console.early_interrupt import end_at_once_on_interrupt

if __name__ == "__main__":
    os.umask(0o077)  # recordings show other people: new files are for this user only
    end_at_once_on_interrupt()  # the imports below take a second or more

from interfaces.console.standard_streams import run_to_exit, set_up_streams

if __name__ == "__main__":
    set_up_streams()  # before a file can get the descriptor of a missing stream

if __name__ == "__main__" and sys.argv[1:2] == ["stop"]:
    from interfaces.cli.stop_command import stop_at_once

    stop_at_once(sys.argv[2:])

if __name__ == "__main__" and sys.argv[1:] and sys.argv[1].startswith("_"):
    from interfaces.runtime.process_entry import run_hidden_command

    run_hidden_command(sys.argv[1:])

from pathlib import Path

import typer

from configs.commands import app as config_app
from interfaces.cli import (
    forget_command,
    live_command,
    report_command,
    run_commands,
    session_commands,
    stop_command,
    trust_command,
    world_commands,
)
from interfaces.runtime.process_entry import run_process
from interfaces.runtime.process_table import PROCESSES, ProcessSpec
from interfaces.runtime.terminal import set_up_log
from trainer.commands import learning_commands, replay_command, start_from_command

app = typer.Typer(
    help="Yume (夢): a realtime agent in a VRChat avatar that learns by imagination.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# In the order of --help. Without a name, a group's commands are commands of Yume itself.
app.add_typer(live_command.app)
app.add_typer(learning_commands.app)
app.add_typer(replay_command.app)
app.add_typer(world_commands.app)
app.add_typer(config_app, name="config")
app.add_typer(session_commands.app, name="sessions")
app.add_typer(forget_command.app)
app.add_typer(stop_command.app)
app.add_typer(run_commands.app)
app.add_typer(trust_command.app)
app.add_typer(report_command.app)
app.add_typer(start_from_command.app)


def _add_process(spec: ProcessSpec) -> None:
    """A hidden command that reads everything it needs from the run's folder."""

    @app.command(spec.command, hidden=True, help=spec.purpose)
    def _process(run: Path) -> None:  # pyright: ignore[reportUnusedFunction]
        run_process(spec, run)


for _spec in PROCESSES:
    _add_process(_spec)

if __name__ == "__main__":
    set_up_log()
    run_to_exit(app)
