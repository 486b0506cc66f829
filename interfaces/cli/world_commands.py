"""Commands around a world: the stand-in alone, the doctor, and calibration."""

from pathlib import Path
from typing import Annotated

import typer

from configs.commands import split_arguments
from configs.errors import BadInput
from configs.load import load_config
from interfaces.cli.run_setup import Words
from interfaces.runtime.plugin_folders import use_config_folders
from interfaces.runtime.process_table import MAIN
from interfaces.runtime.terminal import console, errors, exit_on_bad_input, stop_on_signals
from interfaces.runtime.user_folder import tokens_folder

app = typer.Typer()


@app.command()
def standin(
    words: Words = None,
    osc: Annotated[
        str, typer.Option("--osc", help="IN:HOST:OUT, as VRChat writes it")
    ] = "9000:127.0.0.1:9001",
    http: Annotated[
        int, typer.Option("--http", min=0, max=65535, help="port of the camera picture")
    ] = 8900,
    place: Annotated[
        str | None, typer.Option("--place", help="room, gallery, plaza, garden or maze")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="NAME=VALUE, such as loss=0.1; repeatable")
    ] = None,
    oscquery: Annotated[
        bool, typer.Option("--oscquery/--no-oscquery", help="announce it by mDNS")
    ] = True,
    window: Annotated[
        bool, typer.Option("--window", help="show it on the desktop, with a map, driven by keys")
    ] = False,
    no_map: Annotated[
        bool, typer.Option("--no-map", help="with --window: only the picture, to be captured")
    ] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1)] = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
) -> None:
    """The simulated VRChat client alone: OSC on UDP, its camera as MJPEG over HTTP, on loopback."""
    from interfaces.standin.avatar_settings import standin_settings
    from interfaces.standin.standalone import serve_alone

    with exit_on_bad_input():
        if no_map and not window:
            raise BadInput("--no-map goes with --window: without a window there is no map")
        path, overrides = split_arguments(words or [])
        asked = [] if place is None else [f"world.standin.place={place}"]
        asked += [f"world.standin.faults.{each}" for each in fault or []]
        asked.append(f"world.standin.oscquery={str(oscquery).lower()}")
        large = ["world.standin.width=480", "world.standin.height=360"] if window else []
        config = load_config(path, [*large, *overrides, *asked])
        stopped = stop_on_signals()
        serve_alone(
            *(standin_settings(config.world), osc, http, seed, seconds, stopped, console),
            window=window,
            with_map=not no_map,
            episode_s=config.evaluate.episode_steps / config.tick.hz,
            token_folder=tokens_folder(),
        )


@app.command()
def doctor(
    words: Words = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", metavar="DIR", help="save a picture of each camera there"),
    ] = None,
    turn: Annotated[
        bool,
        typer.Option("--turn/--no-turn", help="turn the avatar once to check contacts and rays"),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Check machine, VRChat, camera and sound; name each problem and its cure.

    If contacts or rays are on, the avatar turns once on the spot.
    """
    from interfaces.doctor.diagnose import diagnose

    with exit_on_bad_input():
        path, overrides = split_arguments(words or [])
        config = load_config(path, overrides)
        healthy = diagnose(
            *(config, path.stem, console, errors),
            pictures=pictures,
            turn=turn,
            machine_readable=as_json,
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

    with exit_on_bad_input():
        path, overrides = split_arguments(words or [])
        config = load_config(path, overrides)
        use_config_folders(config, path)
        stopped = stop_on_signals()
        if not calibrate_client(config, str(path), overrides, out, MAIN, stopped, console):
            raise typer.Exit(130)
