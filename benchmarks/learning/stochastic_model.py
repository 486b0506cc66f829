"""Stochastic against deterministic f: imagined and real returns of the policies they train.

python -m benchmarks.learning.stochastic_model [--worlds pendulum cartpole]
                                [--env-steps 250 500 1000] [--seeds 0 1 2] [--draw]

A random policy records a few steps. The world model f and the policy learn from these steps alone,
for a thousand updates. The policy learns either in rollouts that sample f, or in rollouts that take
its mode (`dream.sample`). f is bit-identical in both cases.

The frozen, greedy policy then runs 100 real episodes. It is also rolled out in imagination from the
same 100 starts, with the kind of rollout it learned in. The gap is the imagined minus the real
return. Each run writes results/learning/stochastic_model/WORLD/WORLD-STEPS-KIND-SEED.json, and is
not run again while that file exists.
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
from benchmarks.learning.checkpoint_evaluation import EPISODES, FIRST_SEED, evaluated_returns
from benchmarks.learning.imagined_returns import imagined_returns, initial_states
from benchmarks.learning.seed_curves import interquartile
from configs.load import load_config
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run
from interfaces.runtime.worlds import make_lockstep_world

# The name in Gymnasium, and the longest episode.
WORLDS = {"pendulum": ("Pendulum-v1", 200), "cartpole": ("CartPole-v1", 500)}
KINDS = {"sampled": True, "mode": False}
UPDATES, EVERY = 1000, 250
FOLDER = RESULTS / "learning/stochastic_model"


@dataclass
class Run:
    """Returns of 100 starts at each evaluation.

    `imagined` is from rollouts of the kind the policy learned in, `imagined_sampled` from rollouts
    that sample f, and `real` from real episodes.
    """

    world: str
    env_steps: int
    kind: str
    seed: int
    updates: list[int] = field(default_factory=list[int])
    imagined: list[list[float]] = field(default_factory=list[list[float]])
    imagined_sampled: list[list[float]] = field(default_factory=list[list[float]])
    real: list[list[float]] = field(default_factory=list[list[float]])
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict[str, Any])


def measure(run: Run) -> None:
    """Records the steps, trains, and evaluates every EVERY updates."""
    from trainer.data.replay_buffer import ReplayBuffer
    from trainer.learners.dreamer import DreamerLearner
    from trainer.running.lockstep import LockstepTrainer

    name, longest = WORLDS[run.world]
    config = load_config(
        Path("dreamer"),
        [
            *("world.kind=gymnasium", f"world.id={name}", f"seed={run.seed}"),
            f"trainer.prefill={run.env_steps + 1}",  # no update during the recording
            f"dream.sample={str(KINDS[run.kind]).lower()}",
            # The preset as it was for the first seeds: the policy learns in imagination alone.
            *("trainer.free_nats=0.5", "actor.cloning=0", "critic.replay_weight=0"),
        ],
    )
    make = lambda seed: make_lockstep_world(config, seed)  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        place = create_run(Path(folder) / "run", config, "dreamer", ROOT)
        lockstep = LockstepTrainer(place, config, [make(run.seed)])
        lockstep.run(run.env_steps, lambda _: None, lambda: False)
        learner = lockstep.learner
        assert isinstance(learner, DreamerLearner)
        replay = ReplayBuffer(
            JournalReader(place.journal), make(0).spaces, config, torch.device("cpu")
        )
        for update in range(1, UPDATES + 1):
            learner.update(replay.sample(update))
            if update % EVERY:
                continue
            networks = learner.networks
            start, noise = initial_states(networks, config, make, EPISODES, FIRST_SEED)
            for sample, into in ((KINDS[run.kind], run.imagined), (True, run.imagined_sampled)):
                into.append(imagined_returns(networks, start, noise, longest, sample=sample))
            run.real.append(evaluated_returns(networks, config))
            run.updates.append(update)
            print(
                f"{run.world} {run.env_steps} {run.kind} seed {run.seed}  {update} updates  "
                f"imagined {np.mean(run.imagined[-1]):8.1f}  real {np.mean(run.real[-1]):8.1f}",
                flush=True,
            )


def path_of(run: Run) -> Path:
    return FOLDER / run.world / f"{run.world}-{run.env_steps}-{run.kind}-{run.seed}.json"


def summary() -> None:
    rows: list[dict[str, Any]] = []
    for world in WORLDS:
        found = [
            json.loads(path.read_text())
            for path in sorted((FOLDER / world).glob(f"{world}-*.json"))
        ]
        for steps in sorted({run["env_steps"] for run in found}):
            for kind in KINDS:
                runs = [r for r in found if (r["env_steps"], r["kind"]) == (steps, kind)]
                if not runs:
                    continue
                imagined, real = ([run[key][-1] for run in runs] for key in ("imagined", "real"))
                gaps = [np.subtract(d, e) for d, e in zip(imagined, real, strict=True)]
                rows.append(
                    {
                        "world": world,
                        "env steps": steps,
                        "rollouts": kind,
                        "seeds": len(runs),
                        "imagined IQM": round(interquartile(imagined)[0], 1),
                        "real IQM": round(interquartile(real)[0], 1),
                        "gap IQM (95 %)": "{:.0f} ({:.0f} to {:.0f})".format(
                            *interquartile([gap.tolist() for gap in gaps])
                        ),
                        "gap of each seed": " ".join(f"{gap.mean():.0f}" for gap in gaps),
                        "real, each seed": " ".join(f"{np.mean(each):.0f}" for each in real),
                    }
                )
    if rows:
        publish("learning/stochastic_model", "Imagined minus real return, by kind of rollout", rows)
        _draw(rows)


def _draw(rows: list[dict[str, Any]]) -> None:
    """Draws the imagined and the real return of each kind against environment steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    worlds = list(dict.fromkeys(row["world"] for row in rows))
    figure, panels = pyplot.subplots(
        1, len(worlds), figsize=(5 * len(worlds), 4), dpi=120, squeeze=False
    )
    for axes, world in zip(panels[0], worlds, strict=True):
        for kind, color in zip(KINDS, ("tab:blue", "tab:orange"), strict=True):
            here = [row for row in rows if (row["world"], row["rollouts"]) == (world, kind)]
            steps = [row["env steps"] for row in here]
            for what, line in (("imagined", "--"), ("real", "-")):
                values = [row[f"{what} IQM"] for row in here]
                axes.plot(steps, values, line, color=color, marker="o", label=f"{kind}, {what}")
        axes.set(
            title=WORLDS[world][0],
            xlabel="environment steps of a random policy",
            ylabel="return, IQM",
        )
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(RESULTS / "learning/stochastic_model.png")
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--env-steps", "--lived", nargs="+", type=int, default=[250, 500, 1000])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--draw", action="store_true", help="only draw the existing results")
    options = parser.parse_args()
    if not options.draw:
        torch.set_num_threads(1)
        for seed in options.seeds:
            for world in options.worlds:
                for steps in options.env_steps:
                    for kind in KINDS:
                        run = Run(world, steps, kind, seed, machine=machine())
                        if path_of(run).exists():
                            continue
                        began = time.perf_counter()
                        measure(run)
                        run.seconds = round(time.perf_counter() - began, 1)
                        (FOLDER / world).mkdir(parents=True, exist_ok=True)
                        path_of(run).write_text(json.dumps(asdict(run)) + "\n", encoding="utf-8")
    summary()


if __name__ == "__main__":
    main()
