"""Online learning in the stand-in's room: head-pats against environment steps.

python -m benchmarks.learning.standin_learning [--presets default] [--seeds 0 1 2] [--steps 10000]
                            [--set KEY=VALUE …] [--name NAME] [--draw]

The run is in lockstep, with as many updates as the train ratio of the preset allows. Every 1,000
environment steps the frozen, greedy policy runs 20 episodes of 300 steps. The sticky-random policy,
the stationary baseline and the oracle run the same episodes. A head-pat is a step at which HeadPat
is received. A run is kept in runs/standin_learning and resumes there. Evaluations are written to
results/learning/standin_learning/NAME-SEED.json. NAME is the preset, or a name for other settings.
"""

import argparse
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.learning.checkpoint_evaluation import (
    EPISODE_STEPS,
    Stopwatch,
    evaluated_head_pats,
)
from benchmarks.learning.seed_curves import Curve, draw_curves
from configs.load import load_config
from interfaces.runtime.run_folder import create_run, open_run
from interfaces.runtime.worlds import make_lockstep_world
from trainer.evaluation.run_episodes import PolicyKind
from trainer.running.lockstep import LockstepTrainer

EVERY = 1000
FOLDER, RUNS = RESULTS / "learning/standin_learning", ROOT / "runs" / "standin_learning"
BASELINES: dict[PolicyKind, str] = {"sticky": "sticky", "still": "stationary", "oracle": "oracle"}


@dataclass
class Run:
    """Evaluations of one seed: head-pats of each episode. `baselines` has those of each baseline.

    `updates` and `seconds` count the training until each evaluation.
    """

    preset: str
    seed: int
    settings: list[str]
    steps: list[int] = field(default_factory=list[int])
    updates: list[int] = field(default_factory=list[int])
    head_pats: list[list[float]] = field(default_factory=list[list[float]])
    seconds: list[float] = field(default_factory=list[float])
    baselines: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    name: str = ""
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def variant(self) -> str:
        """The name of the settings, without the seed."""
        return self.name or self.preset

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.variant}-{self.seed}.json"

    def add_evaluation(
        self, steps: int, updates: int, head_pats: list[float], seconds: float
    ) -> None:
        self.steps.append(steps)
        self.updates.append(updates)
        self.head_pats.append(head_pats)
        self.seconds.append(seconds)
        self.write()
        print(
            f"{self.variant} seed {self.seed}  {steps:6d} steps  {updates:6d} updates  "
            f"{np.mean(head_pats):5.1f} head-pats in {EPISODE_STEPS} steps  {seconds:.0f} s",
            flush=True,
        )

    def write(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def open_results(preset: str, seed: int, settings: list[str], name: str) -> Run:
    """The results so far, or new ones. Exits if they do not fit the settings or the run folder."""
    run = Run(preset, seed, settings, machine=machine(), name=name)
    if run.path.exists():
        earlier = Run(**json.loads(run.path.read_text(encoding="utf-8")))
        if (earlier.preset, earlier.settings) != (preset, settings):
            used = " ".join([earlier.preset, *earlier.settings])
            raise SystemExit(f"{run.path.stem} was started with {used}: remove it first")
        if earlier.steps and not (RUNS / run.path.stem).exists():
            raise SystemExit(f"{run.path.stem} has results, but no run in runs/standin_learning")
        return earlier
    return run


def train(run: Run, total: int) -> None:
    """Trains until `total` environment steps, and resumes an interrupted run."""
    path = RUNS / run.path.stem
    if path.exists():
        folder = open_run(path)
    else:
        words = [f"seed={run.seed}", f"trainer.checkpoint_steps={EVERY}", *run.settings]
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = create_run(path, load_config(Path(run.preset), words), run.preset, ROOT)
    config = folder.config
    for policy in BASELINES:
        if policy not in run.baselines:
            run.baselines[policy] = evaluated_head_pats(None, config, policy)
            run.write()
    resume = any(folder.checkpoints.glob("*"))
    lockstep = LockstepTrainer(
        folder, config, [make_lockstep_world(config, run.seed)], resume=resume
    )
    known = sum(steps <= lockstep.steps for steps in run.steps)
    for values in (run.steps, run.updates, run.head_pats, run.seconds):
        del values[known:]
    learning = Stopwatch(run.seconds[-1] if run.seconds else 0.0)

    def evaluate(steps: int) -> None:
        if steps % EVERY:
            return
        seconds = learning.seconds
        with learning.paused():
            head_pats = evaluated_head_pats(lockstep.learner.networks, config)
            run.add_evaluation(steps, lockstep.learner.updates, head_pats, seconds)

    lockstep.run(total, evaluate, lambda: False)


def summary() -> None:
    runs = [Run(**json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]
    runs = [run for run in runs if run.steps]
    if not runs:
        return
    rows = [
        {
            "variant": run.variant,
            "seed": run.seed,
            "settings": " ".join(run.settings),
            "env steps": run.steps[-1],
            "updates": run.updates[-1],
            "head-pats": float(np.mean(run.head_pats[-1])),
            "best evaluation": max(float(np.mean(each)) for each in run.head_pats),
            **{name: float(np.mean(run.baselines[key])) for key, name in BASELINES.items()},
            "minutes": round(run.seconds[-1] / 60, 1),
        }
        for run in runs
    ]
    curves: dict[str, Curve] = {}
    for variant in dict.fromkeys(run.variant for run in runs):
        seeds = [run for run in runs if run.variant == variant]
        curves[variant] = Curve.of([run.steps for run in seeds], [run.head_pats for run in seeds])
    for key, name in BASELINES.items():
        curves[name] = Curve.of([[0]], [[runs[0].baselines[key]]])
    title = "online learning in the stand-in's room"
    labels = ("environment steps", f"head-pats per {EPISODE_STEPS} steps")
    draw_curves(RESULTS / "learning/standin_learning.png", title, curves, None, labels)
    title = f"Online learning in the stand-in: head-pats per {EPISODE_STEPS} steps"
    publish("learning/standin_learning", title, rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", default=["default"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for every run")
    parser.add_argument("--name", default="", help="name of runs with other settings")
    parser.add_argument("--draw", action="store_true", help="only draw the existing results")
    options = parser.parse_args()
    if options.name and len(options.presets) > 1:
        parser.error("--name needs exactly one preset")
    if not options.draw:
        for preset in options.presets:
            for seed in options.seeds:
                train(open_results(preset, seed, options.set, options.name), options.steps)
    summary()


if __name__ == "__main__":
    main()
