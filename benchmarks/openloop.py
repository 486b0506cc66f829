"""Does f know what comes? What it foretells, step by step, against what was lived.

python -m benchmarks.openloop [--presets default] [--weights 0 1 3] [--seeds 0 1 2]
                              [--updates 400] [--steps 24000] [--set KEY=VALUE …] [--name NAME]
                            [--draw]

A sticky-random life in the stand-in's room; from its first two thirds the model alone learns, with
`trainer.overshoot` at each weight. From 512 states of the last third, each filtered from 24 steps,
f goes on for 15 with the actions that were done, without looking, eight times; the mean of the
reward it then reads (of pats alone: nothing else is paid here) is compared with whether HeadPat was
felt: their correlation, 1 where it knows all, 0 where it knows nothing. The life is kept in
runs/openloop; what stands in results/openloop/NAME-WEIGHT-SEED.json, where NAME is the preset's or
says what was set, is not done again.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.dynamics import State
from agent.networks.patch_codec import to_patches
from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.looks import Stopwatch
from benchmarks.session import fill
from configs.load import load_config
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.core.step import step_dtype
from interfaces.journal import JournalReader, JournalWriter
from interfaces.standin.baselines import StickyRandom
from interfaces.standin.lockstep_standin import LockstepStandin
from trainer.data.replay_buffer import Replay
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.losses import previous_action

FOLDER, RUNS = RESULTS / "openloop", ROOT / "runs" / "openloop"
FILTERED, AHEAD, WINDOWS, DREAMS, EVERY = 24, 15, 512, 8, 200


def live(steps: int) -> tuple[JournalReader, Spaces]:
    """A sticky-random life, lived where it is not there yet."""
    config = load_config(Path("default"))
    world, folder = LockstepStandin(config, 0), RUNS / f"life-{steps}"
    spaces, done = world.spaces, folder / "done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        size = config.journal.segment_steps
        writer = JournalWriter(
            folder, spaces, segment_steps=size, max_steps=steps, background=False
        )
        walker, step = StickyRandom(spaces, 0), np.zeros((), step_dtype(spaces))
        for i in range(steps):
            seen = world.observe()
            fill(step, i, seen.image, seen.vector, config.beat.hz)
            step["action"] = step["chosen"] = world.act(walker.act())
            writer.append(step)
        writer.close()
        done.touch()
    world.close()
    return JournalReader(folder), spaces


@torch.no_grad()
def foretold(
    learner: DreamerLearner, replay: Replay, spaces: Spaces
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Reward foretold and whether it was patted, (WINDOWS, AHEAD) each."""
    networks, noise = learner.networks, learner.noise
    noise.begin(0, 2**40)
    batch = replay.held_out(WINDOWS, FILTERED + AHEAD)
    assert batch is not None
    action, known = previous_action(batch.vector, spaces.num_actions), slice(0, FILTERED)
    observed = networks.dynamics.observe(
        networks.encoder(to_patches(batch.image[:, known]), batch.vector[:, known]),
        action[:, known],
        batch.is_first[:, known],
        networks.dynamics.initial(WINDOWS, learner.device),
        noise,
    )
    state = State(*(part[:, -1].repeat(DREAMS, 1) for part in observed.state))
    reward: list[torch.Tensor] = []
    for t in range(FILTERED, FILTERED + AHEAD):
        done = action[:, t].repeat(DREAMS, 1)
        state = networks.dynamics.imagine_step(state, done, noise)
        reward.append(networks.reward(state.feature).unflatten(0, (DREAMS, -1)).mean(0))
    felt = batch.vector[:, FILTERED:, list(spaces.features).index("HeadPat")] > 0.5
    return torch.stack(reward, 1).cpu().numpy(), felt.cpu().numpy()


