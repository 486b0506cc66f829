"""Learning from recordings of the stand-in: offline, and the prediction of a head-pat."""

import statistics
from pathlib import Path

from benchmarks.reporting.table import (
    Table,
    machines_of,
    mean_range,
    mean_sd,
    number,
    numbers,
    read_runs,
)

_OFFLINE, _OPEN_LOOP = "learning/offline", "learning/open_loop"
_UPDATES = "experiments/0017-number-of-updates-on-records.md"


def tables(results: Path) -> list[Table]:
    return [offline(results), open_loop(results)]


def offline(results: Path) -> Table:
    runs = read_runs(results, _OFFLINE)
    recorded = [statistics.fmean(run["recorded_policy"]) for run in runs]
    counts = [
        updates for updates in runs[0]["updates"] if all(updates in r["updates"] for r in runs)
    ]
    rows: list[list[str]] = []
    for updates in counts:
        scores = [statistics.fmean(run["head_pats"][run["updates"].index(updates)]) for run in runs]
        ratios = [score / base for score, base in zip(scores, recorded, strict=True)]
        rows.append([number(updates), mean_sd(scores), numbers(scores, 1), numbers(ratios, 2)])
    first, last = (float(row[1].split(" ")[0]) for row in (rows[0], rows[-1]))
    limits = ["The goal is a ratio of 2 after the last update: "]
    limits[0] += f"{sum(float(r) >= 2 for r in rows[-1][3].split())} of {len(runs)} seeds reach it."
    if last < first:
        limits.append(f"Bad: the score falls with more updates. See [experiment 17]({_UPDATES}).")
    limits.append("The baseline uses the same 20 episodes in all seeds.")
    return Table(
        title="Offline learning from recordings",
        shows="What does the preset `records` learn from recordings of a sticky-random policy "
        "alone?",
        unit="head-pats per 300 steps, greedy policy; ratio to the recorded policy",
        sample=f"{len(runs)} seeds, each with {number(runs[0]['steps'])} recorded steps (20 "
        f"recordings of 10 minutes). {len(runs[0]['head_pats'][0])} episodes per evaluation. "
        "Spread "
        "is the standard deviation over seeds",
        baselines=f"the recorded sticky-random policy {mean_sd(runs[0]['recorded_policy'], 0)} "
        "(standard deviation over its episodes). Stationary and oracle: see above",
        columns=["updates", "mean ± SD", "each seed", "ratio to the recorded policy, each seed"],
        rows=rows,
        machines=machines_of(runs),
        command="python -m benchmarks.learning.offline --updates 2000",
        files=[f"{_OFFLINE}.json"],
        picture=f"{_OFFLINE}.png",
        limits=limits,
    )


def open_loop(results: Path) -> Table:
    runs = read_runs(results, _OPEN_LOOP)
    ahead = (1, 5, 10, 15)
    rows: list[list[str]] = []
    for model, weight in dict.fromkeys((run["model"], run["overshoot"]) for run in runs):
        group = [run for run in runs if (run["model"], run["overshoot"]) == (model, weight)]
        last = [run["evaluations"][-1] for run in group]
        rows.append(
            [
                f"`{model}`, overshoot {weight:g}",
                str(len(group)),
                *(mean_range([each["correlation"][t - 1] for each in last], 2) for t in ahead),
                mean_range([each["predicted"] for each in last], 2),
                number(statistics.fmean(each["observed"] for each in last), 2),
            ]
        )
    return Table(
        title="Open-loop prediction of a head-pat",
        shows="How well does the world model predict a head-pat without further observations?",
        unit="correlation of the predicted reward with the observed head-pat (1 is perfect, 0 is "
        "no relation)",
        sample=f"{len({run['seed'] for run in runs})} seeds, "
        f"{runs[0]['evaluations'][-1]['updates']}"
        f" updates on {number(runs[0]['steps'])} recorded steps. 512 windows, filtered for 24 "
        "steps,"
        " predicted for 15, mean of 8 rollouts. Spread is minimum to maximum over seeds",
        baselines="overshoot 0 is the model without observation overshooting; no peer was measured",
        columns=[
            "model",
            "seeds",
            *(f"{t} step{'s' if t > 1 else ''} ahead" for t in ahead),
            "predicted mean",
            "observed rate",
        ],
        rows=rows,
        machines=machines_of(runs),
        command="python -m benchmarks.learning.open_loop --weights 0 3",
        files=[f"{_OPEN_LOOP}.json"],
        picture=f"{_OPEN_LOOP}.png",
        limits=[
            "Bad: fifteen steps ahead, the correlation is 0.2 or less.",
            "The predicted mean differs between seeds. Without overshooting two of three seeds "
            "predict too many head-pats.",
        ],
    )
