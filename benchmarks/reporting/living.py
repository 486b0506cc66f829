"""Learning in the stand-in (benchmark `living`): unseen rooms, other places, and the training.

Variants that were not run are left out. Without any there is no table.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.learning.living_variants import PLACES, VARIANTS
from benchmarks.learning.seed_curves import Curve, draw_curves
from benchmarks.reporting.living_bars import (
    PLACE_BARS,
    SEEDS,
    SEEDS_ELSEWHERE,
    bars_in_words,
    share_of_oracle,
)
from benchmarks.reporting.table import Table, machines_of, mean_sd, number, numbers, read_runs

FOLDER = "learning/living"
PICTURE = f"{FOLDER}.png"
COMMAND = "python -m benchmarks.learning.living --jobs 2"
_HOME = "room"
_HZ = 10  # ticks per second: the pace of life
_BASELINES = {"still": "stationary", "sticky": "sticky-random", "oracle": "oracle"}
_ROOMS = "20 unseen rooms (seeds from 100,000), the same for all"

Run = dict[str, Any]  # one file of a variant and seed
Variants = dict[str, list[Run]]  # by name


def tables(results: Path) -> list[Table]:
    variants, places = read_variants(results), read_baselines(results)
    home = {name: runs for name, runs in variants.items() if runs[0]["place"] == _HOME}
    away = {name: runs for name, runs in variants.items() if runs[0]["place"] != _HOME}
    return [
        *([scores(home, places.get(_HOME))] if home else []),
        *([other_places(away, places)] if away else []),
        *([pace(variants)] if variants else []),
        *([baselines(places)] if places else []),
    ]


def read_variants(results: Path) -> Variants:
    """Runs with at least one look, by name: first the described ones, in the order of VARIANTS."""
    runs = [run for run in read_runs(results, FOLDER) if run["looks"]]
    names = dict.fromkeys([*VARIANTS, *(run["name"] for run in runs)])
    grouped = {name: [run for run in runs if run["name"] == name] for name in names}
    return {
        name: sorted(group, key=lambda run: run["seed"]) for name, group in grouped.items() if group
    }


def read_baselines(results: Path) -> dict[str, Run]:
    """The baselines of each place, by its name, in the order of PLACES."""
    known = {each["place"]: each for each in read_runs(results, f"{FOLDER}/baselines")}
    return {place: known[place] for place in dict.fromkeys([*PLACES, *known]) if place in known}


def scores_at(run: Run) -> dict[int, float]:
    """Mean head-pats over the rooms of each look, by steps."""
    return {look["steps"]: statistics.fmean(look["head_pats"]) for look in run["looks"]}


def scores(variants: Variants, baseline: Run | None) -> Table:
    looks = _looks(variants)
    rows = [
        [
            _described(name, runs),
            *(_score_cell([scores_at(run) for run in runs], at) for at in looks),
        ]
        for name, runs in variants.items()
    ]
    return Table(
        title="Learning in the room",
        shows="How many head-pats does the frozen agent receive in rooms that it has never seen?",
        unit="head-pats per episode of 300 steps (30 s at 10 Hz), greedy policy; higher is better",
        sample=f"one run per seed, from blank weights. A cell has median, worst and, in brackets, "
        f"each seed: the mean of {_ROOMS}. A dash: not measured",
        baselines=_means(baseline),
        columns=["variant", *(f"{number(at)} steps" for at in looks)],
        rows=rows,
        machines=machines_of([run for runs in variants.values() for run in runs]),
        command=COMMAND,
        files=[FOLDER],
        picture=PICTURE,
        limits=[
            *(
                f"`{name}`: {line}"
                for name, runs in variants.items()
                for line in bars_in_words([scores_at(run) for run in runs])
            ),
            *_few_seeds(variants, SEEDS),
        ],
    )


def other_places(variants: Variants, places: dict[str, Run]) -> Table:
    rows: list[list[str]] = []
    limits: list[str] = []
    for name, runs in variants.items():
        place = runs[0]["place"]
        known = places.get(place)
        last = [scores_at(run)[run["looks"][-1]["steps"]] for run in runs]
        steps = dict.fromkeys(number(run["looks"][-1]["steps"]) for run in runs)
        row = [_described(name, runs), place, " ".join(steps), numbers(last)]
        goal = PLACE_BARS.get(place)
        if known is None:
            rows.append([*row, "", "", "", number(goal, 2)])
            limits.append(f"Missing: the baselines of `{place}`.")
            continue
        still, oracle = (statistics.fmean(known["head_pats"][key]) for key in ("still", "oracle"))
        shares = [share_of_oracle(score, still, oracle) for score in last]
        row += [number(still), number(oracle), numbers(shares, 2), number(goal, 2)]
        rows.append(row)
        if goal is not None:
            below = [run["seed"] for run, share in zip(runs, shares, strict=True) if share < goal]
            limits.append(
                f"Bad: `{name}` does not reach its goal with seed {_listed(below)}."
                if below
                else f"`{name}`: every measured seed reaches the goal."
            )
    limits += _few_seeds(variants, SEEDS_ELSEWHERE)
    return Table(
        title="Learning in other places",
        shows="How much of the way from the stationary baseline to the oracle does the agent go?",
        unit="head-pats per episode of 300 steps, greedy policy. Share: (agent - stationary) / "
        "(oracle - stationary); 0 is stationary, 1 is the oracle",
        sample=f"the last look at each seed, the mean of {_ROOMS}",
        baselines="stationary and oracle in the same rooms, in the table",
        columns=[
            *("variant", "place", "steps", "agent, each seed", "stationary", "oracle"),
            *("share, each seed", "goal"),
        ],
        rows=rows,
        machines=machines_of([run for runs in variants.values() for run in runs]),
        command=COMMAND + " --variants plaza gallery garden maze --seeds 1 2",
        files=[FOLDER],
        limits=limits,
    )


def pace(variants: Variants) -> Table:
    rows: list[list[str]] = []
    slow: list[str] = []
    for name, runs in variants.items():
        for run in runs:
            last = run["looks"][-1]
            real_s = last["steps"] / _HZ
            rows.append(
                [
                    f"`{name}`",
                    str(run["seed"]),
                    numbers(run["lived"]),
                    number(last["steps"]),
                    number(last["updates"]),
                    number(last["seconds"] / real_s, 2),
                    number(last["cpu_seconds"] / real_s, 2),
                    str(run["jobs"]),
                ]
            )
            if last["seconds"] > real_s:
                slow.append(f"`{name}` {run['seed']}")
    limits = [
        "A pace above 1 is slower than real time. With more jobs than one, the runs share the "
        "cores: then the CPU pace says more.",
        f"Bad: slower than real time: {', '.join(slow)}."
        if slow
        else "Every run is at least as fast as real time.",
    ]
    return Table(
        title="Head-pats during training, and its pace",
        shows="How many head-pats does the agent receive while it learns, and how fast is that?",
        unit="head-pats in each 1,000 steps, with the exploring policy. Pace: seconds of wall "
        "clock and of CPU, divided by steps / 10 Hz; evaluations excluded",
        sample="each variant and seed; no spread. 1,000 steps are 100 s at 10 Hz",
        baselines="multiply head-pats per 300 steps by 3.3 to compare",
        columns=[
            *("variant", "seed", "head-pats in each 1,000 steps", "steps", "updates"),
            *("pace, wall clock", "pace, CPU", "jobs"),
        ],
        rows=rows,
        machines=machines_of([run for runs in variants.values() for run in runs]),
        command=COMMAND,
        files=[FOLDER],
        limits=limits,
    )


def baselines(places: dict[str, Run]) -> Table:
    rows = [
        [
            place,
            *(
                f"{mean_sd(episodes)} ({number(min(episodes))} to {number(max(episodes))})"
                for episodes in (content["head_pats"][key] for key in _BASELINES)
            ),
        ]
        for place, content in places.items()
    ]
    return Table(
        title="Baselines in the unseen rooms",
        shows="What do policies without learning receive in the same episodes?",
        unit="head-pats per episode of 300 steps",
        sample=f"{_ROOMS}. Mean ± standard deviation over episodes (minimum to maximum)",
        baselines="the stationary policy releases every input. Sticky-random keeps random actions "
        "for a while. The oracle knows all positions",
        columns=["place", *_BASELINES.values()],
        rows=rows,
        machines=machines_of(places.values()),
        command=COMMAND,
        files=[f"{FOLDER}/baselines/{place}.json" for place in places],
    )


def draw(results: Path) -> None:
    """Writes the curves of all variants in the room, if there are any."""
    variants, known = read_variants(results), read_baselines(results).get(_HOME)
    curves: dict[str, Curve] = {}
    for name, runs in variants.items():
        looks = [{look["steps"]: look["head_pats"] for look in run["looks"]} for run in runs]
        steps = sorted(set.intersection(*map(set, looks)))
        if runs[0]["place"] == _HOME and len(steps) > 1:  # one look makes no curve
            head_pats = [[each[at] for at in steps] for each in looks]
            curves[f"{name}, seeds: {len(runs)}"] = Curve.of([steps] * len(runs), head_pats)
    if not curves:
        return
    if known is not None:
        head_pats = known["head_pats"]
        curves |= {word: Curve.of([[0]], [[head_pats[key]]]) for key, word in _BASELINES.items()}
    labels = ("environment steps", "head-pats per 300 steps")
    draw_curves(results / PICTURE, "learning in the room, unseen rooms", curves, None, labels)


def _looks(variants: Variants) -> list[int]:
    return sorted({at for runs in variants.values() for run in runs for at in scores_at(run)})


def _score_cell(seeds: Sequence[dict[int, float]], at: int) -> str:
    measured = [scores[at] for scores in seeds if at in scores]
    if not measured:
        return ""
    each = numbers(scores.get(at) for scores in seeds)
    return f"{number(statistics.median(measured))}, {number(min(measured))} ({each})"


def _described(name: str, runs: Sequence[Run]) -> str:
    words = VARIANTS[name].words if name in VARIANTS else " ".join(runs[0]["settings"])
    return f"`{name}`: {words}"


def _means(baseline: Run | None) -> str:
    if baseline is None:
        return "not measured yet"
    means = {key: statistics.fmean(baseline["head_pats"][key]) for key in _BASELINES}
    return ", ".join(f"{_BASELINES[key]} {number(mean)}" for key, mean in means.items())


def _few_seeds(variants: Variants, needed: int) -> list[str]:
    few = [f"`{name}` ({len(runs)})" for name, runs in variants.items() if len(runs) < needed]
    return [f"Missing: fewer than {needed} seeds: {', '.join(few)}."] if few else []


def _listed(seeds: Sequence[int]) -> str:
    return " and ".join(map(str, seeds))
