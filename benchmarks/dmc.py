"""DeepMind Control from state: return against environment steps, beside the published numbers.

python -m benchmarks.dmc [--tasks cartpole_swingup walker_walk …] [--methods dreamer] [--seeds 0]
                         [--steps 100000] [--set KEY=VALUE …] [--draw]

Action repeat 2; an episode is 1,000 environment steps. Every 5,000 environment steps the frozen,
greedy policy lives ten episodes. A run is kept in runs/dmc and goes on where it was stopped; its
looks stand in results/dmc/TASK-METHOD-SEED.json from the first one on. Needs the extra [dmc].
"""

import argparse
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.curves import Curve, draw_curves
from benchmarks.looks import Stopwatch, lived_returns

REPEAT, LOOK_EVERY, EPISODES = 2, 5000, 10
# At 100,000 environment steps: DreamerV3 (Hafner 2025) and TD-MPC2 (Hansen 2024), from state.
TASKS = {
    "cartpole_swingup": (516.0, 839.0),
    "walker_walk": (478.0, 962.0),
    "cheetah_run": (297.0, 519.0),
    "pendulum_swingup": (745.0, 724.0),
    "reacher_easy": (657.0, 937.0),
    "finger_spin": (768.0, 948.0),
}
FOLDER, RUNS = RESULTS / "dmc", ROOT / "runs" / "dmc"


@dataclass
class Run:
    """Looks of one seed. `steps` are of the environment; `learning_s` without the looks."""

    task: str
    method: str
    seed: int
    settings: list[str]
    train_ratio: float = 0.0
    steps: list[int] = field(default_factory=list[int])
    returns: list[list[float]] = field(default_factory=list[list[float]])
    learning_s: list[float] = field(default_factory=list[float])
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.task}-{self.method}-{self.seed}.json"

    def look(self, steps: int, returns: list[float], learning_s: float) -> None:
        self.steps.append(steps)
        self.returns.append(returns)
        self.learning_s.append(learning_s)
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        print(
            f"{self.task} {self.method} seed {self.seed}  {steps:7d} steps  "
            f"{np.mean(returns):7.1f}  {learning_s:.0f} s",
            flush=True,
        )


def live(run: Run, total: int) -> None:
    """Until `total` environment steps, from wherever it was stopped."""
    from configs.load import load_config
    from interfaces.runtime.lockstep_worlds import make_lockstep_world
    from interfaces.runtime.run_folder import create_run, open_run
    from trainer.running.lockstep import Lockstep

    place = RUNS / run.path.stem
    if place.exists():
        folder = open_run(place)
        config = folder.config
    else:
        settings = [
            *("world.kind=gymnasium", f"world.id=dmc/{run.task}", f"seed={run.seed}"),
            *(f"world.gymnasium.repeat={REPEAT}", "trainer.checkpoint_steps=2500"),
            *run.settings,
        ]
        config = load_config(Path(run.method), settings)
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = create_run(place, config, run.method, ROOT)
    run.train_ratio = config.trainer.train_ratio
    resumed = any(folder.checkpoints.glob("*"))
    lockstep = Lockstep(folder, config, [make_lockstep_world(config, run.seed)], resume=resumed)
    known = sum(steps <= REPEAT * lockstep.steps for steps in run.steps)
    del run.steps[known:], run.returns[known:], run.learning_s[known:]
    learning = Stopwatch(run.learning_s[-1] if run.learning_s else 0.0)

    def look(lived: int) -> None:
        if REPEAT * lived % LOOK_EVERY:
            return
        seconds = learning.seconds
        with learning.stopped():
            returns = lived_returns(lockstep.learner.networks, config, EPISODES)
            run.look(REPEAT * lived, returns, seconds)

    lockstep.run(total // REPEAT, look, lambda: False)


def begun(task: str, method: str, seed: int, settings: list[str]) -> Run:
    run = Run(task, method, seed, settings, machine=machine())
    if run.path.exists():
        kept = json.loads(run.path.read_text(encoding="utf-8"))
        if kept["settings"] != settings:
            had = " ".join(kept["settings"]) or "no settings of its own"
            raise SystemExit(
                f"{run.path.stem} was begun with {had}: go on with these, or remove it"
            )
        return Run(**kept)
    return run


def summary() -> None:
    rows: list[dict[str, Any]] = []
    for task, (dreamerv3, tdmpc2) in TASKS.items():
        curves: dict[str, Curve] = {}
        kept = [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{task}-*.json"))]
        for method in dict.fromkeys(run["method"] for run in kept):
            runs = [run for run in kept if run["method"] == method]
            curves[method] = Curve.of([r["steps"] for r in runs], [r["returns"] for r in runs])
            rows.append(
                {
                    "task": task,
                    "method": method,
                    "seeds": len(runs),
                    "steps": " ".join(str(run["steps"][-1]) for run in runs),
                    "mean of each seed": " ".join(f"{np.mean(r['returns'][-1]):.0f}" for r in runs),
                    "best look": " ".join(f"{max(map(np.mean, r['returns'])):.0f}" for r in runs),
                    "hours": " ".join(f"{run['learning_s'][-1] / 3600:.2f}" for run in runs),
                    "train ratio": " ".join(f"{run['train_ratio']:g}" for run in runs),
                    "DreamerV3 at 100k": dreamerv3,
                    "TD-MPC2 at 100k": tdmpc2,
                }
            )
        if curves:
            path = RESULTS / f"dmc-{task}.png"
            draw_curves(path, f"{task}, greedy, ten episodes", curves, dreamerv3)
    if rows:
        publish("dmc", "DeepMind Control from state", rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    first = next(iter(TASKS))
    parser.add_argument("--tasks", nargs="+", default=[first], choices=list(TASKS))
    parser.add_argument("--methods", nargs="+", default=["dreamer"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=100_000, help="of the environment")
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for each, to try things")
    asked = parser.parse_args()
    if not asked.draw:
        for seed in asked.seeds:
            for task in asked.tasks:
                for method in asked.methods:
                    live(begun(task, method, seed, asked.set), asked.steps)
    summary()


if __name__ == "__main__":
    main()
