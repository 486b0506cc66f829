"""The measurements of a run: a line of metrics per second, and the summary at the end."""

import contextlib
import json
import math
import os
from pathlib import Path
from typing import Any, Self

from configs.schema import RewardConfig
from interfaces.core.rewards import by_group, make_reward_terms
from interfaces.ipc.board import Board
from interfaces.ipc.no_links import open_descriptor
from interfaces.safety.body_watch import rest_count

LOSSES = ("image", "vector", "sound", "reward", "kl", "model", "policy", "value")
REWARD_STEPS = 300  # the length of an episode of the stand-in, for which rewards are reported


class MetricsLog:
    """Appends one JSON object per line. A crash loses at most the last line."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(open_descriptor(path, "ab"), "a", 1, "utf-8")

    def write(self, line: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a full disk: the run continues without the line
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def losses(board: Board) -> dict[str, float]:
    """The newest losses by name: first those that every line has, 0 if the method lacks them."""
    found = {
        name.removeprefix("loss/"): value
        for name, value in board.metrics.read().items()
        if name.startswith("loss/")
    }
    return {name: round(value, 5) for name, value in (dict.fromkeys(LOSSES, 0.0) | found).items()}


def metric_values(board: Board) -> dict[str, float | None]:
    """Every metric that the trainer has written, by name; None for a number that is not finite."""
    return {
        name: float(f"{value:.6g}") if math.isfinite(value) else None
        for name, value in board.metrics.read().items()
    }


def tick_metrics(board: Board) -> dict[str, float]:
    """The metrics of the group `tick` from the body's fields; empty before the first tick."""
    if not board["ticks"]:
        return {}
    late = board.histogram("lateness").summary_ms()
    decide = board.histogram("decide").summary_ms()
    return {
        **{f"tick/lateness_{name}_ms": value for name, value in late.items()},
        "tick/missed": float(board["missed_beats"]),
        **{f"tick/decide_{name}_ms": decide[name] for name in ("p50", "p99")},
        "tick/frame_age_ms": 1e3 * float(board["frame_age_s"]),
    }


def reward_per_step(board: Board) -> dict[str, float | None]:
    """Mean reward per step: of the newest 300 Steps, and the curiosity reward of the newest batch.

    None before the first measurement, and without curiosity.
    """
    names = {"recorded": "reward/sum", "curiosity": "reward/curiosity"}
    sums = {key: board.metrics.get(name) for key, name in names.items()}
    return {
        key: None if value is None or not math.isfinite(value) else round(value / REWARD_STEPS, 6)
        for key, value in sums.items()
    }


def reward_sums(board: Board, config: RewardConfig) -> dict[str, float]:
    """The sum of each group of reward terms since the start, and the sum of all as "sum"."""
    names = [term.name for term in make_reward_terms(config)]
    sums = by_group(names, board["reward_sums"][: len(names)])
    return {"sum": round(sum(sums.values()), 4)} | {k: round(v, 4) for k, v in sums.items()}


def metrics_line(board: Board, config: RewardConfig, seconds: float) -> dict[str, Any]:
    """The current gauges of the Board. `seconds`: since the start of the run."""
    return {
        "seconds": round(seconds, 2),
        "ticks": int(board["ticks"]),
        "missed_beats": int(board["missed_beats"]),
        "lateness_ms": board.histogram("lateness").summary_ms(),
        "frame_age_ms": round(1e3 * float(board["frame_age_s"]), 2),
        "steps": int(board["steps_lived"]),
        "updates": int(board["updates"]),
        "weights_version": int(board["weights_version"]),
        "reward": reward_sums(board, config),
        "losses": losses(board),
        "surprise": _newest(board, "model/surprise"),
        "dream_return": _newest(board, "dream/return"),
        "entropy": _newest(board, "policy/entropy"),
        "prediction_psnr": psnr(board),
        "honesty": return_gap(board),
        "reward_per_step": reward_per_step(board),
        "metrics": metric_values(board),
    }


def shown_metric(board: Board, name: str, digits: int = 2) -> str:
    """The newest value of a metric as text; "-" before it was measured."""
    value = board.metrics.get(name)
    return "-" if value is None else f"{value:.{digits}f}"


def _newest(board: Board, name: str) -> float:
    """A metric, rounded; 0 before the first measurement."""
    return round(board.metrics.get(name) or 0.0, 4)


def psnr(board: Board) -> dict[str, float | None]:
    """PSNR of the one-step prediction and its baselines, dB; None before the first measurement."""
    names = {
        "model": "model/psnr",
        "last_frame": "model/psnr_last_frame",
        "mean_frame": "model/psnr_mean_frame",
    }
    return {key: _measured(board, name, 3) for key, name in names.items()}


def return_gap(board: Board) -> dict[str, float | None]:
    """Returns over one horizon from the same starts, and their gap; None before a measurement.

    dreamed: imagined by the policy. lived: as recorded; the key keeps its old name. replayed:
    imagined with the recorded actions. gap: dreamed - lived.
    """
    names = {"dreamed": "dreamed", "lived": "recorded", "replayed": "replayed"}
    returns = {key: _measured(board, f"return_gap/{name}", 4) for key, name in names.items()}
    dreamed, lived = returns["dreamed"], returns["lived"]
    gap = None if dreamed is None or lived is None else round(dreamed - lived, 4)
    return {**returns, "gap": gap}


def _measured(board: Board, name: str, digits: int) -> float | None:
    """A metric, rounded; None before the first measurement."""
    value = board.metrics.get(name)
    return None if value is None else round(value, digits)


def summary(
    board: Board,
    config: RewardConfig,
    *,
    exit_word: str,
    seconds: float,
    acting_s: float,
    steps: int,
    train_ratio: float,
    first_losses: dict[str, float],
    restarts: dict[str, int],
    memory_mb: dict[str, float],
) -> dict[str, Any]:
    """The content of `summary.json`. `acting_s`: seconds from the first tick to the last one."""
    ticks = int(board["ticks"])
    return {
        "exit": exit_word,
        "seconds": round(seconds, 2),
        "ticks": ticks,
        "hz": round((ticks - 1) / acting_s, 4) if ticks > 1 and acting_s > 0 else 0.0,
        "missed_beats": int(board["missed_beats"]),
        "lateness_ms": board.histogram("lateness").summary_ms(),
        "frame_age_ms": board.histogram("frame_age").summary_ms(),
        "no_frame": int(board["no_frame"]),
        "decide_ms": board.histogram("decide").summary_ms(),
        "swap_ms": board.histogram("swap").summary_ms(),
        "weights": {
            "published": int(board["weights_published"]),
            "applied": int(board["weights_applied"]),
            "refused": int(board["weights_refused"]),
            "last_version": int(board["weights_version"]),
            "publish_to_act_ms": board.histogram("publish_to_act").summary_ms(),
        },
        "updates": int(board["session_updates"]),
        "total_updates": int(board["updates"]),
        "train_ratio": round(train_ratio, 3),
        "steps": steps,
        "journal_dropped": int(board["journal_dropped"]),
        "reward": reward_sums(board, config),
        "losses": {"first": first_losses, "last": losses(board)},
        "prediction_psnr": psnr(board),
        "honesty": return_gap(board),
        "reward_per_step": reward_per_step(board),
        "osc": {
            "sent": int(board["osc_sent"]),
            "received": int(board["osc_received"]),
            "ignored": int(board["osc_ignored"]),
            "foreign": int(board["osc_foreign"]),
        },
        "rests": rest_count(board),
        "restarts": restarts,
        "memory_mb": memory_mb,
    }
