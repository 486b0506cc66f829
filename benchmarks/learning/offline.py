"""Offline learning: head-pats of a policy trained on recordings of a random policy alone.

python -m benchmarks.learning.offline [--seeds 0 1 2] [--recordings 20] [--minutes 10]
                             [--updates 6000] [--set KEY=VALUE …] [--draw]

A sticky-random policy acts in the stand-in's room (lockstep, seeds from 1000 on). Its steps are
recorded as sessions, in the format of a live run. The preset `records` learns from these sessions
with `train --sessions`. Every 1,000 updates the frozen, greedy policy runs 20 episodes of 300 steps
that are not in the recordings. The recorded policy runs the same episodes. A head-pat is a step at
which HeadPat is received. Recordings and learner are kept in runs/offline, and a run resumes there.
Evaluations are written to results/learning/offline/SEED.json.
"""

import argparse
import json
import shutil
import threading
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
from benchmarks.standin.random_steps import fill_step
from configs.load import dump_config, load_config
from configs.schema import Config
from interfaces.core.step import StepLayout
from interfaces.runtime.run_folder import create_run, open_run
from interfaces.session.format.messages import Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session
from interfaces.standin.baselines import StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin
from trainer.running.offline import OfflineTrainer
from trainer.running.session_import import import_sessions

EVERY = 1000
PRESET = "records"
FOLDER, RUNS = RESULTS / "learning/offline", ROOT / "runs" / "offline"


@dataclass
class Run:
    """Head-pats of each episode, at each evaluation of one seed, and of the recorded policy."""

    seed: int
    steps: int
    updates: list[int] = field(default_factory=list[int])
    head_pats: list[list[float]] = field(default_factory=list[list[float]])
    recorded_policy: list[float] = field(default_factory=list[float])
    settings: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.seed}.json"

    def add_evaluation(self, updates: int, head_pats: list[float], seconds: float) -> None:
        self.updates.append(updates)
        self.head_pats.append(head_pats)
        self.seconds = seconds
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        print(
            f"seed {self.seed}  {updates} updates  {np.mean(head_pats):.1f} head-pats in "
            f"{EPISODE_STEPS} steps, recorded policy "
            f"{np.mean(self.recorded_policy):.1f}  {seconds:.0f} s",
            flush=True,
        )


def record(folder: Path, config: Config, seed: int, steps: int) -> None:
    """Records one session of the sticky-random policy."""
    world = LockstepStandin(config, seed)
    policy, codec = StickyRandom(world.spaces, seed), Codec(StepLayout(world.spaces))
    writer = SegmentWriter(folder, 0, codec, {"config": dump_config(config)})
    step = np.zeros((), StepLayout(world.spaces).dtype)
    for i in range(steps):
        observation = world.observe()
        fill_step(step, i, observation.image, observation.vector, config.tick.hz)
        step["wall_ns"] += seed * 10**12  # recordings follow each other in time
        step["action"] = step["chosen"] = world.act(policy.act())
        writer.put(step)
    writer.close()
    world.close()


def recordings(
    folder: Path, config: Config, seed: int, count: int, minutes: float
) -> list[Session]:
    """The sessions of one seed. Records those that do not exist yet."""
    for number in range(count):
        done, part = folder / f"recording{number}", folder / f"recording{number}.part"
        if done.exists():
            continue
        shutil.rmtree(part, ignore_errors=True)
        record(part / "session", config, 1000 + seed * count + number, round(600 * minutes))
        part.rename(done)
        print(f"seed {seed}  recording {number + 1} of {count} done", flush=True)
    return [Session(folder / f"recording{number}") for number in range(count)]


def train(run: Run, count: int, minutes: float, updates: int) -> None:
    """Trains until `updates`, and resumes an interrupted run."""
    place = RUNS / str(run.seed)
    words = [f"seed={run.seed}", f"evaluate.episode_steps={EPISODE_STEPS}", *run.settings]
    folder = place / "run"
    opened = open_run(folder) if folder.exists() else None
    config = load_config(Path(PRESET), words) if opened is None else opened.config
    sessions = recordings(place, config, run.seed, count, minutes)
    opened = opened or create_run(folder, config, PRESET, ROOT)
    offline = OfflineTrainer(opened, config, import_sessions(opened, config, sessions))
    known = sum(each <= offline.learner.updates for each in run.updates)
    del run.updates[known:], run.head_pats[known:]
    if not run.recorded_policy:
        run.recorded_policy = evaluated_head_pats(None, config, "sticky")
    never, learning = threading.Event(), Stopwatch(run.seconds)
    for until in range(EVERY * (known + 1), updates + 1, EVERY):
        offline.run(until, lambda _: None, never)
        seconds = learning.seconds
        with learning.paused():
            run.add_evaluation(
                until, evaluated_head_pats(offline.learner.networks, config), seconds
            )


def summary() -> None:
    runs = [Run(**json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]
    if not runs:
        return
    rows = [
        {
            "seed": run.seed,
            "steps recorded": run.steps,
            "updates": run.updates[-1],
            "head-pats per minute": round(
                float(np.mean(run.head_pats[-1])) / EPISODE_STEPS * 600, 1
            ),
            "recorded policy": round(float(np.mean(run.recorded_policy)) / EPISODE_STEPS * 600, 1),
            "ratio": round(float(np.mean(run.head_pats[-1]) / np.mean(run.recorded_policy)), 2),
            "seconds": run.seconds,
        }
        for run in runs
    ]
    count = min(len(run.updates) for run in runs)
    steps = [run.updates[:count] for run in runs]
    curves = {"trained offline": Curve.of(steps, [run.head_pats[:count] for run in runs])}
    recorded = [[run.recorded_policy] * count for run in runs]
    curves["recorded policy"] = Curve.of(steps, recorded)
    twice = 2 * float(np.mean([run.recorded_policy for run in runs]))
    title = "offline, from recordings of a random policy (goal: twice the random policy)"
    labels = ("updates", f"head-pats per {EPISODE_STEPS} steps")
    draw_curves(RESULTS / "learning/offline.png", title, curves, twice, labels)
    publish("learning/offline", "Offline learning from recordings of a random policy", rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--recordings", "--lives", type=int, default=20)
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="length of each recording, at 10 Hz"
    )
    parser.add_argument("--updates", type=int, default=6000)
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for every run")
    parser.add_argument("--draw", action="store_true", help="only draw the existing results")
    options = parser.parse_args()
    if not options.draw:
        for seed in options.seeds:
            steps = options.recordings * round(600 * options.minutes)
            run = Run(seed, steps, settings=options.set, machine=machine())
            if run.path.exists():
                run = Run(**json.loads(run.path.read_text(encoding="utf-8")))
                if run.updates[-1] >= options.updates:
                    continue
            train(run, options.recordings, options.minutes, options.updates)
    summary()


if __name__ == "__main__":
    main()
