"""Learning curves of several seeds: interquartile means with bootstrap intervals.

Interquartile mean and bootstrap as in Agarwal 2021 (rliable): the mean of the middle half of all
scores. The bootstrap resamples the seeds, and the episodes of each seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_DRAWS = 2000


def interquartile(scores: Sequence[Sequence[float]], seed: int = 0) -> tuple[float, float, float]:
    """Mean of the middle half of scores (runs, episodes), and its 95 % interval."""
    rng = np.random.default_rng(seed)
    runs = [np.asarray(run, float) for run in scores]
    drawn = np.empty(_DRAWS)
    for i in range(_DRAWS):
        # Resample runs first, then the episodes of each run: both are uncertain.
        chosen = rng.integers(len(runs), size=len(runs))
        drawn[i] = middle_half(
            np.concatenate([rng.choice(runs[run], len(runs[run])) for run in chosen])
        )
    low, high = np.percentile(drawn, [2.5, 97.5])
    return middle_half(np.concatenate(runs)), float(low), float(high)


def middle_half(scores: np.ndarray) -> float:
    """Mean without the lowest and the highest quarter."""
    ordered = np.sort(scores)
    cut = int(0.25 * len(ordered))
    return float(ordered[cut : len(ordered) - cut].mean())


@dataclass(frozen=True)
class Curve:
    """Steps (P,), and the IQM over seeds with its interval at each of them."""

    steps: list[int]
    middle: list[float]
    low: list[float]
    high: list[float]

    @classmethod
    def of(cls, steps: list[list[int]], returns: list[list[list[float]]]) -> "Curve":
        """Curve of several seeds with evaluations at the same steps."""
        points = min(len(each) for each in steps)
        summaries = [interquartile([run[i] for run in returns]) for i in range(points)]
        return cls(
            steps[0][:points],
            [each[0] for each in summaries],
            [each[1] for each in summaries],
            [each[2] for each in summaries],
        )


def draw_curves(
    path: Path,
    title: str,
    curves: Mapping[str, Curve],
    goal: float | None,
    labels: tuple[str, str] = ("environment steps", "return"),
    goal_name: str = "goal",
) -> None:
    """Writes one PNG: a line and its interval for each method, and the goal as a dashed line.

    The step axis is logarithmic if the steps span a factor of ten. A method with one evaluation
    does not learn; it is a dotted line with its name.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    for name, curve in curves.items():
        if len(curve.steps) == 1:
            axes.axhline(curve.middle[0], linestyle=":", color="gray")
            edge = axes.get_yaxis_transform()  # x in fractions of the width
            place = (0.995, curve.middle[0])
            axes.text(*place, name, transform=edge, size=7, color="gray", ha="right", va="bottom")
            continue
        (line,) = axes.plot(curve.steps, curve.middle, label=name, marker=".", markersize=4)
        axes.fill_between(curve.steps, curve.low, curve.high, alpha=0.2, color=line.get_color())
    if goal is not None:
        axes.axhline(
            goal, linestyle="--", color="black", linewidth=0.8, label=f"{goal_name} {goal:g}"
        )
    steps = [step for curve in curves.values() if len(curve.steps) > 1 for step in curve.steps]
    if not steps or max(steps) >= 10 * min(steps):
        axes.set_xscale("log")
    axes.set(title=title, xlabel=labels[0], ylabel=f"{labels[1]}, IQM and 95 % interval")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
