"""Bias and variance of returns: RMS error on the 19-state random walk against n and lambda.

python -m benchmarks.learning.returns [--repetitions 100]

The task is that of Sutton & Barto, examples 7.1 and 12.1. There are 19 states in a row. An episode
starts in the middle and moves left or right with equal probability, without a discount. The reward
is -1 beyond the left end, +1 beyond the right end, and 0 elsewhere. The true value of a state is
its position, -0.9 to 0.9. All values start at 0.

The result is the RMS error over all states, as the mean of the first 10 episodes and of the
repetitions. Updates are off-line: first all returns of an episode, then one update for each visit.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import RESULTS, publish
from trainer.objectives.returns import lambda_return, n_step_return

STATES, EPISODES = 19, 10
TRUTH = torch.linspace(-0.9, 0.9, STATES, dtype=torch.float64)
ALPHAS = torch.tensor([0.01, 0.02, 0.05, *np.arange(0.1, 1.05, 0.1)], dtype=torch.float64)
STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
LAMBDAS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.975, 0.99, 1.0)

Return = Callable[[Tensor, Tensor, Tensor], Tensor]


def walks(repetitions: int, seed: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """State, reward and discount of each episode, (T, R) each, for R repetitions.

    Padding has discount 0 and state -1. Every method gets the same walks.
    """
    rng = np.random.default_rng(seed)
    episodes: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(EPISODES):
        at = np.full(repetitions, STATES // 2)
        states, rewards, discounts = [], [], []
        while (at >= 0).any():
            alive = at >= 0
            step = np.where(rng.random(repetitions) < 0.5, -1, 1)
            to = at + step
            left, right = alive & (to < 0), alive & (to >= STATES)
            states.append(at.copy())
            rewards.append(right.astype(float) - left)
            at = np.where(alive & ~left & ~right, to, -1)
            discounts.append((at >= 0).astype(float))
        episodes.append(
            (
                torch.from_numpy(np.stack(states)),
                torch.from_numpy(np.stack(rewards)),
                torch.from_numpy(np.stack(discounts)),
            )
        )
    return episodes


def errors(returns_of: Return, episodes: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """RMS error (alphas,) of the values (repetitions, alphas, states)."""
    repetitions = episodes[0][0].shape[1]
    value = torch.zeros(repetitions, len(ALPHAS), STATES, dtype=torch.float64)
    total = torch.zeros(len(ALPHAS), dtype=torch.float64)
    for state, reward, discount in episodes:
        later = torch.cat([state[1:], torch.full_like(state[:1], -1)]).clamp(min=0)
        each = torch.arange(repetitions)
        next_value = value[each, :, later] * discount[..., None]  # (T, R, alphas)
        targets = returns_of(
            reward[..., None].expand_as(next_value),
            discount[..., None].expand_as(next_value),
            next_value,
        )
        for t in range(len(state)):  # one visit after another
            here = state[t].clamp(min=0)
            off = (targets[t] - value[each, :, here]) * (state[t] >= 0)[:, None]
            value[each, :, here] += ALPHAS * off
        total += (value - TRUTH).square().mean(-1).sqrt().mean(0)
    return total / EPISODES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=100)
    options = parser.parse_args()
    episodes = walks(options.repetitions, 0)
    methods: dict[str, dict[float, Return]] = {
        "n": {n: partial(n_step_return, steps=n) for n in STEPS},
        "lambda": {lam: partial(lambda_return, lam=lam) for lam in LAMBDAS},
    }
    rows: list[dict[str, Any]] = []
    curves: dict[str, dict[float, list[float]]] = {}
    for name, settings in methods.items():
        curves[name] = {}
        for setting, returns_of in settings.items():
            rms = errors(returns_of, episodes)
            curves[name][setting] = [round(float(each), 4) for each in rms]
            best = int(rms.argmin())
            rows.append(
                {
                    "return": f"{name} = {setting:g}",
                    "lowest RMS error": float(rms[best]),
                    "at alpha": round(float(ALPHAS[best]), 2),
                }
            )
    alphas = [round(float(alpha), 2) for alpha in ALPHAS]
    title = "19-state random walk: RMS error of n-step and lambda returns"
    publish("learning/returns", title, rows, alphas=alphas, errors=curves)
    draw(alphas, curves)


def draw(alphas: list[float], curves: dict[str, dict[float, list[float]]]) -> None:
    """Draws the RMS error against alpha for each n and each lambda."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(1, 2, figsize=(10, 4), dpi=120, sharey=True)
    for axes, (name, settings) in zip(all_axes, curves.items(), strict=True):
        for setting, rms in settings.items():
            axes.plot(alphas, rms, label=f"{setting:g}", marker=".", markersize=3)
        axes.set(xlabel="alpha", ylim=(0.2, 0.56), title=f"{name}, off-line")
        axes.legend(title=name, fontsize=7)
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel("RMS error, first 10 episodes")
    figure.tight_layout()
    figure.savefig(RESULTS / "learning/returns.png")
    pyplot.close(figure)


if __name__ == "__main__":
    main()
