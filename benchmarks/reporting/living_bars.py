"""The bars of the benchmark `living`, and in plain words which of them a variant reaches.

A score is the mean of the head-pats per 300 steps over all rooms of one look.
"""

import statistics
from collections.abc import Mapping, Sequence

SEEDS, SEEDS_ELSEWHERE = 4, 2  # that the bars need in the room, and in other places
EARLY_STEPS, EARLY_MEDIAN, EARLY_WORST = 6000, 100.0, 70.0
LATE_STEPS, LATE_WORST = 18_000, 125.0
LOW_SHARE = 0.7  # a look below this share of the best look before it is low
PLACE_BARS = {"plaza": 0.5, "gallery": 0.25, "garden": 0.25, "maze": 0.25}

Scores = Mapping[int, float]  # of one seed: by steps


def share_of_oracle(score: float, stationary: float, oracle: float) -> float:
    """(score - stationary) / (oracle - stationary). Raises ZeroDivisionError if both are equal."""
    return (score - stationary) / (oracle - stationary)


def has_two_low_looks(scores: Scores) -> bool:
    """Whether two looks in succession are below LOW_SHARE of the best look before each."""
    best, low_before = 0.0, False
    for steps in sorted(scores):
        low = scores[steps] < LOW_SHARE * best
        if low and low_before:
            return True
        best, low_before = max(best, scores[steps]), low
    return False


def bars_in_words(seeds: Sequence[Scores]) -> list[str]:
    """One sentence for each bar in the room that can be judged; `seeds` has the scores of each."""
    lines: list[str] = []
    early = [scores[EARLY_STEPS] for scores in seeds if EARLY_STEPS in scores]
    if early:
        median, worst = statistics.median(early), min(early)
        reached = median >= EARLY_MEDIAN and worst >= EARLY_WORST
        lines.append(
            f"after {EARLY_STEPS:,} steps the median is {median:.0f} (goal {EARLY_MEDIAN:.0f}), "
            f"and the worst seed {worst:.0f} (goal {EARLY_WORST:.0f}): "
            f"{_verdict(reached, len(early))}."
        )
    late = [scores[LATE_STEPS] for scores in seeds if LATE_STEPS in scores]
    if late:
        lines.append(
            f"after {LATE_STEPS:,} steps the worst seed is {min(late):.0f} "
            f"(goal {LATE_WORST:.0f}): {_verdict(min(late) >= LATE_WORST, len(late))}."
        )
    long = [scores for scores in seeds if len(scores) > 2]
    falling = sum(map(has_two_low_looks, long))
    if long:
        lines.append(
            f"seeds with two looks in succession below {100 * LOW_SHARE:.0f} % of the best look "
            f"before: {falling} of {len(long)} (goal 0): {_verdict(not falling, len(long))}."
        )
    return lines


def _verdict(reached: bool, seeds: int) -> str:
    if not reached:
        return "not reached"
    return "reached" if seeds >= SEEDS else f"reached, but only {seeds} of {SEEDS} seeds measured"
