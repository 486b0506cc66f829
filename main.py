"""Yume's command line, the only wiring, and the table of its processes."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import setproctitle
import typer

from configs.commands import app as config_app
from configs.commands import split_words
from configs.errors import BadInput
from configs.load import load_config
from configs.schema import Config
from interfaces.cli.run_commands import app as living_app
from interfaces.cli.session_commands import app as sessions_app
from interfaces.cli.session_commands import beside as forget_app
from interfaces.cli.terminal import (
    bad_input_exits,
    console,
    errors,
    passing_bar,
    plain_log,
    stop_on_signals,
    tell,
)
from interfaces.doctor.check_torch_build import cpu_torch_beside_gpu
from interfaces.runtime.run_folder import RunError, RunFolder, open_run
from interfaces.runtime.run_lock import claim
from interfaces.runtime.run_start import begun_run

MAIN = Path(__file__).resolve()

app = typer.Typer(
    help="Yume (夢): a realtime agent that lives in VRChat and learns by dreaming.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(config_app, name="config")
app.add_typer(sessions_app, name="sessions")
app.add_typer(forget_app)  # these stand beside our own
app.add_typer(living_app)

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[FILE] [KEY=VALUE]...", help="a YAML file or preset")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="the run's folder (default runs/TIME-NAME)")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="seed of everything random")]
Quiet = Annotated[bool, typer.Option("--quiet", help="print nothing but errors")]
Resume = Annotated[Path | None, typer.Option("--resume", help="go on with this run")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder")]


@app.command()
def run(
    words: Words = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="live so long")
    ] = None,
    out: Out = None,
    seed: Seed = None,
    resume: Resume = None,
    quiet: Quiet = False,
) -> None:
    """Live: a world, a body at a steady beat, a trainer, a guard. Ctrl-C ends it."""
    from interfaces.runtime.live_run import Life, short_summary

    with bad_input_exits(), _prepared(words, out, seed, resume) as (folder, config):
        setproctitle.setproctitle("yume-supervisor")
        stopped = stop_on_signals()
        with claim(folder):
            life = Life(folder, config, MAIN, console, quiet=quiet)
            if notice := cpu_torch_beside_gpu():
                life.warn(notice)
            content = life.live(seconds, stopped)
    if not quiet:
        tell(short_summary(content, folder))


@app.command()
def train(
    words: Words = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="steps to live, in all; default 10000")
    ] = None,
    out: Out = None,
    seed: Seed = None,
    resume: Resume = None,
    sessions: Annotated[
        list[str] | None,
        typer.Option("--sessions", help="learn from records instead: 'runs/*/session'; repeatable"),
    ] = None,
    updates: Annotated[
        int | None, typer.Option("--updates", min=1, help="from records: how many, in all")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Live and learn in lockstep, as fast as the machine allows. Ctrl-C saves and ends.

    With --sessions nobody lives: model, policy and value learn from what was recorded.
    """
    if sessions:
        with bad_input_exits(files=True):
            if steps is not None:
                raise BadInput("--steps is for a life; --sessions has --updates")
            _train_offline(words, out, seed, resume, sessions, updates, quiet=quiet)
        return
    if updates is not None:
        with bad_input_exits():
            raise BadInput("--updates is for --sessions; a life has --steps")
    from interfaces.runtime.lockstep_worlds import make_lockstep_worlds
    from trainer.running.lockstep import Lockstep
    from trainer.running.lockstep_command import run_lockstep

    prepared = _prepared(words, out, seed, resume, lockstep=True)
    with bad_input_exits(files=True), prepared as (folder, config):
        stopped = stop_on_signals()
        with claim(folder):
            worlds = make_lockstep_worlds(config, config.seed)
            lockstep = Lockstep(folder, config, worlds, resume=resume is not None)
            run_lockstep(lockstep, folder, config, steps or 10_000, stopped, console, quiet=quiet)


