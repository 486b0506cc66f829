"""Stochastic against deterministic f: what a policy is promised by its dreams, and what life pays.

python -m benchmarks.stochastic [--worlds pendulum cartpole] [--lived 250 500 1000]
                                [--seeds 0 1 2] [--draw]

A random policy lives a few steps. From them alone f is learned, and beside it the policy, for a
thousand updates: once in dreams that sample f, once in dreams that take its mode (dream.sample);
f itself is the same in both, number for number. Then the frozen, greedy policy lives 100 episodes
and dreams the same 100 starts to their end, in dreams of the kind it learned in. The gap is the
return dreamed minus the return lived. Each run leaves results/stochastic/WORLD-LIVED-KIND-SEED.json
and is not run again while that stands.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.curves import interquartile
from benchmarks.dreams import dreamed_returns, starts
from benchmarks.looks import EPISODES, FIRST_SEED, lived_returns
from configs.load import load_config
from interfaces.journal import JournalReader
from interfaces.runtime.lockstep_worlds import make_lockstep_world
from interfaces.runtime.run_folder import create_run

# The name Gymnasium knows it by, and how long an episode may be.
WORLDS = {"pendulum": ("Pendulum-v1", 200), "cartpole": ("CartPole-v1", 500)}
KINDS = {"sampled": True, "mode": False}
UPDATES, EVERY = 1000, 250
FOLDER = RESULTS / "stochastic"


@dataclass
class Run:
    """Returns of 100 starts at each look: dreamed in dreams of the policy's own kind, dreamed with
    f sampled, and lived."""

    world: str
    lived_steps: int
    kind: str
    seed: int
    updates: list[int] = field(default_factory=list[int])
    dreamed: list[list[float]] = field(default_factory=list[list[float]])
    dreamed_sampled: list[list[float]] = field(default_factory=list[list[float]])
    lived: list[list[float]] = field(default_factory=list[list[float]])
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict[str, Any])


def live(run: Run) -> None:
    from trainer.data.replay_buffer import Replay
    from trainer.learners.dreamer import DreamerLearner
    from trainer.running.lockstep import Lockstep

    name, longest = WORLDS[run.world]
    config = load_config(
        Path("dreamer"),
        [
            *("world.kind=gymnasium", f"world.id={name}", f"seed={run.seed}"),
            f"trainer.prefill={run.lived_steps + 1}",  # nobody learns while it is lived
            f"dream.sample={str(KINDS[run.kind]).lower()}",
            # As the preset was when the first seeds were run: its dreams alone teach the policy.
            *("trainer.free_nats=0.5", "actor.cloning=0", "critic.replay_weight=0"),
        ],
    )
    make = lambda seed: make_lockstep_world(config, seed)  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        place = create_run(Path(folder) / "run", config, "dreamer", ROOT)
        lockstep = Lockstep(place, config, [make(run.seed)])
        lockstep.run(run.lived_steps, lambda _: None, lambda: False)
        learner = lockstep.learner
        assert isinstance(learner, DreamerLearner)
        replay = Replay(JournalReader(place.journal), make(0).spaces, config, torch.device("cpu"))
        for update in range(1, UPDATES + 1):
            learner.update(replay.sample(update))
            if update % EVERY:
                continue
            networks = learner.networks
            start, noise = starts(networks, config, make, EPISODES, FIRST_SEED)
            for sample, kept in ((KINDS[run.kind], run.dreamed), (True, run.dreamed_sampled)):
                kept.append(dreamed_returns(networks, start, noise, longest, sample=sample))
            run.lived.append(lived_returns(networks, config))
            run.updates.append(update)
            print(
                f"{run.world} {run.lived_steps} {run.kind} seed {run.seed}  {update} updates  "
                f"dreamed {np.mean(run.dreamed[-1]):8.1f}  lived {np.mean(run.lived[-1]):8.1f}",
                flush=True,
            )


def path_of(run: Run) -> Path:
    return FOLDER / f"{run.world}-{run.lived_steps}-{run.kind}-{run.seed}.json"


def summary() -> None:
    rows: list[dict[str, Any]] = []
    for world in WORLDS:
        kept = [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{world}-*.json"))]
        for steps in sorted({run["lived_steps"] for run in kept}):
            for kind in KINDS:
                runs = [r for r in kept if (r["lived_steps"], r["kind"]) == (steps, kind)]
                if not runs:
                    continue
                dreamed, lived = ([run[key][-1] for run in runs] for key in ("dreamed", "lived"))
                gaps = [np.subtract(d, e) for d, e in zip(dreamed, lived, strict=True)]
                rows.append(
                    {
                        "world": world,
                        "steps lived": steps,
                        "dreams": kind,
                        "seeds": len(runs),
                        "dreamed IQM": round(interquartile(dreamed)[0], 1),
                        "lived IQM": round(interquartile(lived)[0], 1),
                        "gap IQM (95 %)": "{:.0f} ({:.0f} to {:.0f})".format(
                            *interquartile([gap.tolist() for gap in gaps])
                        ),
                        "gap of each seed": " ".join(f"{gap.mean():.0f}" for gap in gaps),
                        "lived, each seed": " ".join(f"{np.mean(each):.0f}" for each in lived),
                    }
                )
    if rows:
        publish("stochastic", "return dreamed minus lived, by how f was dreamed", rows)
        _draw(rows)


def _draw(rows: list[dict[str, Any]]) -> None:
    """For each world: what each kind was promised and what it got, against steps lived."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    worlds = list(dict.fromkeys(row["world"] for row in rows))
    figure, panels = pyplot.subplots(
        1, len(worlds), figsize=(5 * len(worlds), 4), dpi=120, squeeze=False
    )
    for axes, world in zip(panels[0], worlds, strict=True):
        for kind, color in zip(KINDS, ("tab:blue", "tab:orange"), strict=True):
            here = [row for row in rows if (row["world"], row["dreams"]) == (world, kind)]
            steps = [row["steps lived"] for row in here]
            for what, line in (("dreamed", "--"), ("lived", "-")):
                values = [row[f"{what} IQM"] for row in here]
                axes.plot(steps, values, line, color=color, marker="o", label=f"{kind}, {what}")
        axes.set(title=WORLDS[world][0], xlabel="steps lived at random", ylabel="return, IQM")
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(RESULTS / "stochastic.png")
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--lived", nargs="+", type=int, default=[250, 500, 1000])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    asked = parser.parse_args()
    if not asked.draw:
        torch.set_num_threads(1)
        for seed in asked.seeds:
            for world in asked.worlds:
                for steps in asked.lived:
                    for kind in KINDS:
                        run = Run(world, steps, kind, seed, machine=machine())
                        if path_of(run).exists():
                            continue
                        began = time.perf_counter()
                        live(run)
                        run.seconds = round(time.perf_counter() - began, 1)
                        FOLDER.mkdir(parents=True, exist_ok=True)
                        path_of(run).write_text(json.dumps(asdict(run)) + "\n", encoding="utf-8")
    summary()


if __name__ == "__main__":
    main()
