"""`calibrate`: moves the avatar a little, measures how it answers, and writes that as YAML."""

import contextlib
import math
import os
import statistics
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from configs.errors import BadInput
from configs.load import dump_layer
from configs.schema import Config
from interfaces.calibrate.measure import AxisLaw, axis_law, fastest, shift
from interfaces.calibrate.measured_client import Stopped, Subject
from interfaces.cli.terminal import passing_bar, tell
from interfaces.devices.camera import Grabbed
from interfaces.vrchat.endpoints import choose_endpoints

# The greatest first: one that does not answer to it answers to none.
_TURNS = (1.0, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9)
_MOVES = (1.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.35, 0.5, 0.75)


class Probe(NamedTuple):
    """An input, the parameter that tells how fast it moves the avatar, and the values to try.

    Without a parameter it is seen: how fast the picture goes up or down.
    """

    axis: str
    felt: str
    values: tuple[float, ...]


PLAN = (
    Probe("LookHorizontal", "AngularY", _TURNS),
    Probe("Vertical", "VelocityZ", _MOVES),
    Probe("Horizontal", "VelocityX", _MOVES),
)
# No parameter tells the pitch. It comes last: how fast a turn is seen to be is its measure.
PITCH = Probe("LookVertical", "", _MOVES)
TIMINGS = 12
_HOLD_S, _READ_S, _REST_S, _ANSWER_S = 0.3, 0.12, 0.25, 1.0
_STILL_S = 1.0
_CLEAR = 3.0  # times what a picture moves while nothing is done
_TICK_S = 0.1  # at most, of a client that still can be played


@dataclass
class Measured:
    """laws by axis; dead times and loops in seconds, one a trial. picture: there was one."""

    laws: dict[str, AxisLaw] = field(default_factory=dict[str, AxisLaw])
    dead_times_s: list[float] = field(default_factory=list[float])
    loops_s: list[float] = field(default_factory=list[float])
    picture: bool = False


