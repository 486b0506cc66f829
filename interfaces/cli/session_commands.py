"""The `sessions` commands: list, check, repair, cut, export, import and delete recordings."""

import contextlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from configs.visible_text import visible
from interfaces.cli.time_options import Begin, End, parse_time_range
from interfaces.runtime.known_runs import require_known
from interfaces.runtime.run_folder import RunFolder, run_of
from interfaces.runtime.run_lock import claim, exclusive_lock, shared_lock
from interfaces.runtime.terminal import console, exit_on_bad_input, print_line, transient_progress
from interfaces.session.format.segment_writer import DONE, LIVE, SessionError
from interfaces.session.format.session import Session, is_numbered, live_files
from interfaces.session.maintain.cut import cut as cut_session
from interfaces.session.maintain.cut import merge as merge_sessions
from interfaces.session.maintain.overview import (
    describe,
    find_sessions,
    format_duration,
    format_time,
    overview,
)
from interfaces.session.maintain.prune import PrunableSegment, find_prunable
from interfaces.session.maintain.prune import prune as prune_segments
from interfaces.session.maintain.recover import RecoverResult, recover_run
from interfaces.session.maintain.recover import recover as recover_session
from interfaces.session.maintain.start_time import start_time_ns
from interfaces.session.maintain.verify import verify as verify_session

app = typer.Typer(no_args_is_help=True, help="Manage recorded sessions.")
_NS = 1e9
# Rows of `info` that have another label than their JSON key.
_LABELS = {"feels": "avatar parameters", "does": "actions", "hears": "sound", "live": "unfinished"}