@app.command()
def evaluate(
    run: RunPath,
    episodes: Annotated[int, typer.Option("--episodes", min=1)] = 10,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="episode i lives in the world of seed + i")
    ] = 100_000,  # far from those it may have learned in
    policy: Annotated[
        str, typer.Option(help="trained, greedy, random, sticky, still or oracle")
    ] = "trained",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Let a frozen policy live episodes in lockstep, and say what they return."""
    from interfaces.runtime.lockstep_worlds import make_lockstep_world, require_lockstep
    from trainer.evaluation.evaluate import POLICIES, table
    from trainer.evaluation.evaluate import evaluate as evaluate_run

    bar = passing_bar(errors, quiet=as_json)
    with bad_input_exits(files=True):
        if policy not in POLICIES:
            raise BadInput(f"--policy {policy}: allowed are {', '.join(POLICIES)}")
        folder = open_run(run)
        config = folder.config
        require_lockstep(config)
        with bar:
            task = bar.add_task("living", total=episodes)
            result = evaluate_run(
                folder,
                config,
                lambda world_seed: make_lockstep_world(config, world_seed),
                episodes=episodes,
                seed=seed,
                which=policy,
                progress=lambda ended: bar.update(task, completed=ended),
            )
    if as_json:
        print(json.dumps(result.to_json()))
    else:
        console.print(table(result))


@app.command()
def replay(
    run: RunPath,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="what if: the brain of another run")
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="what if: random")] = None,
    view: Annotated[bool, typer.Option("--view", help="look at it in the browser")] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="of --view, 8902; 0 takes a free one"),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="--view opens the page by itself")
    ] = True,
    mp4: Annotated[bool, typer.Option("--mp4", help="a film of it, with curves")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="of a film, NAME.mp4; of a what if, NAME.png (NAME.json beside)"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    quiet: Quiet = False,
) -> None:
    """Think a life again, tick by tick, with the weights that lived it; exit 1 at a difference.

    With --checkpoint or --policy random: what another would have done, side by side. With --view or
    --mp4: what it saw, did, felt and thought, to be looked at.
    """
    what_if = checkpoint is not None or policy is not None
    with bad_input_exits(files=True):
        if what_if + view + mp4 > 1:
            raise BadInput("one at a time: --view, --mp4, or a what if")
        if out is not None and not (what_if or mp4):
            raise BadInput("--out goes with --mp4, --checkpoint or --policy")
        if port is not None and not view:
            raise BadInput("--port goes with --view")
        if as_json and (view or mp4):
            raise BadInput("--json goes with neither --view nor --mp4")
        folder = open_run(run)
        if view:
            from agent.replay.view_replay import view as view_run

            view_run(folder, 8902 if port is None else port, console, show=browser, quiet=quiet)
        elif mp4:
            from agent.replay.view_replay import film

            place = out or folder.replays / f"{folder.path.name}.mp4"
            pictures = film(folder, place, console, quiet=quiet)
            if not quiet:
                tell(f"{pictures} pictures written to {place}")
        elif what_if:
            from trainer.evaluation.what_if import what_if as compare_brains

            page, data = compare_brains(
                folder, checkpoint, policy, out, console, quiet=quiet or as_json
            )
            if as_json:
                print(json.dumps({"page": str(page), "data": str(data)}))
            elif not quiet:
                tell(f"written to {page} and {data.name}")
        else:
            _replay_exactly(folder, as_json=as_json, quiet=quiet)


def _replay_exactly(folder: RunFolder, *, as_json: bool, quiet: bool) -> None:
    from agent.replay.verify_run import replay_run, told

    verdict = replay_run(folder, console, quiet=quiet or as_json)
    if as_json:
        print(json.dumps(verdict.to_json()))
    elif not quiet:
        tell(told(verdict))
    if verdict.differing:
        raise typer.Exit(1)


@app.command()
def standin(
    words: Words = None,
    osc: Annotated[
        str, typer.Option("--osc", help="IN:HOST:OUT, as VRChat has it")
    ] = "9000:127.0.0.1:9001",
    http: Annotated[
        int, typer.Option("--http", min=0, max=65535, help="port of the picture")
    ] = 8900,
    place: Annotated[
        str | None, typer.Option("--place", help="room, gallery, plaza, garden or maze")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="NAME=VALUE, such as loss=0.1; repeatable")
    ] = None,
    oscquery: Annotated[
        bool, typer.Option("--oscquery/--no-oscquery", help="to be found by mDNS")
    ] = True,
    window: Annotated[
        bool, typer.Option("--window", help="on the desktop, driven by keys, with a map")
    ] = False,
    no_map: Annotated[
        bool, typer.Option("--no-map", help="with --window: the picture only, to be captured")
    ] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1)] = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
) -> None:
    """The stand-in VRChat alone: OSC on UDP, its picture as MJPEG over HTTP. Loopback only."""
    from interfaces.standin.standalone import serve_alone

    with bad_input_exits():
        if no_map and not window:
            raise BadInput("--no-map goes with --window: without one there is no map")
        path, overrides = split_words(words or [])
        asked = [] if place is None else [f"world.standin.place={place}"]
        asked += [f"world.standin.faults.{each}" for each in fault or []]
        asked.append(f"world.standin.oscquery={str(oscquery).lower()}")
        large = ["world.standin.width=480", "world.standin.height=360"] if window else []
        settings = load_config(path, [*large, *overrides, *asked]).world.standin
        stopped = stop_on_signals()
        serve_alone(
            *(settings, osc, http, seed, seconds, stopped, console),
            window=window,
            with_map=not no_map,
        )


@app.command()
def doctor(
    words: Words = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", metavar="DIR", help="save there what each camera sees"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Look at machine, VRChat, camera and sound; say what is wrong and what cures it."""
    from interfaces.doctor.diagnose import diagnose

    with bad_input_exits():
        path, overrides = split_words(words or [])
        config = load_config(path, overrides)
        healthy = diagnose(
            config, path.stem, console, errors, pictures=pictures, machine_readable=as_json
        )
    if not healthy:
        raise typer.Exit(1)


