"""One full update (world model, dreams, policy, value) on random data, on this machine.

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
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.losses import Batch
from trainer.running.device import choose_device, keep_heap

_CASES = (
    ("default, Gaussian", []),
    ("default, categorical", ["model.latent=categorical"]),
    ("no overshooting", ["trainer.overshoot=0"]),
    ("dreams alone teach", ["actor.cloning=0", "critic.replay_weight=0"]),
    ("no dreams to speak of", ["dream.horizon=1", "dream.starts=1", "critic.replay_weight=0"]),
)


def random_batch(config: Config, device: torch.device) -> Batch:
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
    """Median milliseconds of an update."""
    device = choose_device(config.device)
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
    asked = parser.parse_args()
    torch.set_flush_denormal(True)
    keep_heap()
    rows = []
    for name, case in _CASES:
        config = load_config(Path("default"), [*case, *asked.overrides])
        torch.set_num_threads(config.trainer.threads)
        runs = [update_ms(config, asked.updates) for _ in range(asked.runs)]
        rows.append(
            {
                "case": name,
                "ms (median of runs)": statistics.median(runs),
                "min": min(runs),
                "max": max(runs),
                "batch": config.trainer.batch,
                "length": config.trainer.length,
                "dreamed steps": config.dream.starts * config.dream.horizon,
                "threads": config.trainer.threads,
            }
        )
    publish("update", "One update, default sizes, 64 x 64", rows)


if __name__ == "__main__":
    main()
