"""The metrics that the trainer writes: one row each, with group, unit and meaning.

`metrics.jsonl` and TensorBoard use these names. `python -m interfaces.runtime.metric_table` writes
the rows into docs/diagnostics.md.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "diagnostics.md"
BEGIN, END = "<!-- metrics: begin -->", "<!-- metrics: end -->"


@dataclass(frozen=True)
class MetricInfo:
    """One metric. `name`: group/name. A part in capitals stands for any word, NNN for a number.

    `unit`: "" for a plain number.
    `help`: what it is, in one sentence.
    `key`: its name in the metrics of a Learner's update, if it is not loss_NAME.
    """

    name: str
    unit: str
    help: str
    key: str = ""

    @property
    def group(self) -> str:
        """The part of the name before the slash."""
        return self.name.split("/")[0]

    def matches(self, name: str) -> bool:
        """Whether `name` is this metric."""
        pattern = re.sub(r"[A-Z]+", ".+", self.name.replace("NNN", r"\d{3}"))
        return re.fullmatch(pattern, name) is not None


METRICS: tuple[MetricInfo, ...] = (
    MetricInfo("progress/steps", "", "Steps in the journal since the beginning."),
    MetricInfo("progress/skipped_updates", "", "Updates skipped because a number was not finite."),
    MetricInfo(
        "reward/sum",
        "per 300 steps",
        "Mean reward of the newest 300 Steps, times 300; the sum of all terms, without curiosity.",
    ),
    MetricInfo("reward/TERM", "per 300 steps", "The same for one weighted reward term."),
    MetricInfo(
        "reward/curiosity",
        "per 300 steps",
        "Curiosity reward of the mean surprise in the newest batch, times 300.",
    ),
    MetricInfo(
        "episode/return",
        "",
        "Sum of rewards of an episode; the mean of those that ended since the last point.",
    ),
    MetricInfo("episode/length", "steps", "Length of these episodes."),
    MetricInfo("episode/count", "", "Episodes that ended since the trainer started."),
    MetricInfo("tick/lateness_p50_ms", "ms", "Median lateness of all ticks so far."),
    MetricInfo("tick/lateness_p99_ms", "ms", "99 % of the ticks so far started at most this late."),
    MetricInfo("tick/lateness_max_ms", "ms", "Largest lateness so far."),
    MetricInfo("tick/missed", "", "Skipped ticks so far."),
    MetricInfo("tick/decide_p50_ms", "ms", "Median time to observe and decide."),
    MetricInfo("tick/decide_p99_ms", "ms", "99 % of the ticks observed and decided in this time."),
    MetricInfo("tick/frame_age_ms", "ms", "Age of the camera picture at the newest tick."),
    MetricInfo("loss/image", "", "Weighted squared error of the picture, summed over its pixels."),
    MetricInfo(
        "loss/vector", "", "Weighted squared error of avatar parameters and previous action."
    ),
    MetricInfo(
        "loss/sound", "", "Weighted squared error of the log-mel spectrum (with sound input)."
    ),
    MetricInfo("loss/reward", "", "Loss of the reward head."),
    MetricInfo("loss/continue", "", 'Cross-entropy of "the episode continues".'),
    MetricInfo(
        "loss/kl",
        "nats",
        "KL(posterior ∥ prior) per step before free nats; world_models: KL of z to N(0, 1).",
    ),
    MetricInfo("loss/mixture", "nats", "Negative log-likelihood of the next z (world_models)."),
    MetricInfo(
        "loss/overshoot",
        "",
        "Prediction error over `trainer.overshoot_steps` steps (with `trainer.overshoot`).",
    ),
    MetricInfo("loss/model", "", "Total loss of the world model."),
    MetricInfo("loss/policy", "", "Loss of the policy; its absolute value means little."),
    MetricInfo(
        "loss/value", "", "Loss of the value on imagined returns (ppo: on recorded returns)."
    ),
    MetricInfo(
        "loss/replay_value",
        "",
        "Loss of the value on recorded sequences (with `critic.replay_weight`).",
    ),
    MetricInfo(
        "loss/cloning",
        "nats",
        "-log π of the recorded actions (dreamer with `actor.cloning`); with `actor.cloning_by: "
        "advantage` it is weighted.",
    ),
    MetricInfo(
        "loss/smoothness",
        "",
        "Squared change of the action between imagined steps (dreamer with `actor.smoothness`).",
    ),
    MetricInfo(
        "model/surprise",
        "nats",
        "Mean KL(posterior ∥ prior) per step; the curiosity reward is based on it.",
        key="surprise",
    ),
    MetricInfo("model/psnr", "dB", "PSNR of the one-step prediction on held-out Steps."),
    MetricInfo("model/psnr_last_frame", "dB", "The same if the last frame is the prediction."),
    MetricInfo("model/psnr_mean_frame", "dB", "The same if the mean frame is the prediction."),
    MetricInfo(
        "dream/return",
        "",
        "Mean imagined return from the start states (world_models: of a generation).",
        key="dream_return",
    ),
    MetricInfo(
        "dream/return_best",
        "",
        "Imagined return of the best controller of a generation (world_models).",
        key="dream_return_best",
    ),
    MetricInfo(
        "dream/return_scale",
        "",
        "Divisor of the imagined returns, max(1, P95 - P5) (dreamer).",
        key="return_scale",
    ),
    MetricInfo(
        "policy/entropy", "nats", "Mean entropy of the policy (dreamer, ppo).", key="entropy"
    ),
    MetricInfo("policy/kl", "nats", "Mean log π_old - log π of a rollout (ppo).", key="policy_kl"),
    MetricInfo(
        "policy/evolution_sigma",
        "",
        "Step size of CMA-ES (world_models).",
        key="evolution_sigma",
    ),
    MetricInfo(
        "return_gap/dreamed",
        "",
        "Imagined return from recorded states, over `dream.horizon` steps.",
    ),
    MetricInfo(
        "return_gap/recorded",
        "",
        "Recorded return from these states, with the curiosity reward.",
    ),
    MetricInfo(
        "return_gap/replayed", "", "Imagined return from these states with the recorded actions."
    ),
    MetricInfo("return_gap/gap", "", "dreamed - recorded."),
    MetricInfo("return_gap/dreamed_NNN", "", "`dreamed` over the first NNN steps (three digits)."),
    MetricInfo("return_gap/recorded_NNN", "", "`recorded` over the first NNN steps."),
    MetricInfo("return_gap/replayed_NNN", "", "`replayed` over the first NNN steps."),
    MetricInfo("method/NAME", "", "A metric of one learning method that has no row here."),
)
_BY_KEY = {metric.key: metric.name for metric in METRICS if metric.key}


def metric_name(key: str) -> str:
    """The reported name of a metric of an update.

    A key with a slash is a name already. A key that no row knows goes to the group `method`.
    """
    if "/" in key:
        return key
    if key.startswith("loss_"):
        return "loss/" + key.removeprefix("loss_")
    return _BY_KEY.get(key, f"method/{key}")


def find_metric(name: str) -> MetricInfo | None:
    """The row of a reported name; None if there is none. Exact names win."""
    rows = [metric for metric in METRICS if metric.matches(name)]
    return min(rows, key=lambda metric: metric.name != name, default=None)


def metrics_markdown() -> str:
    """The table of all metrics in Markdown."""
    lines = ["| name | unit | meaning |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {each.unit} | {each.help} |" for each in METRICS]
    return "\n".join(lines) + "\n"


def with_metrics(page: str) -> str:
    """The page with a new table between its two marks. Raises ValueError without the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{metrics_markdown()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_metrics(PAGE.read_text("utf-8")), encoding="utf-8", newline="\n")
