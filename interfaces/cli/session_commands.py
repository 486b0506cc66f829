"""The `sessions` commands, and `forget`."""

import contextlib
import json
import time
from collections.abc import Generator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from interfaces.cli.terminal import bad_input_exits, console, passing_bar, tell
from interfaces.runtime.run_folder import RunFolder, open_run, run_of
from interfaces.runtime.run_lock import claim, look_at, unseen
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, is_numbered, live_files
from interfaces.session.maintain import maintenance as care
from interfaces.session.maintain.forget import (
    FOREVER_NS,
    Advance,
    Forgotten,
    Span,
    choose,
    count_segments,
    forget_orphans,
    made_of,
    newest,
)
from interfaces.session.maintain.forget import forget as forget_steps
from interfaces.session.maintain.recover import Recovered, recover_run
from interfaces.session.maintain.recover import recover as recover_session

app = typer.Typer(no_args_is_help=True, help="Look after recorded sessions.")
beside = typer.Typer()  # what stands beside `sessions`
_NS = 1e9
_NAMED = 4  # files in a line

Paths = Annotated[list[Path] | None, typer.Argument(metavar="[FOLDER]...")]
Where = Annotated[Path, typer.Argument(metavar="RUN", help="a run, a session folder or a file")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
New = Annotated[Path, typer.Option("--out", help="the new file, NAME.mcap")]
Begin = Annotated[
    str | None, typer.Option("--from", help="after the beginning, 5m; or 2026-11-25T12:30:00")
]
End = Annotated[str | None, typer.Option("--to", help="like --from")]


@app.command("list")
def list_(folders: Paths = None, as_json: AsJson = False) -> None:
    """Every session in these folders (default runs/): length, size, what is missing."""
    with bad_input_exits(files=True):
        found = [care.overview(path) for path in care.find_sessions(folders or [Path("runs")])]
        if not found:
            raise SessionError(f"no session in {', '.join(map(str, folders or ['runs']))}")
    if as_json:
        print(json.dumps([_plain(asdict(each)) for each in found]))
        return
    table = Table(*("began", "length", "steps", "missing", "size", "session"), box=None)
    for each in found:
        began = care.day(each.began_ns) if each.began_ns else ""
        missing = str(each.missing) if each.missing else ""
        length, size = care.clock(each.seconds), f"{each.bytes / 1e6:.1f} MB"
        row = (began, length, str(each.steps), missing, size)
        table.add_row(*row, _whole(each.path))
    console.print(table)
    for each in found:
        if told := each.trouble or ("a segment without an end" if each.live else ""):
            tell(f"{each.path}: {told.removeprefix(str(each.path)).lstrip(': ')}")


@app.command()
def info(path: Where, as_json: AsJson = False) -> None:
    """What a session holds: segments, times, gaps, the run it is of."""
    with bad_input_exits(files=True):
        session = Session(path)
    told = care.describe(session)
    if as_json:
        print(json.dumps(_plain(told)))
        return
    table = Table(show_header=False, box=None)
    for name, value in told.items():
        if name == "bytes":
            table.add_row("size", f"{int(str(value)) / 1e6:.1f} MB")
        elif name not in ("segments", "gaps", "first", "end") and value != []:
            table.add_row(name, Text(str(value)))
    for first, count in session.gaps:
        table.add_row("gap", f"{count} steps from {first} on")
    console.print(table)
    segments = Table("segment", "steps", "length", "size", "MB/h", box=None)
    for each in session.infos:
        seconds = (each.ended_ns - each.began_ns) / _NS
        rate = each.bytes / 1e6 / max(seconds, 1e-9) * 3600
        size = f"{each.bytes / 1e6:.2f} MB"
        row = (str(each.steps), care.clock(seconds), size, f"{rate:.0f}")
        segments.add_row(Text(each.path.name), *row)
    console.print(segments)


@app.command()
def verify(path: Where) -> None:
    """Read every Step and every checksum; exit 1 where something is wrong."""
    wrong = steps = 0
    with bad_input_exits(files=True), passing_bar(console) as bar:
        task = bar.add_task("verifying", total=None)
        for verdict in care.verify(path):
            bar.advance(task)
            steps += verdict.steps
            if verdict.trouble:
                wrong += 1
                tell(f"{verdict.path}: {verdict.trouble}")
    told = f"{steps} steps are whole"
    if wrong:
        told += f"; {wrong} files are not"
    elif live_files(path):
        told += "; the newest are being recorded, in a segment that has no end yet"
    tell(told)
    if wrong:
        raise typer.Exit(1)


@app.command()
def recover(path: Where) -> None:
    """Bring back what a crash or a full disk has left, and fill it up from the run's journal."""
    with bad_input_exits(files=True):
        run = run_of(path)
        if run is None:
            _tell_recovered(recover_session(path), 0)
            return
        with claim(run), unseen(run):
            part = path.is_file() and not is_numbered(path)  # it is no segment of this life
            _tell_recovered(*((recover_session(path), 0) if part else recover_run(run)))


@app.command()
def cut(path: Where, out: New, begin: Begin = None, end: End = None) -> None:
    """Copy a part of a session into a file of its own."""
    with bad_input_exits(files=True), look_at(run_of(path)):
        first = care.began_ns(path)
        steps = care.cut(path, out, *_span(begin, end, first))
    tell(f"{steps} steps written to {out}")


@app.command()
def merge(paths: Annotated[list[Path], typer.Argument(metavar="PART...")], out: New) -> None:
    """Join parts of one life in one file."""
    with bad_input_exits(files=True), contextlib.ExitStack() as looked_at:
        for path in paths:
            looked_at.enter_context(look_at(run_of(path)))
        steps = care.merge(paths, out)
    tell(f"{steps} steps written to {out}")


@app.command()
def export(
    path: Where,
    to: Annotated[str, typer.Option("--to", help="lerobot, npz, mp4 or rerun")],
    out: Annotated[
        Path | None, typer.Option("--out", help="default RUN/exports/: forget knows of these")
    ] = None,
) -> None:
    """A session for other tools: a LeRobot dataset, NumPy arrays, a video, a Rerun recording."""
    from interfaces.session.export.arrays_and_video import to_mp4, to_npz
    from interfaces.session.export.lerobot_dataset import to_lerobot
    from interfaces.session.export.rerun_recording import to_rerun

    known = {"lerobot": to_lerobot, "npz": to_npz, "mp4": to_mp4, "rerun": to_rerun}
    files = {"mp4": ".mp4", "rerun": ".rrd"}  # the others are folders
    with (
        bad_input_exits(files=True),
        look_at(run_of(path)),
        passing_bar(console) as bar,
    ):
        if to not in known:
            raise SessionError(f"--to {to}: known are {', '.join(known)}")
        session, run = Session(path), RunFolder(path)
        if out is None and not run.config_file.is_file():
            raise SessionError(f"{path} is no run, which has a place for exports: say --out")
        name = f"{path.resolve().name}{files[to]}" if to in files else to
        place = out or run.exports / name
        task = bar.add_task("exporting", total=session.steps_recorded)
        count = known[to](session, place, lambda steps: bar.update(task, completed=steps))
    what = {"lerobot": "episodes", "mp4": "pictures"}.get(to, "steps")
    tell(f"{count} {what} written to {place}")


@app.command("import")
def import_(
    video: Annotated[Path, typer.Argument(metavar="VIDEO")],
    actions: Annotated[Path, typer.Argument(metavar="ACTIONS", help="CSV or JSONL with times")],
    out: Annotated[Path, typer.Option("--out", help="a folder; the session is OUT/session")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE] [KEY=VALUE]...", help="whose actions, parameters and beat"),
    ] = None,
    offset: Annotated[
        float, typer.Option("--offset", help="second t of the table is t + OFFSET of the video")
    ] = 0.0,
) -> None:
    """A session from a video and a table of actions, as earlier recorders leave them."""
    from configs.commands import split_words
    from configs.load import load_config
    from interfaces.session.import_video import import_video, read_table

    with bad_input_exits(files=True), passing_bar(console) as bar:
        path, overrides = split_words(words)
        config, task = load_config(path, overrides), bar.add_task("importing", total=None)
        began = round(video.stat().st_mtime * _NS) if video.exists() else 0
        found = import_video(
            config,
            video,
            read_table(actions),
            out,
            offset_s=offset,
            began_ns=began,
            progress=lambda steps: bar.update(task, completed=steps),
        )
    tell(
        f"{found.steps} steps, {care.clock(found.seconds)}; used {', '.join(found.used)}"
        + (f"; always 0: {', '.join(found.missing)}" if found.missing else "")
        + f"; second t of the table is second t + {offset:g} of the video"
    )
    if found.trouble:
        tell(found.trouble)


