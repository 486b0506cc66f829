"""Learning from records alone: pats of a policy that has never lived, beside its random maker's.

python -m benchmarks.offline [--seeds 0 1 2] [--lives 20] [--minutes 10] [--updates 6000]
                             [--set KEY=VALUE …] [--draw]

Sticky-random lives in the stand-in's room (lockstep, seeds from 1000 on) are recorded as sessions,
as a body would leave them. `train --sessions` learns from them, with the preset records. Every
1,000 updates the frozen, greedy policy lives 20 episodes of 300 beats that nobody has seen; its
maker lives the same ones. A pat is a beat at which HeadPat is felt. Records and learner are kept in
runs/offline and go on where they were stopped; looks stand in results/offline/SEED.json.
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
from benchmarks.curves import Curve, draw_curves
from benchmarks.looks import BEATS, Stopwatch, lived_pats
from benchmarks.session import fill
from configs.load import dump_config, load_config
from configs.schema import Config
from interfaces.core.step import step_dtype
from interfaces.runtime.run_folder import create_run, open_run
from interfaces.session.format.messages import Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session
from interfaces.standin.baselines import StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin
from trainer.running.offline import Offline, import_sessions

EVERY = 1000
PRESET = "records"
FOLDER, RUNS = RESULTS / "offline", ROOT / "runs" / "offline"


@dataclass
class Run:
    """Pats of each episode, at each look of one seed; and of the one who made the records."""

    seed: int
    steps: int
    updates: list[int] = field(default_factory=list[int])
    pats: list[list[float]] = field(default_factory=list[list[float]])
    maker: list[float] = field(default_factory=list[float])
    settings: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.seed}.json"

    def look(self, updates: int, pats: list[float], seconds: float) -> None:
        self.updates.append(updates)
        self.pats.append(pats)
        self.seconds = seconds
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        print(
            f"seed {self.seed}  {updates} updates  {np.mean(pats):.1f} pats of {BEATS}, "
            f"its maker {np.mean(self.maker):.1f}  {seconds:.0f} s",
            flush=True,
        )


def record(folder: Path, config: Config, seed: int, beats: int) -> None:
    """A life of the maker, as a session."""
    world = LockstepStandin(config, seed)
    walker, codec = StickyRandom(world.spaces, seed), Codec(world.spaces)
    writer = SegmentWriter(folder, 0, codec, {"config": dump_config(config)})
    step = np.zeros((), step_dtype(world.spaces))
    for i in range(beats):
        seen = world.observe()
        fill(step, i, seen.image, seen.vector, config.beat.hz)
        step["wall_ns"] += seed * 10**12  # one life after another
        step["action"] = step["chosen"] = world.act(walker.act())
        writer.put(step)
    writer.close()
    world.close()


def records(place: Path, config: Config, seed: int, lives: int, minutes: float) -> list[Session]:
    """The maker's lives, lived where they are not there yet."""
    for life in range(lives):
        done, part = place / f"life{life}", place / f"life{life}.part"
        if done.exists():
            continue
        shutil.rmtree(part, ignore_errors=True)
        record(part / "session", config, 1000 + seed * lives + life, round(600 * minutes))
        part.rename(done)
        print(f"seed {seed}  life {life + 1} of {lives} recorded", flush=True)
    return [Session(place / f"life{life}") for life in range(lives)]


def learn(run: Run, lives: int, minutes: float, updates: int) -> None:
    """From wherever it was stopped."""
    place = RUNS / str(run.seed)
    words = [f"seed={run.seed}", f"evaluate.episode_steps={BEATS}", *run.settings]
    folder = place / "run"
    opened = open_run(folder) if folder.exists() else None
    config = load_config(Path(PRESET), words) if opened is None else opened.config
    sessions = records(place, config, run.seed, lives, minutes)
    opened = opened or create_run(folder, config, PRESET, ROOT)
    offline = Offline(opened, config, import_sessions(opened, config, sessions))
    known = sum(each <= offline.learner.updates for each in run.updates)
    del run.updates[known:], run.pats[known:]
    if not run.maker:
        run.maker = lived_pats(None, config, "sticky")
    never, learning = threading.Event(), Stopwatch(run.seconds)
    for until in range(EVERY * (known + 1), updates + 1, EVERY):
        offline.run(until, lambda _: None, never)
        seconds = learning.seconds
        with learning.stopped():
            run.look(until, lived_pats(offline.learner.networks, config), seconds)


def summary() -> None:
    runs = [Run(**json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]
    if not runs:
        return
    rows = [
        {
            "seed": run.seed,
            "steps recorded": run.steps,
            "updates": run.updates[-1],
            "pats a minute": round(float(np.mean(run.pats[-1])) / BEATS * 600, 1),
            "its maker": round(float(np.mean(run.maker)) / BEATS * 600, 1),
            "times": round(float(np.mean(run.pats[-1]) / np.mean(run.maker)), 2),
            "seconds": run.seconds,
        }
        for run in runs
    ]
    count = min(len(run.updates) for run in runs)
    steps = [run.updates[:count] for run in runs]
    curves = {"learned from records": Curve.of(steps, [run.pats[:count] for run in runs])}
    curves["its maker"] = Curve.of(steps, [[run.maker] * count for run in runs])
    twice = 2 * float(np.mean([run.maker for run in runs]))
    title = "from records of a random walker alone (dashed: twice the walker's)"
    labels = ("updates", f"pats of {BEATS} beats")
    draw_curves(RESULTS / "offline.png", title, curves, twice, labels)
    publish("offline", "learned from random lives alone", rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--lives", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each life, at 10 Hz")
    parser.add_argument("--updates", type=int, default=6000)
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE, to try things")
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    asked = parser.parse_args()
    if not asked.draw:
        for seed in asked.seeds:
            steps = asked.lives * round(600 * asked.minutes)
            run = Run(seed, steps, settings=asked.set, machine=machine())
            if run.path.exists():
                run = Run(**json.loads(run.path.read_text(encoding="utf-8")))
                if run.updates[-1] >= asked.updates:
                    continue
            learn(run, asked.lives, asked.minutes, asked.updates)
    summary()


if __name__ == "__main__":
    main()
