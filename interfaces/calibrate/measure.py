"""The measurement: moves the avatar a little, and measures its speeds and delays."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress, TaskID

from configs.errors import BadInput
from interfaces.calibrate.estimators import AxisResponse, fastest_motion, fit_axis, image_shift
from interfaces.calibrate.measured_client import MeasuredClient
from interfaces.devices.camera import CameraFrame
from interfaces.runtime.terminal import transient_progress

# The largest value first: an avatar that does not respond to it responds to none.
_TURNS = (1.0, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9)
_MOVES = (1.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.35, 0.5, 0.75)


class AxisSweep(NamedTuple):
    """The values to try on an input axis, and the parameter that reports the resulting speed.

    Without a parameter the speed comes from the vertical motion of the picture.
    """

    axis: str
    parameter: str
    values: tuple[float, ...]


SWEEPS = (
    AxisSweep("LookHorizontal", "AngularY", _TURNS),
    AxisSweep("Vertical", "VelocityZ", _MOVES),
    AxisSweep("Horizontal", "VelocityX", _MOVES),
)
# No parameter reports the pitch. It comes last, because its scale is the measured turning speed.
PITCH_SWEEP = AxisSweep("LookVertical", "", _MOVES)
TIMINGS = 12
_HOLD_S, _READ_S, _REST_S, _ANSWER_S = 0.3, 0.12, 0.25, 1.0
_INITIAL_REST_S = 1.0
_SIGNAL_TO_NOISE = 3.0  # motion below this many times the noise counts as none
_MAX_CLIENT_TICK_S = 0.1  # tick of the slowest client that is playable


@dataclass
class Measurements:
    """The results. `has_picture`: the camera delivered pictures.

    `responses` by axis. `dead_times_s`: from sending an input to the changed parameter, one per
    trial. `loops_s`: from sending an input to the changed picture, one per trial.
    """

    responses: dict[str, AxisResponse] = field(default_factory=dict[str, AxisResponse])
    dead_times_s: list[float] = field(default_factory=list[float])
    loops_s: list[float] = field(default_factory=list[float])
    has_picture: bool = False


def measure(
    client: MeasuredClient,
    console: Console,
    sweeps: Sequence[AxisSweep] = SWEEPS,
    timings: int = TIMINGS,
) -> Measurements:
    """Measure every sweep, and the delays in `timings` trials.

    Raises BadInput if the avatar does not respond, and MovementStopped.
    """
    measured = Measurements()
    total = sum(2 * len(sweep.values) for sweep in sweeps) + timings
    with transient_progress(console) as progress:
        task = progress.add_task("still", total=total)
        client.rest()
        client.wait(_INITIAL_REST_S)
        measured.has_picture = client.frame() is not None
        for sweep in sweeps:
            axis, values = sweep.axis, sweep.values
            progress.update(task, description=axis)
            if not sweep.parameter:
                _measure_pitch(client, sweep, measured, progress, task)
                continue
            speeds = list[float]()
            for value in values:
                speeds.append(_parameter_speed(client, sweep, value, progress, task))
                if axis == "LookHorizontal" and not speeds[0]:
                    raise BadInput(
                        "the avatar does not respond: AngularY never changed. Is OSC enabled, the "
                        "menu closed, and VRChat in front? See `python main.py doctor`"
                    )
            if response := fit_axis(values, speeds):
                measured.responses[axis] = response
        progress.update(task, description="timing")
        for i in range(timings):
            client.wait(_REST_S)
            delay_s = _MAX_CLIENT_TICK_S * (i * 0.618 % 1.0)
            _measure_delays(client, 1.0 if i % 2 else -1.0, delay_s, measured)
            progress.advance(task)
    return measured


def _measure_pitch(
    client: MeasuredClient,
    sweep: AxisSweep,
    measured: Measurements,
    progress: Progress,
    task: TaskID,
) -> None:
    """Measure an axis that only the picture shows, in degrees by a turn of known speed."""
    turn = measured.responses.get("LookHorizontal")
    if not measured.has_picture or turn is None:
        progress.advance(task, 2 * len(sweep.values))
        return
    pixels_per_degree = _picture_speed(client, "LookHorizontal", 1.0, down=False) / turn.full
    noise = _picture_speed(client, sweep.axis, 0.0, down=True)
    speeds = list[float]()
    for value in sweep.values:
        speed = max(
            _picture_speed(client, sweep.axis, sign * value, down=True) for sign in (1.0, -1.0)
        )
        speeds.append(speed if speed > _SIGNAL_TO_NOISE * noise else 0.0)
        progress.advance(task, 2)
    response = fit_axis(sweep.values, speeds)
    if response is not None and pixels_per_degree > 0.0:
        full_deg_s = response.full / pixels_per_degree
        measured.responses[sweep.axis] = AxisResponse(response.dead_zone, full_deg_s)


def _picture_speed(client: MeasuredClient, axis: str, value: float, *, down: bool) -> float:
    """How fast the picture moves for an input, in pixels per second."""
    frames = list[CameraFrame]()

    def collect() -> bool:
        newest = client.frame()
        if newest is not None and (not frames or newest.number > frames[-1].number):
            frames.append(newest)
        return False

    client.send(axis, value)
    client.wait(_HOLD_S, collect)
    client.send(axis, 0.0)
    client.wait(_REST_S, collect)  # pictures are delayed
    pictures, at_s = [each.picture for each in frames], [each.at_s for each in frames]
    return fastest_motion(pictures, at_s, down=down)


def _parameter_speed(
    client: MeasuredClient, sweep: AxisSweep, value: float, progress: Progress, task: TaskID
) -> float:
    """The larger speed of both directions: a wall may block one of them."""
    speeds = list[float]()
    for sign in (1.0, -1.0):
        client.send(sweep.axis, sign * value)
        client.wait(_HOLD_S - _READ_S)
        samples = list[float]()

        def read(samples: list[float] = samples) -> bool:
            samples.append(abs(client.parameters[sweep.parameter]))
            return False

        client.wait(_READ_S, read)
        speeds.append(statistics.median(samples))
        client.send(sweep.axis, 0.0)
        client.wait(_REST_S)
        progress.advance(task)
    return max(speeds)


def _measure_delays(
    client: MeasuredClient, value: float, delay_s: float, measured: Measurements
) -> None:
    """Time one full turn from rest, until the parameter changes and until the picture changes.

    The turn starts `delay_s` after a picture, so that each trial has another phase of the client's
    tick.
    """
    noise = 0.0 if client.frame() is None else _picture_noise(client)
    client.wait(delay_s)
    before = client.frame()
    number = -1 if before is None else before.number
    sent_s = client.send("LookHorizontal", value)
    dead_time_s = loop_s = math.nan

    def both_changed() -> bool:
        nonlocal dead_time_s, loop_s, number
        now = client.now()
        if math.isnan(dead_time_s) and abs(client.parameters["AngularY"]) > 1.0:
            dead_time_s = now - sent_s
        newest = client.frame()
        if before is not None and newest is not None and newest.number > number:
            number = newest.number
            # A turn to the right moves the picture to the left.
            moved = -math.copysign(1.0, value) * image_shift(before.picture, newest.picture)
            if math.isnan(loop_s) and moved > max(0.3, 4.0 * noise):
                loop_s = now - sent_s
        return not math.isnan(dead_time_s) and (before is None or not math.isnan(loop_s))

    client.wait(_ANSWER_S, both_changed)
    client.send("LookHorizontal", 0.0)
    client.wait(_ANSWER_S, lambda: client.parameters["AngularY"] == 0.0)
    if not math.isnan(dead_time_s):
        measured.dead_times_s.append(dead_time_s)
    if not math.isnan(loop_s):
        measured.loops_s.append(loop_s)


def _picture_noise(client: MeasuredClient) -> float:
    """The largest apparent motion of the picture without input, in pixels."""
    first = client.frame()
    assert first is not None
    moves, number = [0.0], first.number

    def collect() -> bool:
        nonlocal number
        newest = client.frame()
        if newest is not None and newest.number > number:
            number = newest.number
            moves.append(abs(image_shift(first.picture, newest.picture)))
        return len(moves) > 4

    client.wait(0.3, collect)
    return max(moves)