@app.command()
def calibrate(
    words: Words = None,
    out: Annotated[Path, typer.Option("--out", help="the YAML to write")] = Path("calibrated.yaml"),
) -> None:
    """Move the avatar a little; measure dead zones, speeds and delays, and write them as YAML."""
    from interfaces.calibrate.calibration import calibrate as calibrate_client

    with bad_input_exits():
        path, overrides = split_words(words or [])
        config = load_config(path, overrides)
        stopped = stop_on_signals()
        if not calibrate_client(config, str(path), overrides, out, MAIN, stopped, console):
            raise typer.Exit(130)


# The processes of a run: hidden commands that read everything from the run's folder.


@app.command("_standin", hidden=True)
def _standin(run: Path) -> None:
    from interfaces.standin.standalone import serve_run

    with bad_input_exits(plain=True):
        serve_run(run)


@app.command("_guard", hidden=True)
def _guard(run: Path) -> None:
    from interfaces.runtime.guard import watch_run

    with bad_input_exits(plain=True):
        watch_run(run)


@app.command("_body", hidden=True)
def _body(run: Path) -> None:
    from agent.acting.body_process import live

    with bad_input_exits(plain=True):
        live(run)


@app.command("_recorder", hidden=True)
def _recorder(run: Path) -> None:
    from interfaces.session.recorder import record

    with bad_input_exits(plain=True):
        record(run)


@app.command("_trainer", hidden=True)
def _trainer(run: Path) -> None:
    from trainer.running.trainer_process import train as train_beside

    with bad_input_exits(plain=True):
        train_beside(run)


@contextmanager
def _prepared(
    words: list[str] | None,
    out: Path | None,
    seed: int | None,
    resume: Path | None,
    *,
    lockstep: bool = False,
    offline: bool = False,
) -> Generator[tuple[RunFolder, Config]]:
    """The run's folder and its configuration, new or resumed. Raises RunError and ConfigError."""
    if resume is not None:
        if words or out or seed is not None:
            raise RunError("--resume goes on with the run's own configuration, folder and seed")
        folder = open_run(resume)
        config = folder.config
        _check_pace(config, lockstep=lockstep, offline=offline)
        yield folder, config
        return
    path, overrides = split_words(words or [])
    if seed is not None:
        overrides = [*overrides, f"seed={seed}"]
    config = load_config(path, overrides)
    _check_pace(config, lockstep=lockstep, offline=offline)
    with begun_run(out, config, path.stem, MAIN.parent) as folder:
        yield folder, config


def _check_pace(config: Config, *, lockstep: bool, offline: bool) -> None:
    """Raises BadInput for a world that does not live at this pace."""
    from interfaces.runtime.lockstep_worlds import require_lockstep

    if lockstep:
        require_lockstep(config)
    elif config.world.kind == "gymnasium" and not offline:
        raise BadInput("world.kind gymnasium lives in lockstep only: use train")


def _train_offline(
    words: list[str] | None,
    out: Path | None,
    seed: int | None,
    resume: Path | None,
    patterns: list[str],
    updates: int | None,
    *,
    quiet: bool,
) -> None:
    from trainer.running.offline import check_method, check_spaces, find
    from trainer.running.offline_command import learn_offline

    found = find(patterns)
    with _prepared(words, out, seed, resume, offline=True) as (folder, config):
        check_method(config)  # before hours are imported for nothing
        if config.world.kind != "gymnasium":
            from interfaces.vrchat.vrchat_world import vrchat_spaces

            check_spaces(found[0], vrchat_spaces(config.world), "the configuration")
        stopped = stop_on_signals()
        with claim(folder):
            learn_offline(folder, config, found, updates, stopped, console, quiet=quiet)


if __name__ == "__main__":
    plain_log()
    for stream in (sys.stdout, sys.stderr):  # a Windows console may know neither 夢 nor a path
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()
