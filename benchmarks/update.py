"""Time of one full update (world model, imagination, policy, value) on random data.

python -m benchmarks.update [--runs 3] [KEY=VALUE ...]
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from benchmarks.common import publish
from configs.load import load_config
from configs.schema import Config
from interfaces.vrchat.vrchat_world import vrchat_spaces
from trainer.data.batch import Batch
from trainer.learners.dreamer import DreamerLearner
from trainer.running.device import choose_torch_device, keep_freed_memory

_CASES = (
    ("default, Gaussian", []),
    ("default, categorical", ["model.latent=categorical"]),
    ("no overshooting", ["trainer.overshoot=0"]),
    ("no cloning, no replay value", ["actor.cloning=0", "critic.replay_weight=0"]),
    (
        "one imagined step, no replay value",
        ["dream.horizon=1", "dream.starts=1", "critic.replay_weight=0"],
    ),
)


def random_batch(config: Config, device: torch.device) -> Batch:
    """A batch of random images, vectors and rewards without episode ends."""
    spaces, size = vrchat_spaces(config.world), (config.trainer.batch, config.trainer.length)
    never = torch.zeros(size, dtype=torch.bool, device=device)
    return Batch(
        torch.randint(0, 256, (*size, *spaces.image_shape), dtype=torch.uint8, device=device),
        torch.randn(*size, spaces.vector_size, device=device),
        torch.randn(*size, device=device),
        is_first=never,
        is_terminal=never,
        is_last=never,
    )


def update_ms(config: Config, updates: int) -> float:
    """Median milliseconds of an update, after three updates that are not measured."""
    device = choose_torch_device(config.device)
    learner, batch = (
        DreamerLearner(vrchat_spaces(config.world), config, device),
        random_batch(config, device),
    )
    took: list[float] = []
    for _ in range(updates + 3):
        began = time.perf_counter()
        metrics = learner.update(batch)
        float(metrics["loss_policy"])  # waits for the device
        took.append(1e3 * (time.perf_counter() - began))
    return statistics.median(took[3:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    keep_freed_memory()
    rows = []
    for name, case in _CASES:
        config = load_config(Path("default"), [*case, *options.overrides])
        torch.set_num_threads(config.trainer.threads)
        runs = [update_ms(config, options.updates) for _ in range(options.runs)]
        rows.append(
            {
                "case": name,
                "ms (median of runs)": statistics.median(runs),
                "min": min(runs),
                "max": max(runs),
                "batch": config.trainer.batch,
                "length": config.trainer.length,
                "imagined steps": config.dream.starts * config.dream.horizon,
                "threads": config.trainer.threads,
            }
        )
    publish("update", "Time of one update, default sizes, 64 x 64 images", rows)


if __name__ == "__main__":
    main()
