"""The `run` command: the agent in real time."""

from typing import Annotated

import setproctitle
import typer

from interfaces.cli.run_setup import Out, Quiet, Resume, Seed, Words, prepared_run
from interfaces.doctor.check_torch_build import cpu_torch_beside_gpu
from interfaces.runtime.process_table import MAIN, process_title
from interfaces.runtime.run_lock import claim
from interfaces.runtime.terminal import console, exit_on_bad_input, print_line, stop_on_signals

app = typer.Typer()


@app.command()
def run(
    words: Words = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="stop after so many seconds")
    ] = None,
    out: Out = None,
    seed: Seed = None,
    resume: Resume = None,
    quiet: Quiet = False,
) -> None:
    """Run in real time: world, body, trainer and guard. Ctrl-C ends the run."""
    from interfaces.runtime.live_run import LiveRun, short_summary

    with exit_on_bad_input(), prepared_run(words, out, seed, resume) as (folder, config):
        setproctitle.setproctitle(process_title("supervisor"))
        stopped = stop_on_signals()
        with claim(folder):
            live_run = LiveRun(folder, config, MAIN, console, quiet=quiet)
            if notice := cpu_torch_beside_gpu():
                live_run.warn(notice)
            content = live_run.run(seconds, stopped)
    if not quiet:
        print_line(short_summary(content, folder))
