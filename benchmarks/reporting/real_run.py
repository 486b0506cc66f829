"""The run in real time (benchmark `real_run`): head-pats in each minute, and lateness."""

import statistics
from pathlib import Path
from typing import Any

from benchmarks.learning.checkpoint_evaluation import EPISODE_STEPS
from benchmarks.learning.real_run import FIRST_MINUTES, GOAL, LAST_MINUTES, Ends
from benchmarks.reporting.living import read_baselines
from benchmarks.reporting.table import Table, machines_of, median_range, number, numbers, read_runs

FOLDER = "learning/real_run"
PICTURE = f"{FOLDER}.png"
_GOAL_MISSED, _GOAL_LATE_MS = 0.5, 2.0
_LEVELS = {"still": "stationary", "oracle": "oracle"}
_BELOW = (
    f"Bad: {{}}: the last {LAST_MINUTES} minutes do not have {GOAL:g} times the head-pats of the "
    f"first {FIRST_MINUTES}."
)
_ABOVE = (
    f"Every run has in its last {LAST_MINUTES} minutes at least {GOAL:g} times the head-pats of "
    f"its first {FIRST_MINUTES}."
)

Run = dict[str, Any]  # one file of a run


def tables(results: Path) -> list[Table]:
    runs = read_runs(results, FOLDER)
    return [real_run(results, runs)] if runs else []


def real_run(results: Path, runs: list[Run]) -> Table:
    ends = [Ends.of(run["head_pats"]) for run in runs]
    missed = [100.0 * run["missed_ticks"] / max(1, run["ticks"]) for run in runs]
    rows = [
        _row(
            f"head-pats per minute, first {FIRST_MINUTES} minutes", [end.first for end in ends], 0
        ),
        _row(f"head-pats per minute, last {LAST_MINUTES} minutes", [end.last for end in ends], 0),
        _row("ratio: last / first", [end.ratio for end in ends], 1, f"{GOAL:g}"),
        *(
            _row(f"lateness {name}, ms", [run["lateness_ms"][key] for run in runs], digits, goal)
            for key, name, digits, goal in (
                ("p50", "p50", 3, ""),
                ("p99", "p99", 2, f"{_GOAL_LATE_MS:g}"),
                ("max", "maximum", 1, ""),
            )
        ),
        _row("missed ticks, %", missed, 2, f"{_GOAL_MISSED:g}"),
        _row("updates of the trainer", [run["updates"] for run in runs], 0),
        _row("train ratio", [run["train_ratio"] for run in runs], 0),
        _row("weights versions applied", [run["weights_versions"] for run in runs], 0),
        _row("cores busy, all processes", [run["cpu_cores"] for run in runs], 2),
    ]
    ratios = {_name(run): end.ratio for run, end in zip(runs, ends, strict=True)}
    short = [name for name, ratio in ratios.items() if ratio is None]
    low = [name for name, ratio in ratios.items() if ratio is not None and ratio < GOAL]
    late = [_name(run) for run in runs if run["lateness_ms"]["p99"] > _GOAL_LATE_MS]
    lost = [_name(run) for run, share in zip(runs, missed, strict=True) if share > _GOAL_MISSED]
    levels = _levels(results, runs[0])
    minutes = sorted({run["minutes"] for run in runs})
    return Table(
        title="A real run from blank weights",
        shows="Does the agent learn in real time, beside the ticks that it must not miss?",
        unit=f"head-pats per minute: ticks with a head-pat, of {60 * runs[0]['hz']:.0f}, with the "
        "exploring policy. Other units: see each row",
        sample=f"{len(runs)} runs of `main.py run` ({_words(runs)}) of {numbers(minutes)} minutes, "
        "each from blank weights in the room of its seed. Spread is minimum to maximum",
        baselines=", ".join(f"{word} {number(level)}" for word, level in levels.items())
        + " head-pats per minute, from the unseen rooms above"
        if levels
        else "not measured yet",
        columns=["measurement", "median (min to max)", "each run", "goal"],
        rows=rows,
        machines=machines_of(runs),
        command="python -m benchmarks.learning.real_run",
        files=[f"{FOLDER}/{_name(run)}.json" for run in runs],
        picture=PICTURE,
        limits=[
            *([_BELOW.format(", ".join(low))] * bool(low)),
            *([_ABOVE] * (not low and not short)),
            *([f"Missing: {', '.join(short)}: too short for a ratio."] * bool(short)),
            *(
                [f"Bad: {', '.join(late)}: lateness p99 is above {_GOAL_LATE_MS:g} ms."]
                * bool(late)
            ),
            *([f"Bad: {', '.join(lost)}: more than {_GOAL_MISSED:g} % missed."] * bool(lost)),
            *(
                f"{_name(run)}, head-pats in each minute: {numbers(run['head_pats'])}."
                for run in runs
            ),
            "While the true state is recorded (minute 2 and the last one), the stand-in answers "
            "ten HTTP requests per second more.",
        ],
    )


def draw(results: Path) -> None:
    """Writes the curve of head-pats per minute of all runs, if there are any."""
    runs = read_runs(results, FOLDER)
    if not runs:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    for run in runs:
        minutes = range(1, len(run["head_pats"]) + 1)
        axes.plot(minutes, run["head_pats"], marker=".", label=f"run {_name(run)}")
    for word, level in _levels(results, runs[0]).items():
        axes.axhline(level, linestyle=":", color="gray")
        edge = axes.get_yaxis_transform()  # x in fractions of the width
        axes.text(0.995, level, word, transform=edge, size=8, color="gray", ha="right", va="bottom")
    axes.set(
        title="real time, from blank weights: head-pats in each minute",
        xlabel="minute of the run",
        ylabel="head-pats per minute",
        ylim=(0, 1.08 * axes.get_ylim()[1]),  # room for the word above the highest line
    )
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(results / PICTURE)
    pyplot.close(figure)


def _levels(results: Path, run: Run) -> dict[str, float]:
    """Head-pats per minute of the baselines in the place of the run; none if not measured."""
    known = read_baselines(results).get(run["place"])
    if known is None:
        return {}
    per_minute = 60 * run["hz"] / EPISODE_STEPS
    return {
        word: per_minute * statistics.fmean(known["head_pats"][key])
        for key, word in _LEVELS.items()
    }


def _row(name: str, values: list[Any], digits: int, goal: str = "") -> list[str]:
    known = [value for value in values if value is not None]
    middle = median_range(known, digits) if known else "not measured"
    return [name, middle, numbers(values, digits), goal]


def _name(run: Run) -> str:
    return f"{run['name']}-{run['seed']}"


def _words(runs: list[Run]) -> str:
    """Preset and settings of the runs; several are separated by semicolons."""
    return "; ".join(dict.fromkeys(" ".join([run["preset"], *run["settings"]]) for run in runs))
