"""Open-loop prediction: the reward that f predicts without observations, against the real one.

python -m benchmarks.learning.open_loop [--presets default] [--weights 0 1 3] [--seeds 0 1 2]
                              [--updates 400] [--steps 24000] [--set KEY=VALUE …] [--name NAME]
                            [--draw]

A sticky-random policy acts in the stand-in's room. The model alone learns from the first two
thirds of these steps, with `trainer.overshoot` at each weight. From 512 states of the last third,
each filtered from 24 steps, f then predicts 15 steps with the recorded actions and without
observations, eight times. The mean predicted reward, which is for head-pats only, is compared with
the observed HeadPat. The result is their correlation: 1 is perfect, 0 is no relation.

The recording is kept in runs/open_loop. A run is not repeated while its file exists:
results/learning/open_loop/NAME-WEIGHT-SEED.json. NAME is the preset, or a name for other settings.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.dynamics import LatentState
from agent.networks.observing import filter_steps, previous_action
from agent.networks.patch_codec import to_patches
from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.learning.checkpoint_evaluation import Stopwatch
from benchmarks.standin.random_steps import fill_step
from configs.load import load_config
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout
from interfaces.journal import JournalReader, JournalWriter
from interfaces.standin.baselines import StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin
from trainer.data.replay_buffer import ReplayBuffer
from trainer.learners.dreamer import DreamerLearner

FOLDER, RUNS = RESULTS / "learning/open_loop", ROOT / "runs" / "open_loop"
FILTERED, AHEAD, WINDOWS, ROLLOUTS, EVERY = 24, 15, 512, 8, 200


def recording(steps: int) -> tuple[JournalReader, Spaces]:
    """The steps of a sticky-random policy. Records them if they do not exist yet."""
    config = load_config(Path("default"))
    world, folder = LockstepStandin(config, 0), RUNS / f"recording-{steps}"
    spaces, done = world.spaces, folder / "done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        size = config.journal.segment_steps
        writer = JournalWriter(
            folder, StepLayout(spaces), segment_steps=size, max_steps=steps, background=False
        )
        policy, step = StickyRandom(spaces, 0), np.zeros((), StepLayout(spaces).dtype)
        for i in range(steps):
            observation = world.observe()
            fill_step(step, i, observation.image, observation.vector, config.tick.hz)
            step["action"] = step["chosen"] = world.act(policy.act())
            writer.append(step)
        writer.close()
        done.touch()
    world.close()
    return JournalReader(folder), spaces


@torch.no_grad()
def predict(
    learner: DreamerLearner, replay: ReplayBuffer, spaces: Spaces
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Predicted reward and observed head-pats, (WINDOWS, AHEAD) each."""
    networks, noise = learner.networks, learner.noise
    noise.begin(0, 2**40)
    batch = replay.held_out_windows(WINDOWS, FILTERED + AHEAD)
    assert batch is not None
    action, given = previous_action(batch.vector, spaces.num_actions), slice(0, FILTERED)
    observed = filter_steps(
        networks,
        to_patches(batch.image[:, given]),
        batch.vector[:, given],
        None,
        batch.is_first[:, given],
        networks.dynamics.initial(WINDOWS, learner.device),
        noise,
    )
    state = LatentState(*(part[:, -1].repeat(ROLLOUTS, 1) for part in observed.state))
    reward: list[torch.Tensor] = []
    for t in range(FILTERED, FILTERED + AHEAD):
        state = networks.dynamics.imagine_step(state, action[:, t].repeat(ROLLOUTS, 1), noise)
        reward.append(networks.reward(state.feature).unflatten(0, (ROLLOUTS, -1)).mean(0))
    head_pat = batch.vector[:, FILTERED:, list(spaces.features).index("HeadPat")] > 0.5
    return torch.stack(reward, 1).cpu().numpy(), head_pat.cpu().numpy()


