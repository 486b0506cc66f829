"""The `run` command: the agent in real time."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import setproctitle
import typer

from configs.errors import BadInput
from interfaces.cli.run_setup import Out, Quiet, Resume, Seed, Source, Words, prepared_run
from interfaces.console.standard_streams import write_in_background
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
    source: Source = None,
    quiet: Quiet = False,
) -> None:
    """Run in real time: world, body, trainer and guard. Ctrl-C ends the run."""
    from interfaces.runtime.child_process import log_supervisor
    from interfaces.runtime.live_run import LiveRun, short_summary
    from interfaces.session.maintain.recorded_end import recorded_end

    prepared = prepared_run(words, out, seed, resume, source=source)
    # The inner one writes its error into the log, which is closed before the folder is removed.
    with (
        exit_on_bad_input(files=True),
        prepared as (folder, config),
        ExitStack() as log,
        exit_on_bad_input(files=True),
    ):
        setproctitle.setproctitle(process_title("supervisor"))
        stopped = stop_on_signals()
        with claim(folder):
            if source is not None:
                lines = _start_from(folder.path, source)
                if not quiet:
                    print_line(lines)
            write_in_background()
            log.enter_context(log_supervisor(folder.logs))
            live_run = LiveRun(folder, config, MAIN, console, quiet=quiet)
            live_run.board["journal_end"] = recorded_end(folder).end
            if notice := cpu_torch_beside_gpu():
                live_run.warn(notice)
            content = live_run.run(seconds, stopped)
    if not quiet:
        print_line(short_summary(content, folder))


def _start_from(run: Path, source: Path) -> str:
    """Give the run the networks of `source`, in a process of its own: it needs torch, we do not.

    Returns lines for the user. Raises BadInput with the last line that the process logged.
    """
    done = subprocess.run(
        [sys.executable, str(MAIN), "_start-from", str(run), str(source.resolve())],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"--from {source}: it could not be read"]
        raise BadInput(lines[-1])
    return done.stdout.strip()
