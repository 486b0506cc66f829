"""The `forget` command."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.time_options import Begin, End, parse_duration, parse_time_range
from interfaces.runtime.run_folder import RunFolder, open_known_run
from interfaces.runtime.run_lock import claim, exclusive_lock
from interfaces.runtime.terminal import console, exit_on_bad_input, print_line, transient_progress
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.maintain.forget import ForgetResult, derived_files, drop_orphaned_snapshots
from interfaces.session.maintain.forget import forget as forget_steps
from interfaces.session.maintain.overview import format_time
from interfaces.session.maintain.select_steps import (
    Advance,
    TimeSpan,
    count_segments,
    newest_span,
    select_steps,
)
from interfaces.session.maintain.start_time import start_time_ns

app = typer.Typer()
_MAX_NAMES = 4  # file names in one line


@app.command()
def forget(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder")],
    last: Annotated[str | None, typer.Option("--last", help="the newest 90s, 5m, 2h")] = None,
    begin: Begin = None,
    end: End = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Delete a time span from journal, session and exports for good; list the affected weights."""
    with exit_on_bad_input(files=True):
        if (last is None) == (begin is None and end is None):
            raise SessionError("give the time span: --last 5m, or --from and --to")
        run = open_known_run(path, "forget")
        with claim(run), exclusive_lock(run):
            drop_orphaned_snapshots(run)
            with _progress("reading", run) as advance:
                if last is not None:
                    if not (seconds := parse_duration(last)):
                        raise SessionError(f"--last {last}: the time span is empty")
                    span = newest_span(run, seconds)
                else:
                    start_ns = start_time_ns(run.path)
                    span = TimeSpan(*parse_time_range(begin, end, start_ns))
                selected = select_steps(run, span, advance)
            what = f"{len(selected.indices)} steps from {format_time(selected.earliest_ns)} on"
            if derived := len(derived_files(run)):
                what += f", and {derived} exports, replays and damaged files"
            if not yes and not typer.confirm(f"Delete {what} in {run.path}, for good?"):
                raise typer.Exit(1)
            with _progress("deleting", run) as advance:
                result = forget_steps(run, selected, advance)
            _print_result(result, what)


@contextlib.contextmanager
def _progress(what: str, run: RunFolder) -> Generator[Advance]:
    """A progress bar with one unit per segment of the run."""
    with transient_progress(console) as bar:
        task = bar.add_task(what, total=count_segments(run))
        yield lambda: bar.advance(task)


def _print_result(result: ForgetResult, what: str) -> None:
    print_line(
        f"deleted {what}: {result.journal_steps} steps of the journal, {result.session_steps} of "
        "the session"
    )
    learned: dict[Path, list[str]] = {}
    for path in (*result.checkpoints, *result.weights):
        learned.setdefault(path.parent, []).append(path.name)
    for folder, names in learned.items():
        text = ", ".join(names)
        if len(names) > _MAX_NAMES:
            text = f"all {len(names)} from {names[0]} to {names[-1]}"
        print_line(f"may have learned from these steps: {folder}: {text}")
