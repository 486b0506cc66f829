"""The `calibrate` command: measures the client, prints a table and writes the result as YAML."""

import contextlib
import os
import statistics
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from configs.errors import BadInput
from configs.load import dump_extending_config
from configs.schema import Config
from configs.visible_text import visible
from interfaces.calibrate.measure import PITCH_SWEEP, SWEEPS, AxisSweep, Measurements, measure
from interfaces.calibrate.measured_client import MeasuredClient
from interfaces.runtime.guarded_client import MovementStopped
from interfaces.runtime.terminal import print_line
from interfaces.vrchat.endpoints import choose_endpoints


def calibrate(
    config: Config,
    config_name: str,
    overrides: Sequence[str],
    out: Path,
    main: Path,
    stopped: threading.Event,
    console: Console,
) -> bool:
    """Measure the client and write `out`. False: stopped before the file was written.

    `out` extends `config_name` and holds the `overrides` that `config` was made with. `main`: path
    of main.py. Raises BadInput if no client responds. Raises BadInput before anything moves if
    `out` exists or cannot be written.
    """
    if config.world.kind != "vrchat":
        raise BadInput(f"world.kind {config.world.kind}: calibrate is for vrchat")
    _check_writable(out)
    endpoints = choose_endpoints(config.world)
    if endpoints.notice:
        console.print(visible(endpoints.notice), style="yellow", highlight=False, markup=False)
    sweeps = _sweeps(config)
    seconds = 50 if PITCH_SWEEP in sweeps else 40
    console.print(
        f"The avatar will move and turn for about {seconds} s. Leave free space around it. "
        "Ctrl-C stops."
    )
    try:
        with MeasuredClient(config, endpoints, main, stopped) as client:
            measured = measure(client, console, sweeps)
    except MovementStopped as reason:
        console.print(f"{reason}; every input is released, nothing was written")
        return False
    console.print(_table(config, measured))
    base, settings = _base_name(config_name, out), _settings(config, measured)
    text = dump_extending_config(base, overrides, settings)
    head = f"# Measured by `calibrate`, {datetime.now():%Y-%m-%d %H:%M}, for this VRChat world.\n"
    try:
        out.write_text(head + text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BadInput(f"--out {out}: {error.strerror or error}") from error
    print_line(f"written to {out}: python main.py run {out}", console)
    return True


def _sweeps(config: Config) -> Sequence[AxisSweep]:
    """All sweeps; the pitch only if the policy controls it."""
    inputs = [action.name for action in config.world.actions if action.target == "input"]
    return (*SWEEPS, PITCH_SWEEP) if PITCH_SWEEP.axis in inputs else SWEEPS


def _check_writable(out: Path) -> None:
    """Raises BadInput if `out` cannot be written: better before than after the measurement."""
    try:
        out.open("xb").close()
        out.unlink()
    except FileExistsError as error:
        raise BadInput(f"--out {out} exists already; choose another name, or remove it") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"--out {out}: {getattr(error, 'strerror', None) or error}") from error


def _settings(config: Config, measured: Measurements) -> dict[str, Any]:
    """The measurements as settings: the actions with their dead zones, and world.measured."""
    actions = list[dict[str, Any]]()
    for action in config.world.actions:
        settings = action.model_dump(mode="json", exclude_defaults=True) | {"name": action.name}
        if action.target == "input" and action.name in measured.responses:
            settings["dead_zone"] = round(measured.responses[action.name].dead_zone, 3)
        actions.append(settings)
    values: dict[str, float] = {}
    for axis, key in (
        ("LookHorizontal", "turn_deg_s"),
        ("Vertical", "forward_m_s"),
        ("Horizontal", "right_m_s"),
    ):
        if axis in measured.responses:
            values[key] = round(measured.responses[axis].full, 2)
    for key, times in (("dead_time_s", measured.dead_times_s), ("loop_s", measured.loops_s)):
        if times:
            values[key] = round(statistics.median(times), 4)
    return {"world": {"actions": actions, "measured": values}}


def _base_name(config_name: str, out: Path) -> str:
    """The configuration as `out` names it: a preset by name, a file by its path from there."""
    path = Path(config_name)
    if not path.exists():
        return config_name
    with contextlib.suppress(ValueError):  # Windows: on another drive
        return Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()
    return path.resolve().as_posix()


def _table(config: Config, measured: Measurements) -> Table:
    """The measurements beside the values of the configuration."""
    table = Table(title="How the avatar responds")
    for column in ("", "measured", "so far"):
        table.add_column(column)
    configured = {action.name: action.dead_zone for action in config.world.actions}
    for axis, parameter, _ in _sweeps(config):
        response = measured.responses.get(axis)
        unit = "deg/s" if axis in ("LookHorizontal", PITCH_SWEEP.axis) else "m/s"
        if response is None:
            why = f"no response: {parameter} never changed"
            if not parameter:
                why = "only the picture shows it, and "
                why += "it did not move" if measured.has_picture else "there was none"
            table.add_row(axis, why, "")
            continue
        dead_zone = f"{configured.get(axis, 0.0):.3f}"
        table.add_row(f"{axis}, dead zone", f"{response.dead_zone:.3f}", dead_zone)
        table.add_row(f"{axis}, full", f"{response.full:.2f} {unit}", "")
    for name, times in (
        ("input sent to parameter changed", measured.dead_times_s),
        ("input sent to picture changed", measured.loops_s),
    ):
        if times:
            median, largest = np.quantile(times, [0.5, 1.0]) * 1e3
            text = f"{median:.0f} ms, at most {largest:.0f} ({len(times)} times)"
        elif "picture" in name and not measured.has_picture:
            text = "no picture"
        else:
            text = "not seen"
        table.add_row(name, text, "")
    return table