@app.command()
def prune(
    folders: Paths = None,
    older_days: Annotated[float | None, typer.Option(min=0, help="older than so many days")] = None,
    keep_gb: Annotated[float | None, typer.Option(min=0, help="the oldest beyond so much")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Delete old segments; shows first what that frees, and asks."""
    with bad_input_exits(files=True):
        if older_days is None and keep_gb is None:
            raise SessionError("say what may go: --older-days or --keep-gb")
        where = folders or [Path("runs")]
        doomed = care.to_prune(where, older_days=older_days, keep_gb=keep_gb, now_s=time.time())
        if not doomed:
            console.print("nothing to delete")
            return
        table = Table("size", "because", "segment", box=None)
        for each in doomed:
            table.add_row(f"{each.bytes / 1e6:.1f} MB", each.why, _whole(each.path))
        console.print(table)
        freed = sum(each.bytes for each in doomed) / 1e6
        if not yes and not typer.confirm(f"Delete {len(doomed)} segments, {freed:.1f} MB?"):
            raise typer.Exit(1)
        _prune(doomed)
    console.print(f"{freed:.1f} MB freed")


def _prune(doomed: list[care.Doomed]) -> None:
    """One life after the other, for a process may hold so many locks; but first it is seen that
    none is looked at."""
    of_runs: dict[Path, list[care.Doomed]] = {}
    for each in doomed:
        run = run_of(each.path)
        of_runs.setdefault(each.path.parent if run is None else run.path, []).append(each)
    for really in (False, True):
        for part in of_runs.values():
            run = run_of(part[0].path)
            with contextlib.nullcontext() if run is None else unseen(run):
                if really:
                    care.prune(part)


@beside.command()
def forget(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder")],
    last: Annotated[str | None, typer.Option("--last", help="the newest 90s, 5m, 2h")] = None,
    begin: Begin = None,
    end: End = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Take a span out of journal, session and exports for good; lists the weights that saw it."""
    with bad_input_exits(files=True):
        if (last is None) == (begin is None and end is None):
            raise SessionError("say which span: --last 5m, or --from and --to")
        run = open_run(path)
        with claim(run), unseen(run):
            forget_orphans(run)
            with _bar("reading", run) as advance:
                if last is not None:
                    if not (seconds := care.parse_span(last)):
                        raise SessionError(f"--last {last}: that is no span")
                    span = newest(run, seconds)
                else:
                    first = care.began_ns(run.path)
                    span = Span(*_span(begin, end, first))
                chosen = choose(run, span, advance)
            what = f"{len(chosen.indices)} steps lived from {care.day(chosen.began_ns)} on"
            if made := len(made_of(run)):
                what += f", and {made} exports, replays and damaged files"
            if not yes and not typer.confirm(f"Forget {what} in {run.path}, for good?"):
                raise typer.Exit(1)
            with _bar("forgetting", run) as advance:
                found = forget_steps(run, chosen, advance)
            _told(found, what)


@contextlib.contextmanager
def _bar(what: str, run: RunFolder) -> Generator[Advance]:
    """One that advances by the run's segments."""
    with passing_bar(console) as bar:
        task = bar.add_task(what, total=count_segments(run))
        yield lambda: bar.advance(task)


def _span(begin: str | None, end: str | None, first_ns: int) -> tuple[int, int]:
    """From and to, ns of the wall's clock. Raises SessionError."""
    low, high = moment(begin, first_ns, 0), moment(end, first_ns, FOREVER_NS)
    if low >= high:
        told = (begin or "the beginning", end or "the end")
        raise SessionError("--from {} is not before --to {}".format(*told))
    return low, high


def moment(text: str | None, first_ns: int, default_ns: int) -> int:
    """A time of the wall's clock in ns: so long after the first Step, or a date and time. Raises
    SessionError."""
    if text is None:
        return default_ns
    if "T" in text or ":" in text:
        try:
            return round(datetime.fromisoformat(text).timestamp() * _NS)
        except ValueError as error:
            raise SessionError(f"{text}: a time is 5m, or 2026-11-25T12:30:00") from error
    return first_ns + round(care.parse_span(text) * _NS)


def _told(found: Forgotten, what: str) -> None:
    tell(
        f"forgotten {what}: {found.journal_steps} steps of the journal, {found.session_steps} of "
        "the session"
    )
    learned: dict[Path, list[str]] = {}
    for path in (*found.checkpoints, *found.weights):
        learned.setdefault(path.parent, []).append(path.name)
    for folder, names in learned.items():
        told = ", ".join(names)
        if len(names) > _NAMED:
            told = f"all {len(names)} from {names[0]} to {names[-1]}"
        tell(f"may have learned from it: {folder}: {told}")


def _tell_recovered(found: list[Recovered], filled: int) -> None:
    for each in found:
        saved = f" as {', '.join(path.name for path in each.paths)}" if each.paths else ""
        kept = f"; what was damaged is kept as {each.kept.name}" if each.kept else ""
        tell(f"{each.damaged.name}: {each.steps} steps saved{saved}{kept}")
    if filled:
        console.print(f"{filled} steps filled up from the journal")
    if not found and not filled:
        console.print("everything is whole")


def _whole(path: Path) -> Text:
    """In a table: broken over lines where it must be, never cut, for it may be copied."""
    return Text(str(path), overflow="fold")


def _plain(told: dict[str, object]) -> dict[str, object]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in told.items()}
