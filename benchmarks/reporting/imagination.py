"""Learning in imagination: World Models, kinds of rollout, and returns on the random walk."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.reporting.control import first_reached, means
from benchmarks.reporting.table import (
    Table,
    machines_of,
    mean_sd,
    number,
    numbers,
    read,
    read_runs,
)

_WORLDS = {"pendulum": "Pendulum-v1", "cartpole": "CartPole-v1"}
_TEMPERATURES = ("0.1", "0.5", "1.0", "1.15", "1.3")


def tables(results: Path) -> list[Table]:
    return [
        world_models(results),
        temperature(results),
        *(rollouts(results, world) for world in _WORLDS),
        random_walk(results),
    ]


def _named(runs: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [run for run in runs if run["name"] == name]


def world_models(results: Path) -> Table:
    everything = read_runs(results, "learning/world_models")
    names = {
        "world-models": "`world_models`",
        "cma-direct": "CMA-ES on real episodes, population of the preset",
        "cma-direct-small": "CMA-ES on real episodes, population that cma proposes",
    }
    used = [run for run in everything if run["name"] in names]
    rows: list[list[str]] = []
    for name, text in names.items():
        runs = _named(used, name)
        rows.append(
            [
                text,
                numbers(first_reached(run, 400.0) for run in runs),
                numbers(max(means(run)) for run in runs),
                numbers(means(run)[-1] for run in runs),
                mean_sd([means(run)[-1] for run in runs]),
                numbers(run["steps"][-1] for run in runs),
            ]
        )
    return Table(
        title="World Models on CartPole-v1: environment steps",
        shows="How many environment steps does learning in imagination save?",
        unit="environment steps until the mean return is 400; return of an episode (maximum 500)",
        sample=f"{len({run['seed'] for run in used})} seeds, {len(used[0]['returns'][0])} greedy "
        "episodes per evaluation. Spread is the standard deviation over seeds. Steps of the "
        "evaluations are not counted",
        baselines="the same CMA-ES and linear controller on the true observation, without a model. "
        "It ends at its first evaluation of 400 or more",
        columns=[
            "method",
            "env steps to 400, each seed",
            "best evaluation, each seed",
            "last evaluation, each seed",
            "last evaluation, mean ± SD",
            "env steps at the end",
        ],
        rows=rows,
        machines=machines_of(used),
        command="python -m benchmarks.learning.world_models --parts dreams --steps 2000",
        files=["learning/world_models.json"],
        picture="learning/world_models.png",
        limits=[
            "Bad: the return of `world_models` does not stay. Two of three seeds end far below 400."
        ],
    )


def temperature(results: Path) -> Table:
    everything = read_runs(results, "learning/world_models")
    used = [run for run in everything if run["name"].startswith("tau-")]
    summary = {
        row["temperature"]: row
        for row in read(results, "learning/world_models_temperature")["rows"]
    }
    rows: list[list[str]] = []
    for tau in _TEMPERATURES:
        runs = _named(used, f"tau-{tau}")
        imagined = [statistics.fmean(run["imagined"]) for run in runs]
        real = [means(run)[-1] for run in runs]
        rows.append(
            [
                tau,
                mean_sd(imagined),
                numbers(imagined),
                mean_sd(real),
                numbers(real),
                summary[tau]["imagined IQM (95 %)"],
                summary[tau]["real IQM (95 %)"],
                mean_sd([a - b for a, b in zip(imagined, real, strict=True)]),
            ]
        )
    return Table(
        title="World Models on CartPole-v1: temperature",
        shows="Does a controller exploit a model with a low temperature?",
        unit="return of an episode, imagined at that temperature and real (maximum 500)",
        sample=f"{len({run['seed'] for run in used})} seeds, {len(used[0]['imagined'])} starts "
        "each."
        " Spread is the standard deviation over seeds; IQM with a 95 % bootstrap interval",
        baselines="temperature 1.0 is the model as it was learned; no peer was measured",
        columns=[
            "temperature",
            "imagined, mean ± SD",
            "imagined, each seed",
            "real, mean ± SD",
            "real, each seed",
            "imagined, IQM (95 %)",
            "real, IQM (95 %)",
            "imagined - real, mean ± SD",
        ],
        rows=rows,
        machines=machines_of(used),
        command="python -m benchmarks.learning.world_models --parts temperature --tau-steps 1000",
        files=["learning/world_models_temperature.json"],
        limits=["Bad: the seeds differ more than the temperatures, so no effect is visible."],
    )


def rollouts(results: Path, world: str) -> Table:
    used = read_runs(results, f"learning/stochastic_model/{world}")
    summary = {
        (row["env steps"], row["rollouts"]): row
        for row in read(results, "learning/stochastic_model")["rows"]
        if row["world"] == world
    }
    rows: list[list[str]] = []
    for (steps, kind), row in summary.items():
        runs = [run for run in used if (run["env_steps"], run["kind"]) == (steps, kind)]
        imagined, real = (
            [statistics.fmean(run[key][-1]) for run in runs] for key in ("imagined", "real")
        )
        gaps = [a - b for a, b in zip(imagined, real, strict=True)]
        rows.append(
            [
                number(steps),
                kind,
                mean_sd(imagined),
                mean_sd(real),
                numbers(real),
                mean_sd(gaps),
                numbers(gaps),
                row["gap IQM (95 %)"],
            ]
        )
    return Table(
        title=f"Sampled or mode rollouts on {_WORLDS[world]}",
        shows="How far does the imagined return exceed the real one, with sampled latents or "
        "with their mode?",
        unit="return of an episode, greedy policy; the gap is imagined minus real",
        sample=f"{len({run['seed'] for run in used})} seeds, {len(used[0]['real'][-1])} starts "
        "each, "
        f"{number(used[0]['updates'][-1])} updates on random steps. Spread is the standard "
        "deviation "
        "over seeds; IQM with a 95 % bootstrap interval",
        baselines="the mode of the model is the deterministic baseline. Sticky-random returns are "
        "in the tables above",
        columns=[
            "env steps",
            "rollouts",
            "imagined, mean ± SD",
            "real, mean ± SD",
            "real, each seed",
            "gap, mean ± SD",
            "gap, each seed",
            "gap, IQM (95 %)",
        ],
        rows=rows,
        machines=machines_of(used),
        command=f"python -m benchmarks.learning.stochastic_model --worlds {world}",
        files=["learning/stochastic_model.json"],
        picture="learning/stochastic_model.png",
        limits=[
            "Bad: the seeds differ more than the two kinds of rollout, so no effect is visible.",
            "Old: `dreamer` as it was with half a free nat, without cloning and replay value.",
        ],
    )


def random_walk(results: Path) -> Table:
    content = read(results, "learning/returns")
    rows = [
        [row["return"], number(row["lowest RMS error"], 3), f"{row['at alpha']:g}"]
        for row in content["rows"]
    ]
    return Table(
        title="n-step and lambda returns on the 19-state random walk",
        shows="Which returns have the lowest error, between bias and variance?",
        unit="root-mean-square error of the values, mean of the first 10 episodes; lower is better",
        sample="100 repetitions with one random seed, the same walks for every row. The spread "
        "over "
        "repetitions is not recorded",
        baselines="n = 1 is TD(0), n = 512 is the return of the whole episode (Sutton & Barto, "
        "examples 7.1 and 12.1)",
        columns=["return", "lowest RMS error", "at step size"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.learning.returns",
        files=["learning/returns.json"],
        picture="learning/returns.png",
    )