def calibrate(
    config: Config,
    config_name: str,
    overrides: Sequence[str],
    out: Path,
    main: Path,
    stopped: threading.Event,
    console: Console,
) -> bool:
    """Measures and writes `out`; False: it was stopped before.

    `out` extends `config_name` and holds the `overrides` that made `config` of it. Raises BadInput
    where there is no client that answers, and, before anything has moved, where `out` is there
    already or cannot be written.
    """
    if config.world.kind != "vrchat":
        raise BadInput(f"world.kind {config.world.kind}: calibrate is for vrchat")
    _try(out)
    endpoints = choose_endpoints(config.world)
    if endpoints.notice:
        console.print(endpoints.notice, style="yellow", highlight=False, markup=False)
    plan = _plan(config)
    seconds = 50 if PITCH in plan else 40
    console.print(
        f"The avatar will move and turn for about {seconds} s: let it stand free. Ctrl-C stops."
    )
    try:
        with Subject(config, endpoints, main, stopped) as subject:
            measured = measure(subject, console, plan)
    except Stopped as why:
        console.print(f"{why}; every input is at rest, nothing was written")
        return False
    console.print(_table(config, measured))
    found = dump_layer(_beside(config_name, out), overrides, _found(config, measured))
    head = f"# Measured by `calibrate`, {datetime.now():%Y-%m-%d %H:%M}: speeds are this world's.\n"
    try:
        out.write_text(head + found, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BadInput(f"--out {out}: {error.strerror or error}") from error
    tell(f"written to {out}: python main.py run {out}", console)
    return True


def measure(
    subject: Subject, console: Console, plan: Sequence[Probe] = PLAN, timings: int = TIMINGS
) -> Measured:
    """All of it. Raises BadInput where the client does not answer; Stopped."""
    measured = Measured()
    total = sum(2 * len(probe.values) for probe in plan) + timings
    with passing_bar(console) as progress:
        task = progress.add_task("still", total=total)
        subject.rest()
        subject.wait(_STILL_S)
        measured.picture = subject.grabbed() is not None
        for probe in plan:
            axis, values = probe.axis, probe.values
            progress.update(task, description=axis)
            if not probe.felt:
                _look(subject, probe, measured, progress, task)
                continue
            speeds = list[float]()
            for value in values:
                speeds.append(_speed(subject, probe, value, progress, task))
                if axis == "LookHorizontal" and not speeds[0]:
                    raise BadInput(
                        "the avatar does not answer: AngularY never changed. Is OSC enabled, the "
                        "menu closed, VRChat in front? `python main.py doctor` tells more"
                    )
            if law := axis_law(values, speeds):
                measured.laws[axis] = law
        progress.update(task, description="timing")
        for i in range(timings):
            subject.wait(_REST_S)
            _time(subject, 1.0 if i % 2 else -1.0, _TICK_S * (i * 0.618 % 1.0), measured)
            progress.advance(task)
    return measured


def _plan(config: Config) -> Sequence[Probe]:
    moved = [action.name for action in config.world.actions if action.target == "input"]
    return (*PLAN, PITCH) if PITCH.axis in moved else PLAN


def _look(
    subject: Subject, probe: Probe, measured: Measured, progress: Progress, task: TaskID
) -> None:
    """The law of an axis that only the picture tells of, in degrees by the speed of a turn."""
    turn = measured.laws.get("LookHorizontal")
    if not measured.picture or turn is None:
        progress.advance(task, 2 * len(probe.values))
        return
    pixels_a_degree = _seen(subject, "LookHorizontal", 1.0, down=False) / turn.full
    noise = _seen(subject, probe.axis, 0.0, down=True)
    speeds = list[float]()
    for value in probe.values:
        seen = max(_seen(subject, probe.axis, sign * value, down=True) for sign in (1.0, -1.0))
        speeds.append(seen if seen > _CLEAR * noise else 0.0)
        progress.advance(task, 2)
    law = axis_law(probe.values, speeds)
    if law is not None and pixels_a_degree > 0.0:
        measured.laws[probe.axis] = AxisLaw(law.dead_zone, law.full / pixels_a_degree)


def _seen(subject: Subject, axis: str, value: float, *, down: bool) -> float:
    """How fast the picture moves for it, pixels a second."""
    frames = list[Grabbed]()

    def looking() -> bool:
        newest = subject.grabbed()
        if newest is not None and (not frames or newest.number > frames[-1].number):
            frames.append(newest)
        return False

    subject.tell(axis, value)
    subject.wait(_HOLD_S, looking)
    subject.tell(axis, 0.0)
    subject.wait(_REST_S, looking)  # pictures come late
    return fastest([each.picture for each in frames], [each.at_s for each in frames], down=down)


def _speed(subject: Subject, probe: Probe, value: float, progress: Progress, task: TaskID) -> float:
    """The greater of there and back: a wall may be in one way."""
    reached = list[float]()
    for sign in (1.0, -1.0):
        subject.tell(probe.axis, sign * value)
        subject.wait(_HOLD_S - _READ_S)
        read = list[float]()

        def reading(read: list[float] = read) -> bool:
            read.append(abs(subject.feelings[probe.felt]))
            return False

        subject.wait(_READ_S, reading)
        reached.append(statistics.median(read))
        subject.tell(probe.axis, 0.0)
        subject.wait(_REST_S)
        progress.advance(task)
    return max(reached)


def _time(subject: Subject, value: float, later_s: float, measured: Measured) -> None:
    """One full turn from rest: when the parameter answers, and when the picture does. It begins
    `later_s` after a picture came: each time at another moment of the client's tick."""
    noise = 0.0 if subject.grabbed() is None else _stillness(subject)
    subject.wait(later_s)
    before = subject.grabbed()
    number = -1 if before is None else before.number
    told_s = subject.tell("LookHorizontal", value)
    felt_s = seen_s = math.nan

    def answered() -> bool:
        nonlocal felt_s, seen_s, number
        now = subject.now()
        if math.isnan(felt_s) and abs(subject.feelings["AngularY"]) > 1.0:
            felt_s = now - told_s
        newest = subject.grabbed()
        if before is not None and newest is not None and newest.number > number:
            number = newest.number
            # Who turns right sees the world go left.
            moved = -math.copysign(1.0, value) * shift(before.picture, newest.picture)
            if math.isnan(seen_s) and moved > max(0.3, 4.0 * noise):
                seen_s = now - told_s
        return not math.isnan(felt_s) and (before is None or not math.isnan(seen_s))

    subject.wait(_ANSWER_S, answered)
    subject.tell("LookHorizontal", 0.0)
    subject.wait(_ANSWER_S, lambda: subject.feelings["AngularY"] == 0.0)
    if not math.isnan(felt_s):
        measured.dead_times_s.append(felt_s)
    if not math.isnan(seen_s):
        measured.loops_s.append(seen_s)


def _stillness(subject: Subject) -> float:
    """How much a picture seems to move while nothing is done, pixels."""
    first = subject.grabbed()
    assert first is not None
    moves, number = [0.0], first.number

    def look() -> bool:
        nonlocal number
        newest = subject.grabbed()
        if newest is not None and newest.number > number:
            number = newest.number
            moves.append(abs(shift(first.picture, newest.picture)))
        return len(moves) > 4

    subject.wait(0.3, look)
    return max(moves)


def _try(out: Path) -> None:
    """Raises BadInput where `out` could not be written: better now than after the measurement."""
    try:
        out.open("xb").close()
        out.unlink()
    except FileExistsError as error:
        raise BadInput(f"--out {out} is there already; another name, or remove it") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"--out {out}: {getattr(error, 'strerror', None) or error}") from error