def train(config: Config, path: Path, updates: int, row: dict[str, Any]) -> None:
    """Trains the model and writes its evaluations to `path`."""
    steps: int = row["steps"]
    reader, spaces = recording(steps)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    replay = ReplayBuffer(reader, spaces, config, device, held_out_from=2 * steps // 3)
    learner, learning = DreamerLearner(spaces, config, device), Stopwatch()
    evaluations: list[dict[str, Any]] = []
    for update in range(1, updates + 1):
        learner.update(replay.sample(update))
        if update % EVERY and update != updates:
            continue
        seconds = learning.seconds
        with learning.paused():
            predicted, observed = predict(learner, replay, spaces)
            by_step = [
                float(np.corrcoef(predicted[:, t], observed[:, t])[0, 1]) for t in range(AHEAD)
            ]
            evaluations.append(
                {
                    "updates": update,
                    "seconds": seconds,
                    "correlation": [round(each, 4) for each in by_step],
                    "predicted": round(float(predicted.mean()), 4),
                    "observed": round(float(observed.mean()), 4),
                }
            )
            print(json.dumps(row | evaluations[-1]), flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = row | {"evaluations": evaluations, "machine": machine()}
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def summary() -> None:
    runs = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    if not runs:
        return
    rows: list[dict[str, Any]] = []
    for run in runs:
        last = run["evaluations"][-1]
        ahead = {f"{t} ahead": last["correlation"][t - 1] for t in (1, 5, 10, 15)}
        settings = {name: run[name] for name in ("model", "overshoot", "seed")}
        means = {"predicted mean": last["predicted"], "observed rate": last["observed"]}
        rows.append(
            settings | {"updates": last["updates"]} | ahead | means | {"seconds": last["seconds"]}
        )
    _draw(runs)
    publish(
        "learning/open_loop",
        "Open-loop prediction of a head-pat: correlation with the observed one",
        rows,
    )


def _draw(runs: list[dict[str, Any]]) -> None:
    """Draws the mean over seeds of each model and weight, with the range of the seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    kinds = dict.fromkeys((run["model"], run["overshoot"]) for run in runs)
    for model, weight in kinds:
        seeds = [run for run in runs if (run["model"], run["overshoot"]) == (model, weight)]
        curves = np.array([run["evaluations"][-1]["correlation"] for run in seeds])
        label = f"{model}, overshoot {weight:g} ({len(seeds)} seeds)"
        ahead = np.arange(1, AHEAD + 1)
        (line,) = axes.plot(ahead, curves.mean(0), marker=".", label=label)
        axes.fill_between(ahead, curves.min(0), curves.max(0), alpha=0.2, color=line.get_color())
    updates = " and ".join(
        str(n) for n in sorted({run["evaluations"][-1]["updates"] for run in runs})
    )
    axes.set(
        title=f"open-loop prediction of a head-pat ({updates} updates)",
        xlabel="steps ahead, without observations",
        ylabel="correlation with the observed head-pat",
    )
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(RESULTS / "learning/open_loop.png")
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", default=["default"])
    parser.add_argument("--weights", nargs="+", type=float, default=[0.0, 1.0, 3.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--steps", type=int, default=24_000, help="length of the recording")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for every model")
    parser.add_argument("--name", default="", help="name of models with other settings")
    parser.add_argument("--draw", action="store_true", help="only draw the existing results")
    options = parser.parse_args()
    if options.name and len(options.presets) > 1:
        parser.error("--name needs exactly one preset")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for seed in () if options.draw else options.seeds:
        for preset in options.presets:
            for weight in options.weights:
                model = options.name or preset
                path = FOLDER / f"{model}-{weight:g}-{seed}.json"
                row = {"model": model, "preset": preset, "overshoot": weight, "seed": seed}
                row |= {"steps": options.steps, "set": options.set}
                if path.exists():
                    earlier = json.loads(path.read_text("utf-8"))
                    until = earlier["evaluations"][-1]["updates"]
                    if ({key: earlier[key] for key in row}, until) != (row, options.updates):
                        raise SystemExit(f"{path.stem} has other settings: remove it first")
                    continue
                # Only the model matters: short rollouts, no value on recorded steps, no cloning.
                words = [f"trainer.overshoot={weight}", "dream.horizon=1", "dream.starts=8"]
                words += ["reward.surprise=0", "reward.action_cost=0", "critic.replay_weight=0"]
                words += ["actor.cloning=0"]
                words = [f"seed={seed}", "trainer.recent=0", *words, *options.set]
                train(load_config(Path(preset), words), path, options.updates, row)
    summary()


if __name__ == "__main__":
    main()
