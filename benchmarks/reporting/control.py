"""Learning in small environments: every method and its peers on Gymnasium and DeepMind Control."""

import statistics
from pathlib import Path
from typing import Any

from benchmarks.reporting.table import (
    Table,
    machines_of,
    mean_sd,
    number,
    numbers,
    read,
    read_runs,
)

_TASKS = {"pendulum": ("Pendulum-v1", -200.0), "cartpole": ("CartPole-v1", 475.0)}
_NAMES = {
    "dreamer": "`dreamer`",
    "dreamerv3-small": "`dreamerv3-small`",
    "ppo": "`ppo`",
    "sb3-sac": "SAC (stable-baselines3)",
    "sb3-ppo": "PPO (stable-baselines3)",
    "sb3-dqn": "DQN (stable-baselines3)",
    "sticky": "sticky-random baseline",
}


def tables(results: Path) -> list[Table]:
    return [*(control(results, world) for world in _TASKS), dmc(results)]


def means(run: dict[str, Any]) -> list[float]:
    return [statistics.fmean(each) for each in run["returns"]]


def first_reached(run: dict[str, Any], goal: float) -> int | None:
    """Environment steps at the first evaluation whose mean reaches the goal."""
    pairs = zip(run["steps"], means(run), strict=True)
    return next((steps for steps, mean in pairs if mean >= goal), None)


def _reached_for_good(run: dict[str, Any], goal: float) -> int | None:
    """Environment steps from which every later evaluation reaches the goal."""
    since: int | None = None
    for steps, mean in zip(run["steps"], means(run), strict=True):
        since = (steps if since is None else since) if mean >= goal else None
    return since


def control(results: Path, world: str) -> Table:
    name, goal = _TASKS[world]
    everything = read_runs(results, f"learning/control/{world}")
    summary: dict[str, dict[str, Any]] = {
        row["method"]: row
        for row in read(results, "learning/control")["rows"]
        if row["world"] == world
    }
    rows: list[list[str]] = []
    for method, row in summary.items():
        runs = [run for run in everything if run["method"] == method]
        sampled = [statistics.fmean(run["sampled"][-1]) for run in runs if run.get("sampled")]
        rows.append(
            [
                _NAMES.get(method, method),
                number(runs[0]["steps"][-1]),
                mean_sd([means(run)[-1] for run in runs]),
                numbers(means(run)[-1] for run in runs),
                row["IQM (95 %)"],
                numbers(first_reached(run, goal) for run in runs),
                numbers(_reached_for_good(run, goal) for run in runs),
                numbers(sampled) if sampled else "not recorded",
                numbers(run["learning_s"] for run in runs),
            ]
        )
    limits = {
        "pendulum": [
            "Bad: `ppo` needs two to four times as many steps as the PPO of stable-baselines3.",
            "Bad: one seed of `dreamerv3-small` ends below the goal.",
        ],
        "cartpole": [
            "The mean of one seed of DQN is 17 at the end, after it had reached the goal.",
        ],
    }[world]
    peer = {"pendulum": "SAC", "cartpole": "DQN"}[world]
    limits += [
        f"Old: `ppo`, {peer} and the baseline come from earlier commits than the other rows.",
        "Old: seeds 1 and 2 of `dreamerv3-small` were run with the later default settings, given "
        "by "
        "hand.",
        "Learning times depend on the load of the machine and are not comparable.",
    ]
    return Table(
        title=f"{name}: return against environment steps",
        shows=f"How many environment steps does each method need on {name}?",
        unit=f"return of an episode, greedy policy; the goal is {goal:g}",
        sample=f"{len({run['seed'] for run in everything})} seeds; each evaluation has "
        f"{len(everything[0]['returns'][0])} episodes with the same starts for all methods. Spread "
        "is the standard deviation over seeds. IQM is the interquartile mean of all episodes with "
        "a "
        "95 % bootstrap interval over seeds and episodes",
        baselines="stable-baselines3 with the settings of rl-baselines3-zoo, and sticky-random. A "
        "dash means that the goal was not reached",
        columns=[
            "method",
            "env steps",
            "final, mean ± SD",
            "final, each seed",
            "final, IQM (95 %)",
            "env steps to the goal",
            "env steps from which it stays",
            "final with sampled actions, each seed",
            "learning time, s",
        ],
        rows=rows,
        machines=machines_of(everything),
        command=f"python -m benchmarks.learning.control --worlds {world}",
        files=["learning/control.json"],
        picture=f"learning/control_{world}.png",
        limits=limits,
    )


def dmc(results: Path) -> Table:
    runs = read_runs(results, "learning/dmc")
    published = {row["task"]: row for row in read(results, "learning/dmc")["rows"]}
    rows = [
        [
            f"`{run['task']}`, `{run['method']}`",
            str(run["seed"]),
            number(run["steps"][-1]),
            mean_sd(run["returns"][-1]),
            number(max(means(run))),
            number(min(means(run)[len(run["steps"]) // 2 :])),
            number(published[run["task"]]["DreamerV3 at 100k"]),
            number(published[run["task"]]["TD-MPC2 at 100k"]),
            number(run["learning_s"][-1] / 3600, 1),
        ]
        for run in runs
    ]
    tasks = " and ".join(f"`{task}`" for task in dict.fromkeys(run["task"] for run in runs))
    return Table(
        title="DeepMind Control from state",
        shows="What return does `dreamer` reach from state observations, with an action repeat of "
        "2?",
        unit="return of an episode of 1,000 environment steps; the maximum is 1,000",
        sample=f"{len(runs)} seed; {len(runs[0]['returns'][0])} greedy episodes per evaluation. "
        "Spread is the standard deviation over the episodes of the last evaluation",
        baselines="published returns at 100,000 environment steps: DreamerV3 (Hafner 2025) and "
        "TD-MPC2 (Hansen 2024). They were not measured here. No random baseline was recorded",
        columns=[
            "task and preset",
            "seed",
            "env steps",
            "final, mean ± SD",
            "best evaluation",
            "worst evaluation of the second half",
            "DreamerV3",
            "TD-MPC2",
            "learning time, h",
        ],
        rows=rows,
        machines=machines_of(runs),
        command="python -m benchmarks.learning.dmc",
        files=["learning/dmc.json"],
        picture="learning/dmc_cartpole_swingup.png",
        limits=[
            f"Bad: only {tasks} was measured, with one seed. The return drops several times.",
            "Old: the preset `dreamer` has changed since (free nats, cloning and replay value).",
        ],
    )
