"""The page of a what-if comparison, NAME.png, and its data, NAME.json.

Shapes: T Steps, A actions.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from agent.replay.exact_replay import ReplayedDecision
from configs.errors import BadInput
from interfaces.core.pyplot import pyplot
from interfaces.runtime.known_runs import require_known_place
from interfaces.session.export.output_files import write_whole
from interfaces.session.playback_time import reduce_windows

_MAX_POINTS = 600  # of a curve
_LINE_STYLES = (("tab:blue", 1.8), ("tab:orange", 0.8))  # both are visible where they coincide


@dataclass
class BrainTrack:
    """One brain along the recorded steps: `action` (T, A) in policy units, and (T,) of the rest.

    `value` is the estimated return, `surprise` is in nats. Unknown numbers are NaN.
    """

    name: str
    action: NDArray[np.float32]
    value: NDArray[np.float32]
    reward: NDArray[np.float32]
    surprise: NDArray[np.float32]

    @classmethod
    def empty(cls, name: str, steps: int, num_actions: int) -> "BrainTrack":
        """A track of NaN."""
        action = np.full((steps, num_actions), np.nan, np.float32)
        return cls(name, action, *np.full((3, steps), np.nan, np.float32))

    def set_decision(
        self, row: int, action: NDArray[np.float32], decision: ReplayedDecision | str
    ) -> None:
        """Sets the action (A,) of a Step, and value and surprise if the decision is known."""
        self.action[row] = action
        if not isinstance(decision, str):
            self.value[row], self.surprise[row] = decision.value, decision.surprise

    def fields(self, names: list[str]) -> dict[str, Any]:
        """The track for JSON, with the names of the actions."""
        return {
            "name": self.name,
            "action": {name: self.action[:, i] for i, name in enumerate(names)},
            "value": self.value,
            "reward": self.reward,
            "surprise": self.surprise,
        }


@dataclass
class BrainComparison:
    """Two tracks along the same Steps, the recorded one first.

    `index` (T,): of each Step; it jumps where Steps are missing.
    `seconds` (T,): since the first Step, with pauses shortened.
    `actions`: the names of the actions.
    `run_name`: of the recorded run.
    `same_rewards`: whether both brains have the same reward configuration.
    """

    index: NDArray[np.int64]
    seconds: NDArray[np.float64]
    actions: list[str]
    tracks: list[BrainTrack]
    run_name: str = ""
    same_rewards: bool = True

    def write_json(self, file: TextIO) -> None:
        """Writes the comparison as JSON, one array at a time to limit the memory."""
        tracks = [track.fields(self.actions) for track in self.tracks]
        _write_json({"index": self.index, "seconds": self.seconds, "tracks": tracks}, file)


def require_new_page(picture: Path) -> None:
    """Raises BadInput if the name does not end in .png, or if the page or its data exist.

    Creates the parent folder, so that it may raise OSError. Raises UnknownRun for a place in an
    unknown run.
    """
    require_known_place(picture, f"writing {picture}")
    if picture.suffix != ".png":
        raise BadInput(f"{picture}: the name of the page must end in .png")
    for path in (picture, picture.with_suffix(".json")):
        if path.exists():
            raise BadInput(f"{path} exists already: existing files are never overwritten")
    picture.parent.mkdir(parents=True, exist_ok=True)


def write_comparison(comparison: BrainComparison, picture: Path) -> Path:
    """Writes the page and its data, both or none; returns the path of the data.

    Raises BadInput if one of them exists.
    """
    require_new_page(picture)
    data = picture.with_suffix(".json")
    with write_whole(data) as json_file, write_whole(picture) as page:
        with json_file.open("w", encoding="utf-8") as file:
            comparison.write_json(file)
            file.write("\n")
        draw_comparison(comparison, page)
    return data


def draw_comparison(comparison: BrainComparison, path: Path) -> None:
    """Draws actions, value, reward and surprise against time, with one line for each brain.

    Of a long run, a point is the mean of several Steps, and a pale band shows their range.
    """
    rows = len(comparison.actions) + 3
    reward = "reward" if comparison.same_rewards else "reward,\nown config"
    names = [*comparison.actions, "value", reward, "surprise"]
    steps_per_point = -(-len(comparison.index) // _MAX_POINTS)
    with pyplot() as plt:
        figure, panels = plt.subplots(
            rows, figsize=(12, 1.6 * rows), sharex=True, dpi=100, squeeze=False
        )
        for track, (color, width) in zip(comparison.tracks, _LINE_STYLES, strict=True):
            curves = [*track.action.T, track.value, track.reward, track.surprise]
            mean, least, most = (
                reduce_windows(
                    comparison.index, steps_per_point, reduce, comparison.seconds, *curves
                )
                for reduce in (np.nanmean, np.nanmin, np.nanmax)
            )
            for number, axes in enumerate(panels[:, 0], 1):
                axes.plot(mean[0], mean[number], color=color, linewidth=width, label=track.name)
                if steps_per_point > 1:
                    band = (least[number], most[number])
                    axes.fill_between(mean[0], *band, color=color, alpha=0.12, linewidth=0)
        for axes, name in zip(panels[:, 0], names, strict=True):
            axes.set_ylabel(name, fontsize=8)
            axes.grid(alpha=0.3)
        has_value = [bool(np.isfinite(track.value).any()) for track in comparison.tracks]
        lines, labels = panels[0, 0].get_legend_handles_labels()
        labels = [
            label if known else f"{label} (no value estimates)"
            for label, known in zip(labels, has_value, strict=True)
        ]
        title = f"{comparison.run_name} compared with {comparison.tracks[1].name}"
        figure.suptitle(title, fontsize=10)
        figure.legend(lines, labels, fontsize=8, loc="upper right", ncols=2)
        panels[-1, 0].set_xlabel("seconds")
        figure.tight_layout()
        figure.savefig(path, format="png")
        plt.close(figure)


def _write_json(content: Any, file: TextIO) -> None:
    """Writes JSON of dicts, lists and arrays (T,); NaN becomes null.

    Each array is written before the next one becomes a list.
    """
    if isinstance(content, dict):
        ends, parts = "{}", [(f"{json.dumps(key)}: ", part) for key, part in content.items()]
    elif isinstance(content, list):
        ends, parts = "[]", [("", part) for part in content]
    else:
        file.write(json.dumps(_to_list(content) if isinstance(content, np.ndarray) else content))
        return
    file.write(ends[0])
    for number, (key, part) in enumerate(parts):
        file.write(f", {key}" if number else key)
        _write_json(part, file)
    file.write(ends[1])


def _to_list(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind == "i":
        return values.tolist()
    rounded = np.round(values.astype(np.float64), 5)
    return [None if value != value else value for value in rounded.tolist()]