def _found(config: Config, measured: Measured) -> dict[str, Any]:
    """As settings: the actions with their dead zones, and what was measured."""
    actions = list[dict[str, Any]]()
    for action in config.world.actions:
        told = action.model_dump(mode="json", exclude_defaults=True) | {"name": action.name}
        if action.target == "input" and action.name in measured.laws:
            told["dead_zone"] = round(measured.laws[action.name].dead_zone, 3)
        actions.append(told)
    found: dict[str, float] = {}
    for axis, key in (
        ("LookHorizontal", "turn_deg_s"),
        ("Vertical", "forward_m_s"),
        ("Horizontal", "right_m_s"),
    ):
        if axis in measured.laws:
            found[key] = round(measured.laws[axis].full, 2)
    for key, times in (("dead_time_s", measured.dead_times_s), ("loop_s", measured.loops_s)):
        if times:
            found[key] = round(statistics.median(times), 4)
    return {"world": {"actions": actions, "measured": found}}


def _beside(config_name: str, out: Path) -> str:
    """The configuration as the new file names it: presets by name, others by their place."""
    path = Path(config_name)
    if not path.exists():
        return config_name
    with contextlib.suppress(ValueError):  # on another drive of Windows
        return Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()
    return path.resolve().as_posix()


def _table(config: Config, measured: Measured) -> Table:
    table = Table(title="How the avatar answers")
    for column in ("", "measured", "so far"):
        table.add_column(column)
    known = {action.name: action.dead_zone for action in config.world.actions}
    for axis, felt, _ in _plan(config):
        law = measured.laws.get(axis)
        unit = "deg/s" if axis in ("LookHorizontal", PITCH.axis) else "m/s"
        if law is None:
            why = f"no answer: {felt} never changed"
            if not felt:
                why = "only a picture tells of it, and "
                why += "it was not seen to move" if measured.picture else "none came"
            table.add_row(axis, why, "")
            continue
        table.add_row(f"{axis}, dead zone", f"{law.dead_zone:.3f}", f"{known.get(axis, 0.0):.3f}")
        table.add_row(f"{axis}, full", f"{law.full:.2f} {unit}", "")
    for name, times in (
        ("input sent to parameter changed", measured.dead_times_s),
        ("input sent to picture changed", measured.loops_s),
    ):
        if times:
            spread = np.quantile(times, [0.5, 1.0]) * 1e3
            text = f"{spread[0]:.0f} ms, at most {spread[1]:.0f} ({len(times)} times)"
        else:
            text = "not seen" if measured.picture or "picture" not in name else "no picture came"
        table.add_row(name, text, "")
    return table
