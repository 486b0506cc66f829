"""The measurements of a run: a line of metrics per second, and the summary at the end."""

import contextlib
import json
from pathlib import Path
from typing import Any, Self

from configs.schema import RewardConfig
from interfaces.core.rewards import by_group, make_reward_terms
from interfaces.ipc.board import Board

LOSSES = ("image", "vector", "sound", "reward", "kl", "model", "policy", "value")


class MetricsLog:
    """Appends one JSON object per line. A crash loses at most the last line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

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
    """The newest losses by name."""
    return {name: round(float(board[f"loss_{name}"]), 5) for name in LOSSES}


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
        "surprise": round(float(board["surprise"]), 4),
        "dream_return": round(float(board["dream_return"]), 4),
        "entropy": round(float(board["entropy"]), 4),
        "prediction_psnr": psnr(board),
        "honesty": return_gap(board),
    }


def psnr(board: Board) -> dict[str, float | None]:
    """PSNR of the one-step prediction and its baselines, dB; None before the first measurement."""
    measured = bool(board["psnr_mean_frame"])
    return {
        name: round(float(board[f"psnr_{name}"]), 3) if measured else None
        for name in ("model", "last_frame", "mean_frame")
    }


def return_gap(board: Board) -> dict[str, float | None]:
    """Returns over one horizon from the same starts, and their gap; None before a measurement.

    dreamed: imagined by the policy. lived: as recorded. replayed: imagined with the recorded
    actions. gap: dreamed - lived.
    """
    measured = bool(board["honesty_measured"])
    returns = {
        name: round(float(board[f"return_{name}"]), 4) if measured else None
        for name in ("dreamed", "lived", "replayed")
    }
    dreamed, lived = returns["dreamed"], returns["lived"]
    gap = None if dreamed is None or lived is None else round(dreamed - lived, 4)
    return {**returns, "gap": gap}


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
        "osc": {
            "sent": int(board["osc_sent"]),
            "received": int(board["osc_received"]),
            "ignored": int(board["osc_ignored"]),
        },
        "rests": int(board["rests"]),
        "restarts": restarts,
        "memory_mb": memory_mb,
    }
