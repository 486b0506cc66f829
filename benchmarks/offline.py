"""Learning from records alone: pats of a policy that has never lived, beside its random maker's.

python -m benchmarks.offline [--seeds 0 1 2] [--lives 10] [--minutes 2] [--updates 6000]
                             [--set KEY=VALUE …] [--draw]

Sticky-random lives in the stand-in's room (lockstep, seeds from 1000 on) are recorded as sessions,
as a body would leave them. `train --sessions` learns from them, with the preset default. Every
1,000 updates the frozen, greedy policy lives 20 episodes of 300 beats that nobody has seen; its
maker lives the same ones. A pat is a beat at which HeadPat is felt. A seed's looks stand in
results/offline/SEED.json, and it is not run again while that is whole.
"""

import argparse
import json
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.curves import Curve, draw_curves
from benchmarks.session import fill
from configs.load import dump_config, load_config
from configs.schema import Config
from interfaces.lockstep_worlds import make_lockstep_world
from interfaces.rewards import LIVED_TERMS
from interfaces.run_folder import create_run
from interfaces.session.messages import Codec
from interfaces.session.segment import SegmentWriter
from interfaces.session.session import Session
from interfaces.standin.lockstep import LockstepStandin
from interfaces.standin.walkers import StickyRandom
from interfaces.step import step_dtype
from trainer.evaluate import Which, live_episodes
from trainer.offline import Offline, import_sessions

EPISODES, BEATS, FIRST_SEED, EVERY = 20, 300, 100_000, 1000
FOLDER = RESULTS / "offline"


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


def pats(networks: Any, config: Config, which: Which) -> list[float]:
    lived = live_episodes(
        networks,
        config,
        lambda seed: make_lockstep_world(config, seed),
        EPISODES,
        FIRST_SEED,
        which=which,
    )
    return lived[:, LIVED_TERMS.index("parameters")].tolist()


def learn(run: Run, lives: int, minutes: float, updates: int) -> None:
    words = [f"seed={run.seed}", f"evaluate.episode_steps={BEATS}", *run.settings]
    config = load_config(Path("default"), words)
    beats = round(60 * minutes * config.beat.hz)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for life in range(lives):
            seed = 1000 + run.seed * lives + life
            record(folder / f"life{life}" / "session", config, seed, beats)
        run.maker = pats(None, config, "sticky")
        sessions = [Session(folder / f"life{life}") for life in range(lives)]
        place = create_run(folder / "run", config, "default", ROOT)
        offline = Offline(place, config, import_sessions(place, config, sessions))
        never, began = threading.Event(), time.perf_counter()
        for until in range(EVERY, updates + 1, EVERY):
            offline.run(until, lambda _: None, never)
            run.updates.append(until)
            run.pats.append(pats(offline.learner.networks, config, "greedy"))
            run.seconds = round(time.perf_counter() - began, 1)
            FOLDER.mkdir(parents=True, exist_ok=True)
            run.path.write_text(json.dumps(asdict(run)) + "\n", encoding="utf-8")
            print(
                f"seed {run.seed}  {until} updates  {np.mean(run.pats[-1]):.1f} pats of {BEATS}, "
                f"its maker {np.mean(run.maker):.1f}  {run.seconds:.0f} s",
                flush=True,
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
    title = f"pats of {BEATS} beats, against updates (dashed: twice the maker's)"
    draw_curves(RESULTS / "offline.png", title, curves, twice)
    publish("offline", "learned from random lives alone", rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--lives", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=2.0, help="of each life, at 10 Hz")
    parser.add_argument("--updates", type=int, default=6000)
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE, to try things")
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    asked = parser.parse_args()
    if not asked.draw:
        for seed in asked.seeds:
            steps = asked.lives * round(600 * asked.minutes)
            run = Run(seed, steps, settings=asked.set, machine=machine())
            if run.path.exists():
                kept = json.loads(run.path.read_text(encoding="utf-8"))
                if kept["updates"][-1] >= asked.updates:
                    continue
            learn(run, asked.lives, asked.minutes, asked.updates)
    summary()


if __name__ == "__main__":
    main()
