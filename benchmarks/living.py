"""Learning while it lives, in the stand-in's room: pats against steps lived.

python -m benchmarks.living [--presets default] [--seeds 0 1 2] [--steps 10000]
                            [--set KEY=VALUE …] [--name NAME] [--draw]

A life in lockstep: as many updates as the preset's train ratio allows, however long they take here.
Every 1,000 steps lived the frozen, greedy policy lives 20 episodes of 300 beats; sticky-random, one
who stands still, and the oracle live the same ones. A pat is a beat at which HeadPat is felt. A run
is kept in runs/living and goes on where it was stopped; its looks stand in
results/living/NAME-SEED.json, where NAME is the preset's, or says what was set.
"""

import argparse
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.curves import Curve, draw_curves
from benchmarks.looks import BEATS, Stopwatch, lived_pats
from configs.load import load_config
from interfaces.runtime.lockstep_worlds import make_lockstep_world
from interfaces.runtime.run_folder import create_run, open_run
from trainer.evaluation.evaluate import Which
from trainer.running.lockstep import Lockstep

EVERY = 1000
FOLDER, RUNS = RESULTS / "living", ROOT / "runs" / "living"
BESIDE: tuple[Which, ...] = ("sticky", "still", "oracle")


@dataclass
class Run:
    """Looks of one seed, pats of each episode; `beside`: of who does not think. `updates` and
    `seconds` of learning until each look."""

    preset: str
    seed: int
    settings: list[str]
    steps: list[int] = field(default_factory=list[int])
    updates: list[int] = field(default_factory=list[int])
    pats: list[list[float]] = field(default_factory=list[list[float]])
    seconds: list[float] = field(default_factory=list[float])
    beside: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    name: str = ""
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def kind(self) -> str:
        """What lives with the same settings is called so, whatever the seed."""
        return self.name or self.preset

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.kind}-{self.seed}.json"

    def look(self, steps: int, updates: int, pats: list[float], seconds: float) -> None:
        self.steps.append(steps)
        self.updates.append(updates)
        self.pats.append(pats)
        self.seconds.append(seconds)
        self.write()
        print(
            f"{self.kind} seed {self.seed}  {steps:6d} steps  {updates:6d} updates  "
            f"{np.mean(pats):5.1f} pats of {BEATS}  {seconds:.0f} s",
            flush=True,
        )

    def write(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def begun(preset: str, seed: int, settings: list[str], name: str) -> Run:
    run = Run(preset, seed, settings, machine=machine(), name=name)
    if run.path.exists():
        kept = Run(**json.loads(run.path.read_text(encoding="utf-8")))
        if (kept.preset, kept.settings) != (preset, settings):
            begun_with = " ".join([kept.preset, *kept.settings])
            raise SystemExit(f"{run.path.stem} was begun with {begun_with}: remove it first")
        if kept.steps and not (RUNS / run.path.stem).exists():
            raise SystemExit(f"{run.path.stem} was lived, but runs/living has it no more")
        return kept
    return run


def live(run: Run, total: int) -> None:
    """Until `total` steps, from wherever it was stopped."""
    place = RUNS / run.path.stem
    if place.exists():
        folder = open_run(place)
    else:
        words = [f"seed={run.seed}", f"trainer.checkpoint_steps={EVERY}", *run.settings]
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = create_run(place, load_config(Path(run.preset), words), run.preset, ROOT)
    config = folder.config
    for which in BESIDE:
        if which not in run.beside:
            run.beside[which] = lived_pats(None, config, which)
            run.write()
    resumed = any(folder.checkpoints.glob("*"))
    lockstep = Lockstep(folder, config, [make_lockstep_world(config, run.seed)], resume=resumed)
    known = sum(steps <= lockstep.steps for steps in run.steps)
    for looks in (run.steps, run.updates, run.pats, run.seconds):
        del looks[known:]
    learning = Stopwatch(run.seconds[-1] if run.seconds else 0.0)

    def look(lived: int) -> None:
        if lived % EVERY:
            return
        seconds = learning.seconds
        with learning.stopped():
            pats = lived_pats(lockstep.learner.networks, config)
            run.look(lived, lockstep.learner.updates, pats, seconds)

    lockstep.run(total, look, lambda: False)


def summary() -> None:
    runs = [Run(**json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]
    runs = [run for run in runs if run.steps]
    if not runs:
        return
    rows = [
        {
            "life": run.kind,
            "seed": run.seed,
            "with": " ".join(run.settings),
            "steps": run.steps[-1],
            "updates": run.updates[-1],
            "pats of 300": float(np.mean(run.pats[-1])),
            "best look": max(float(np.mean(each)) for each in run.pats),
            **{which: float(np.mean(run.beside[which])) for which in BESIDE},
            "minutes": round(run.seconds[-1] / 60, 1),
        }
        for run in runs
    ]
    curves: dict[str, Curve] = {}
    for kind in dict.fromkeys(run.kind for run in runs):
        of = [run for run in runs if run.kind == kind]
        curves[kind] = Curve.of([run.steps for run in of], [run.pats for run in of])
    for which in BESIDE:
        curves[which] = Curve.of([[0]], [[runs[0].beside[which]]])
    title = "learning while it lives, the stand-in's room"
    labels = ("steps lived", f"pats of {BEATS} beats")
    draw_curves(RESULTS / "living.png", title, curves, None, labels)
    publish("living", "pats while it lives", rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", default=["default"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE, to try things")
    parser.add_argument("--name", default="", help="of lives with settings of their own")
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    asked = parser.parse_args()
    if asked.name and len(asked.presets) > 1:
        parser.error("--name is of one preset")
    if not asked.draw:
        for preset in asked.presets:
            for seed in asked.seeds:
                live(begun(preset, seed, asked.set, asked.name), asked.steps)
    summary()


if __name__ == "__main__":
    main()
