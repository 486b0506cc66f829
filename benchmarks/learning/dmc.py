"""DeepMind Control from state: return against environment steps, beside published results.

python -m benchmarks.learning.dmc [--tasks cartpole_swingup walker_walk …] [--methods dreamer]
                         [--seeds 0]
                         [--steps 100000] [--set KEY=VALUE …] [--draw]

The action repeat is 2, and an episode has 1,000 environment steps. Every 5,000 environment steps
the frozen, greedy policy runs ten episodes. A run is kept in runs/dmc and resumes there. Each
evaluation is written to results/learning/dmc/TASK-METHOD-SEED.json. Needs the extra [dmc].
"""

import argparse
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.learning.checkpoint_evaluation import Stopwatch, evaluated_returns
from benchmarks.learning.seed_curves import Curve, draw_curves

REPEAT, EVALUATE_EVERY, EPISODES = 2, 5000, 10
# At 100,000 environment steps: DreamerV3 (Hafner 2025) and TD-MPC2 (Hansen 2024), from state.
TASKS = {
    "cartpole_swingup": (516.0, 839.0),
    "walker_walk": (478.0, 962.0),
    "cheetah_run": (297.0, 519.0),
    "pendulum_swingup": (745.0, 724.0),
    "reacher_easy": (657.0, 937.0),
    "finger_spin": (768.0, 948.0),
}
FOLDER, RUNS = RESULTS / "learning/dmc", ROOT / "runs" / "dmc"


@dataclass
class Run:
    """Evaluations of one seed. `steps` are environment steps, `learning_s` is training time."""

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

    def add_evaluation(self, steps: int, returns: list[float], learning_s: float) -> None:
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


def train(run: Run, total: int) -> None:
    """Trains until `total` environment steps, and resumes an interrupted run."""
    from configs.load import load_config
    from interfaces.runtime.run_folder import create_run, open_run
    from interfaces.runtime.worlds import make_lockstep_world
    from trainer.running.lockstep import LockstepTrainer

    path = RUNS / run.path.stem
    if path.exists():
        folder = open_run(path)
        config = folder.config
    else:
        settings = [
            *("world.kind=gymnasium", f"world.id=dmc/{run.task}", f"seed={run.seed}"),
            *(f"world.gymnasium.repeat={REPEAT}", "trainer.checkpoint_steps=2500"),
            *run.settings,
        ]
        config = load_config(Path(run.method), settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = create_run(path, config, run.method, ROOT)
    run.train_ratio = config.trainer.train_ratio
    resume = any(folder.checkpoints.glob("*"))
    lockstep = LockstepTrainer(
        folder, config, [make_lockstep_world(config, run.seed)], resume=resume
    )
    known = sum(steps <= REPEAT * lockstep.steps for steps in run.steps)
    del run.steps[known:], run.returns[known:], run.learning_s[known:]
    learning = Stopwatch(run.learning_s[-1] if run.learning_s else 0.0)

    def evaluate(decisions: int) -> None:
        if REPEAT * decisions % EVALUATE_EVERY:
            return
        seconds = learning.seconds
        with learning.paused():
            returns = evaluated_returns(lockstep.learner.networks, config, EPISODES)
            run.add_evaluation(REPEAT * decisions, returns, seconds)

    lockstep.run(total // REPEAT, evaluate, lambda: False)


def open_results(task: str, method: str, seed: int, settings: list[str]) -> Run:
    """The results so far, or new ones. Exits if they were started with other settings."""
    run = Run(task, method, seed, settings, machine=machine())
    if run.path.exists():
        earlier = json.loads(run.path.read_text(encoding="utf-8"))
        if earlier["settings"] != settings:
            used = " ".join(earlier["settings"]) or "no settings"
            raise SystemExit(
                f"{run.path.stem} was started with {used}: use the same settings, or remove it"
            )
        return Run(**earlier)
    return run


def summary() -> None:
    rows: list[dict[str, Any]] = []
    for task, (dreamerv3, tdmpc2) in TASKS.items():
        curves: dict[str, Curve] = {}
        found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{task}-*.json"))]
        for method in dict.fromkeys(run["method"] for run in found):
            runs = [run for run in found if run["method"] == method]
            curves[method] = Curve.of([r["steps"] for r in runs], [r["returns"] for r in runs])
            rows.append(
                {
                    "task": task,
                    "method": method,
                    "seeds": len(runs),
                    "env steps": " ".join(str(run["steps"][-1]) for run in runs),
                    "mean of each seed": " ".join(f"{np.mean(r['returns'][-1]):.0f}" for r in runs),
                    "best evaluation": " ".join(
                        f"{max(map(np.mean, r['returns'])):.0f}" for r in runs
                    ),
                    "hours": " ".join(f"{run['learning_s'][-1] / 3600:.2f}" for run in runs),
                    "train ratio": " ".join(f"{run['train_ratio']:g}" for run in runs),
                    "DreamerV3 at 100k": dreamerv3,
                    "TD-MPC2 at 100k": tdmpc2,
                }
            )
        if curves:
            path = RESULTS / f"learning/dmc_{task}.png"
            title = f"{task}, greedy, ten episodes"
            draw_curves(path, title, curves, dreamerv3, goal_name="DreamerV3, published")
    if rows:
        publish("learning/dmc", "DeepMind Control from state", rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    first = next(iter(TASKS))
    parser.add_argument("--tasks", nargs="+", default=[first], choices=list(TASKS))
    parser.add_argument("--methods", nargs="+", default=["dreamer"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=100_000, help="environment steps of each run")
    parser.add_argument("--draw", action="store_true", help="only draw the existing results")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for every run")
    options = parser.parse_args()
    if not options.draw:
        for seed in options.seeds:
            for task in options.tasks:
                for method in options.methods:
                    train(open_results(task, method, seed, options.set), options.steps)
    summary()


if __name__ == "__main__":
    main()
