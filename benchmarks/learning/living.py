"""Learning in the stand-in from blank weights: head-pats against environment steps.

python -m benchmarks.learning.living [--variants contacts …] [--seeds 1 2 3 4] [--steps 18000]
                            [--looks 3000 6000 9000 12000 18000] [--jobs 2] [--list]
python -m benchmarks.learning.living --name NAME --set KEY=VALUE … [--preset default]

A run is in lockstep, with 32 replayed steps for each environment step. At each
look the frozen, greedy policy runs 20 episodes of 300 steps in unseen rooms (seeds from 100,000).
The sticky-random, stationary and oracle policies run the same episodes. A head-pat is a step at
which HeadPat is received. `lived` counts the head-pats during training, per 1,000 steps.

Runs are kept in runs/living and resume there. Results are written after each look, one file for
each variant and seed, to results/learning/living/NAME-SEED.json. `python -m benchmarks.report`
draws them. `--jobs` of them run at the same time, each in a process with one thread.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine
from benchmarks.learning.checkpoint_evaluation import (
    EPISODE_STEPS,
    Stopwatch,
    evaluated_head_pats,
)
from benchmarks.learning.living_variants import COMMON, VARIANTS, Variant
from configs.load import load_config
from configs.schema import Config
from interfaces.core.step import value_field
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import RunFolder, create_run, open_run
from interfaces.runtime.worlds import make_lockstep_world
from trainer.evaluation.run_episodes import PolicyKind
from trainer.running.lockstep import LockstepTrainer

LOOKS = (3000, 6000, 9000, 12_000, 18_000)
CHECKPOINT_STEPS = 1000  # also the length of a piece of `lived`
FOLDER, GROUP = RESULTS / "learning", "living"
BASELINES: tuple[PolicyKind, ...] = ("sticky", "still", "oracle")
HEAD_PAT = value_field("parameters.HeadPat")


@dataclass
class Look:
    """One evaluation. `head_pats`: of each unseen room.

    `seconds` and `cpu_seconds` are those of the training until then, looks excluded.
    """

    steps: int
    updates: int
    head_pats: list[float]
    seconds: float
    cpu_seconds: float


@dataclass
class LivingResult:
    """The looks at one run.

    `lived`: head-pats in each 1,000 steps of training. `jobs`: runs that ran at the same time.
    `group`: the folder of results and runs. `clock`: steps, seconds and CPU seconds at each
    checkpoint, so that a resumed run counts all of its time.
    """

    name: str
    seed: int
    preset: str
    settings: list[str]
    place: str
    looks: list[Look] = field(default_factory=list[Look])
    lived: list[int] = field(default_factory=list[int])
    clock: list[list[float]] = field(default_factory=list[list[float]])
    jobs: int = 1
    group: str = GROUP
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def path(self) -> Path:
        return FOLDER / self.group / f"{self.name}-{self.seed}.json"

    @property
    def run(self) -> Path:
        return ROOT / "runs" / self.group / f"{self.name}-{self.seed}"

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def open(
        cls, name: str, variant: Variant, seed: int, jobs: int, group: str = GROUP
    ) -> "LivingResult":
        """The results so far, or new ones. Exits if they have other settings or no run folder."""
        settings = [*COMMON, *variant.settings]
        new = cls(name, seed, variant.preset, settings, variant.place, jobs=jobs, group=group)
        new.machine = machine()
        if not new.path.exists():
            return new
        content: dict[str, Any] = json.loads(new.path.read_text(encoding="utf-8"))
        earlier = cls(**content)
        earlier.looks = [Look(**look) for look in content["looks"]]
        if (earlier.preset, earlier.settings) != (new.preset, new.settings):
            used = " ".join([earlier.preset, *earlier.settings])
            raise SystemExit(f"{new.path.stem} was started with {used}: remove its JSON first")
        if earlier.looks and not new.run.exists():
            raise SystemExit(f"{new.path.stem} has results, but no run in runs/{new.group}")
        return earlier


def live(result: LivingResult, looks: list[int]) -> None:
    """Trains until the last look. Resumes an interrupted run from its newest checkpoint."""
    run = open_result_run(result)
    config, resume = run.config, any(run.checkpoints.glob("*"))
    world = make_lockstep_world(config, result.seed)
    lockstep = LockstepTrainer(run, config, [world], resume=resume)
    result.looks = [look for look in result.looks if look.steps <= lockstep.steps]
    result.clock = [each for each in result.clock if each[0] <= lockstep.steps]
    _, seconds_before, cpu_before = result.clock[-1] if result.clock else (0, 0.0, 0.0)
    learning = Stopwatch(seconds_before)
    cpu = [cpu_before - time.process_time()]  # added to the process's own time

    def look(steps: int) -> None:
        if steps % CHECKPOINT_STEPS:
            return
        seconds, cpu_seconds = learning.seconds, cpu[0] + time.process_time()
        if steps and all(each[0] < steps for each in result.clock):
            result.clock.append([steps, seconds, round(cpu_seconds, 1)])
            result.write()
        if steps not in looks or any(each.steps == steps for each in result.looks):
            return
        with learning.paused():
            head_pats = evaluated_head_pats(lockstep.learner.networks, config)
            updates = lockstep.learner.updates
            result.looks.append(Look(steps, updates, head_pats, seconds, round(cpu_seconds, 1)))
            result.lived = _lived(run, steps)
            result.write()
            print(
                f"{result.path.stem}  {steps:6d} steps  {updates:5d} updates  "
                f"{np.mean(head_pats):5.1f} head-pats in {EPISODE_STEPS} steps  {seconds:.0f} s  "
                f"lived {' '.join(map(str, result.lived))}",
                flush=True,
            )
        cpu[0] = cpu_seconds - time.process_time()

    look(lockstep.steps)  # a run that was killed during its look
    lockstep.run(max(looks), look, lambda: False)


def open_result_run(result: LivingResult) -> RunFolder:
    """The run of a result, from its newest checkpoint on; a new one without weights if none."""
    if result.run.exists():
        return open_run(result.run)
    words = [f"seed={result.seed}", f"trainer.checkpoint_steps={CHECKPOINT_STEPS}"]
    config = load_config(Path(result.preset), [*words, *result.settings])
    result.run.parent.mkdir(parents=True, exist_ok=True)
    return create_run(result.run, config, result.preset, ROOT)


def _lived(run: RunFolder, steps: int) -> list[int]:
    """Head-pats in each CHECKPOINT_STEPS steps of training. Steps not yet written are left out."""
    reader = JournalReader(run.journal)
    end = min(steps, reader.end)
    return [
        int((reader.read(start, min(CHECKPOINT_STEPS, end - start))[HEAD_PAT] > 0).sum())
        for start in range(0, end, CHECKPOINT_STEPS)
    ]


def measure_baselines(path: Path, config: Config, **what: str) -> None:
    """Head-pats of the policies without learning in the same rooms, unless `path` has them.

    `what`: the place or the case, for the file and the line.
    """
    if path.exists():
        return
    head_pats = {policy: evaluated_head_pats(None, config, policy) for policy in BASELINES}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**what, "head_pats": head_pats, "machine": machine()}
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
    means = ", ".join(f"{name} {np.mean(each):.0f}" for name, each in head_pats.items())
    print(f"baselines of {' '.join(what.values())}: {means}", flush=True)


def _run_apart(words: list[str]) -> int:
    """Runs one variant and seed in a process of its own. Returns the exit status."""
    command = [sys.executable, "-m", "benchmarks.learning.living", *words]
    return subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    ).returncode


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--variants", nargs="+", default=["contacts"], choices=VARIANTS, metavar="NAME"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=18_000)
    parser.add_argument("--looks", nargs="+", type=int, default=list(LOOKS))
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time")
    parser.add_argument("--name", default="", help="a variant of your own; its settings: --set")
    parser.add_argument("--preset", default="default", help="preset of a variant of your own")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE of a variant of your own")
    parser.add_argument("--list", action="store_true", help="list the variants and exit")
    options = parser.parse_args()
    if options.list:
        for name, variant in VARIANTS.items():
            print(f"{name:16} {variant.words}: {' '.join(variant.settings)}")
        return
    if options.name in VARIANTS:
        parser.error(f"--name {options.name}: choose another name; this one is in --list")
    own = Variant(tuple(options.set), "", options.preset)
    variants = (
        {options.name: own} if options.name else {name: VARIANTS[name] for name in options.variants}
    )
    looks = sorted({look for look in options.looks if look < options.steps} | {options.steps})
    if any(look % CHECKPOINT_STEPS for look in looks):
        parser.error(f"--looks and --steps must be multiples of {CHECKPOINT_STEPS:,}")
    for place in dict.fromkeys(variant.place for variant in variants.values()):
        config = load_config(Path("default"), [f"world.standin.place={place}"])
        measure_baselines(FOLDER / GROUP / "baselines" / f"{place}.json", config, place=place)
    todo = [(name, seed) for seed in options.seeds for name in variants]
    if len(todo) == 1:
        ((name, seed),) = todo
        live(LivingResult.open(name, variants[name], seed, options.jobs), looks)
        return
    shared = ["--steps", str(options.steps), "--looks", *map(str, looks)]
    shared += ["--jobs", str(options.jobs)]
    if options.name:
        shared += ["--name", options.name, "--preset", options.preset, "--set", *options.set]

    def one(run: tuple[str, int]) -> int:
        name, seed = run
        chosen = [] if options.name else ["--variants", name]
        return _run_apart([*chosen, "--seeds", str(seed), *shared])

    with ThreadPoolExecutor(options.jobs) as pool:
        failed = [run for run, code in zip(todo, pool.map(one, todo), strict=True) if code]
    if failed:
        raise SystemExit(f"failed: {', '.join(f'{name}-{seed}' for name, seed in failed)}")


if __name__ == "__main__":
    main()