Folders = Annotated[list[Path] | None, typer.Argument(metavar="[FOLDER]...")]
Recording = Annotated[Path, typer.Argument(metavar="RUN", help="a run, a session folder or a file")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
NewFile = Annotated[Path, typer.Option("--out", help="the new file, NAME.mcap")]


@app.command("list")
def list_(folders: Folders = None, as_json: AsJson = False) -> None:
    """List the sessions in these folders (default runs/): length, size, missing Steps."""
    with exit_on_bad_input(files=True):
        sessions = [overview(path) for path in find_sessions(folders or [Path("runs")])]
        if not sessions:
            raise SessionError(f"no session in {', '.join(map(str, folders or ['runs']))}")
    if as_json:
        print(json.dumps([_for_json(asdict(each)) for each in sessions]))
        return
    table = Table(*("began", "length", "steps", "missing", "size", "session"), box=None)
    for each in sessions:
        began = format_time(each.began_ns) if each.began_ns else ""
        missing = str(each.missing) if each.missing else ""
        length, size = format_duration(each.seconds), f"{each.bytes / 1e6:.1f} MB"
        row = (began, length, str(each.steps), missing, size)
        table.add_row(*row, _folded(each.path))
    console.print(table)
    for each in sessions:
        if note := each.trouble or ("has an unfinished segment" if each.live else ""):
            print_line(f"{each.path}: {note.removeprefix(str(each.path)).lstrip(': ')}")


@app.command()
def info(path: Recording, as_json: AsJson = False) -> None:
    """Show what a session holds: segments, times, gaps, and its run."""
    with exit_on_bad_input(files=True):
        session = Session(path)
    content = describe(session)
    if as_json:
        print(json.dumps(_for_json(content)))
        return
    table = Table(show_header=False, box=None)
    for name, value in content.items():
        if name == "bytes":
            table.add_row("size", f"{int(str(value)) / 1e6:.1f} MB")
        elif name not in ("segments", "gaps", "first", "end") and value != []:
            table.add_row(_LABELS.get(name, name), Text(visible(str(value))))
    for first, count in session.gaps:
        table.add_row("gap", f"{count} steps from {first} on")
    console.print(table)
    segments = Table("segment", "steps", "length", "size", "MB/h", box=None)
    for each in session.infos:
        seconds = (each.ended_ns - each.began_ns) / _NS
        rate = each.bytes / 1e6 / max(seconds, 1e-9) * 3600
        size = f"{each.bytes / 1e6:.2f} MB"
        row = (str(each.steps), format_duration(seconds), size, f"{rate:.0f}")
        segments.add_row(Text(visible(each.path.name)), *row)
    console.print(segments)


@app.command()
def verify(path: Recording) -> None:
    """Read every Step and check every checksum; exit code 1 if a file is damaged."""
    wrong = steps = 0
    with exit_on_bad_input(files=True), transient_progress(console) as bar:
        task = bar.add_task("verifying", total=None)
        for result in verify_session(path):
            bar.advance(task)
            steps += result.steps
            if result.trouble:
                wrong += 1
                print_line(f"{result.path}: {result.trouble}")
    summary = f"{steps} steps are intact"
    if wrong:
        summary += f"; {wrong} files are not"
    elif live_files(path):
        summary += "; the newest are being recorded, in an unfinished segment"
    print_line(summary)
    if wrong:
        raise typer.Exit(1)


@app.command()
def recover(path: Recording) -> None:
    """Repair a session after a crash or a full disk, and add missing Steps from the journal."""
    with exit_on_bad_input(files=True):
        run = run_of(path)
        if run is None:
            _print_recovered(recover_session(path), 0)
            return
        require_known(run.path, "sessions recover")
        with claim(run), exclusive_lock(run):
            is_cut = path.is_file() and not is_numbered(path)  # not a segment of this run
            _print_recovered(*((recover_session(path), 0) if is_cut else recover_run(run)))


@app.command()
def cut(path: Recording, out: NewFile, begin: Begin = None, end: End = None) -> None:
    """Copy a part of a session to a new file."""
    with exit_on_bad_input(files=True), shared_lock(run_of(path)):
        start_ns = start_time_ns(path)
        steps = cut_session(path, out, *parse_time_range(begin, end, start_ns))
    print_line(f"{steps} steps written to {out}")


@app.command()
def merge(paths: Annotated[list[Path], typer.Argument(metavar="PART...")], out: NewFile) -> None:
    """Join parts of one run in a new file."""
    with exit_on_bad_input(files=True), contextlib.ExitStack() as locks:
        for path in paths:
            locks.enter_context(shared_lock(run_of(path)))
        steps = merge_sessions(paths, out)
    print_line(f"{steps} steps written to {out}")


@app.command()
def export(
    path: Recording,
    to: Annotated[str, typer.Option("--to", help="lerobot, npz, mp4 or rerun")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="default RUN/exports/, where `forget` deletes it too"),
    ] = None,
) -> None:
    """Export a session as a LeRobot dataset, NumPy arrays, a video or a Rerun recording."""
    from interfaces.session.export.arrays_and_video import to_mp4, to_npz
    from interfaces.session.export.lerobot_dataset import to_lerobot
    from interfaces.session.export.rerun_recording import to_rerun

    exporters = {"lerobot": to_lerobot, "npz": to_npz, "mp4": to_mp4, "rerun": to_rerun}
    suffixes = {"mp4": ".mp4", "rerun": ".rrd"}  # the others are folders
    with (
        exit_on_bad_input(files=True),
        shared_lock(run_of(path)),
        transient_progress(console) as bar,
    ):
        if to not in exporters:
            raise SessionError(f"--to {to}: choose one of {', '.join(exporters)}")
        session, run = Session(path), RunFolder(path)
        if out is None and not run.config_file.is_file():
            raise SessionError(f"{path} is not a run, which has a folder for exports: give --out")
        name = f"{path.resolve().name}{suffixes[to]}" if to in suffixes else to
        target = out or run.exports / name
        task = bar.add_task("exporting", total=session.steps_recorded)
        count = exporters[to](session, target, lambda steps: bar.update(task, completed=steps))
    unit = {"lerobot": "episodes", "mp4": "pictures"}.get(to, "steps")
    print_line(f"{count} {unit} written to {target}")