def learn(config: Config, path: Path, updates: int, row: dict[str, Any]) -> None:
    steps: int = row["steps"]
    reader, spaces = live(steps)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    replay = Replay(reader, spaces, config, device, held_out_from=2 * steps // 3)
    learner, learning = DreamerLearner(spaces, config, device), Stopwatch()
    looks: list[dict[str, Any]] = []
    for update in range(1, updates + 1):
        learner.update(replay.sample(update))
        if update % EVERY and update != updates:
            continue
        seconds = learning.seconds
        with learning.stopped():
            told, felt = foretold(learner, replay, spaces)
            by_step = [float(np.corrcoef(told[:, t], felt[:, t])[0, 1]) for t in range(AHEAD)]
            looks.append(
                {
                    "updates": update,
                    "seconds": seconds,
                    "correlation": [round(each, 4) for each in by_step],
                    "told": round(float(told.mean()), 4),
                    "felt": round(float(felt.mean()), 4),
                }
            )
            print(json.dumps(row | looks[-1]), flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = row | {"looks": looks, "machine": machine()}
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def summary() -> None:
    found = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    if not found:
        return
    rows: list[dict[str, Any]] = []
    for one in found:
        last = one["looks"][-1]
        ahead = {f"{t} ahead": last["correlation"][t - 1] for t in (1, 5, 10, 15)}
        asked = {name: one[name] for name in ("model", "overshoot", "seed")}
        means = {"told": last["told"], "felt": last["felt"]}
        rows.append(
            asked | {"updates": last["updates"]} | ahead | means | {"seconds": last["seconds"]}
        )
    _draw(found)
    publish("openloop", "a pat foretold so many steps ahead: correlation with what was felt", rows)


def _draw(found: list[dict[str, Any]]) -> None:
    """Mean over seeds of each model and weight, from the lowest to the highest of them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    kinds = dict.fromkeys((one["model"], one["overshoot"]) for one in found)
    for model, weight in kinds:
        seeds = [one for one in found if (one["model"], one["overshoot"]) == (model, weight)]
        curves = np.array([one["looks"][-1]["correlation"] for one in seeds])
        label = f"{model}, overshoot {weight:g} ({len(seeds)} seeds)"
        ahead = np.arange(1, AHEAD + 1)
        (line,) = axes.plot(ahead, curves.mean(0), marker=".", label=label)
        axes.fill_between(ahead, curves.min(0), curves.max(0), alpha=0.2, color=line.get_color())
    updates = " and ".join(str(n) for n in sorted({one["looks"][-1]["updates"] for one in found}))
    axes.set(
        title=f"does f know that it will be patted? ({updates} updates)",
        xlabel="steps ahead, without looking",
        ylabel="correlation with what was felt",
    )
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(RESULTS / "openloop.png")
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", default=["default"])
    parser.add_argument("--weights", nargs="+", type=float, default=[0.0, 1.0, 3.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--steps", type=int, default=24_000, help="of the life")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE, to try things")
    parser.add_argument("--name", default="", help="of models with settings of their own")
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    asked = parser.parse_args()
    if asked.name and len(asked.presets) > 1:
        parser.error("--name is of one preset")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for seed in () if asked.draw else asked.seeds:
        for preset in asked.presets:
            for weight in asked.weights:
                model = asked.name or preset
                path = FOLDER / f"{model}-{weight:g}-{seed}.json"
                row = {"model": model, "preset": preset, "overshoot": weight, "seed": seed}
                row |= {"steps": asked.steps, "set": asked.set}
                if path.exists():
                    kept = json.loads(path.read_text("utf-8"))
                    until = kept["looks"][-1]["updates"]
                    if ({key: kept[key] for key in row}, until) != (row, asked.updates):
                        raise SystemExit(f"{path.stem} was asked otherwise: remove it first")
                    continue
                # The model alone learns: short dreams, and no value of what was lived.
                words = [f"trainer.overshoot={weight}", "dream.horizon=1", "dream.starts=8"]
                words += ["reward.surprise=0", "reward.action_cost=0", "critic.replay_weight=0"]
                words += ["actor.cloning=0"]
                words = [f"seed={seed}", "trainer.recent=0", *words, *asked.set]
                learn(load_config(Path(preset), words), path, asked.updates, row)
    summary()


if __name__ == "__main__":
    main()