@app.command("import")
def import_(
    video: Annotated[Path, typer.Argument(metavar="VIDEO")],
    actions: Annotated[Path, typer.Argument(metavar="ACTIONS", help="CSV or JSONL with times")],
    out: Annotated[Path, typer.Option("--out", help="a folder; the session is OUT/session")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE] [KEY=VALUE]...", help="settings: actions, parameters, tick rate"
        ),
    ] = None,
    offset: Annotated[
        float, typer.Option("--offset", help="second t of the table is t + OFFSET of the video")
    ] = 0.0,
) -> None:
    """Make a session from a video and a table of actions, as other recorders write them."""
    from configs.commands import split_arguments
    from configs.load import load_config
    from interfaces.session.action_table import read_table
    from interfaces.session.import_video import import_video, table_columns

    with exit_on_bad_input(files=True), transient_progress(console) as bar:
        path, overrides = split_arguments(words)
        config, task = load_config(path, overrides), bar.add_task("importing", total=None)
        began_ns = round(video.stat().st_mtime * _NS) if video.exists() else 0
        table = read_table(actions, table_columns(config))
        result = import_video(
            config,
            video,
            table,
            out,
            offset_s=offset,
            began_ns=began_ns,
            progress=lambda steps: bar.update(task, completed=steps),
        )
    print_line(
        f"{result.steps} steps, {format_duration(result.seconds)}; used {', '.join(result.used)}"
        + (f"; always 0: {', '.join(result.missing)}" if result.missing else "")
        + (f"; ignored columns: {', '.join(table.ignored)}" if table.ignored else "")
        + f"; second t of the table is second t + {offset:g} of the video"
    )
    if result.trouble:
        print_line(result.trouble)


@app.command()
def prune(
    folders: Folders = None,
    older_days: Annotated[
        float | None, typer.Option(min=0, help="delete segments older than this")
    ] = None,
    keep_gb: Annotated[
        float | None, typer.Option(min=0, help="delete the oldest beyond this size in total")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Delete old segments; first show what that frees, and ask."""
    with exit_on_bad_input(files=True):
        if older_days is None and keep_gb is None:
            raise SessionError("say what to delete: --older-days or --keep-gb")
        paths = folders or [Path("runs")]
        prunable = find_prunable(paths, older_days=older_days, keep_gb=keep_gb, now_s=time.time())
        if not prunable:
            console.print("nothing to delete")
            return
        for each in prunable:
            if (run := run_of(each.path)) is not None:
                require_known(run.path, "sessions prune")
        table = Table("size", "reason", "segment", box=None)
        for each in prunable:
            table.add_row(f"{each.bytes / 1e6:.1f} MB", each.reason, _folded(each.path))
        console.print(table)
        freed = sum(each.bytes for each in prunable) / 1e6
        if not yes and not typer.confirm(f"Delete {len(prunable)} segments, {freed:.1f} MB?"):
            raise typer.Exit(1)
        _prune_unused(prunable)
    console.print(f"{freed:.1f} MB freed")


def _prune_unused(prunable: list[PrunableSegment]) -> None:
    """Delete the segments, if no run among them is in use.

    The first pass tries every lock. The second locks and prunes one run at a time: a process can
    hold only so many locks.
    """
    by_run: dict[Path, list[PrunableSegment]] = {}
    for each in prunable:
        run = run_of(each.path)
        by_run.setdefault(each.path.parent if run is None else run.path, []).append(each)
    for delete in (False, True):
        for segments in by_run.values():
            run = run_of(segments[0].path)
            with contextlib.nullcontext() if run is None else exclusive_lock(run):
                if delete:
                    prune_segments(segments)


def _print_recovered(results: list[RecoverResult], filled: int) -> None:
    for each in results:
        saved = f" as {', '.join(path.name for path in each.paths)}" if each.paths else ""
        kept = f"; the damaged file is kept as {each.kept.name}" if each.kept else ""
        print_line(f"{each.damaged.name}: {each.steps} steps saved{saved}{kept}")
    if filled:
        console.print(f"{filled} steps added from the journal")
    if not results and not filled:
        console.print("everything is intact")
    session = [each for each in results if each.damaged.suffix in (DONE, LIVE)]
    if any(each.kept for each in session) and not filled and not any(r.steps for r in session):
        raise typer.Exit(1)  # nothing was saved


def _folded(path: Path) -> Text:
    """A path in a table: broken over lines if needed, never truncated, so that it can be copied."""
    return Text(visible(str(path)), overflow="fold")


def _for_json(content: dict[str, object]) -> dict[str, object]:
    return {
        name: str(value) if isinstance(value, Path) else value for name, value in content.items()
    }
