"""What if: another brain over the same experience. What it would have done, what it thinks the
moments are worth, and what surprises it, beside what was lived."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from agent.networks.agent_networks import ActingNetworks, build_for
from agent.replay.applied_weights import LivedWeights
from agent.replay.exact_replay import NetworksOf, Thought, require_one_world, think_along
from configs.errors import BadInput
from configs.schema import Config
from interfaces.cli.terminal import passing_bar
from interfaces.core.pyplot import pyplot
from interfaces.core.rewards import LivedRewards
from interfaces.core.spaces import Spaces
from interfaces.runtime.run_folder import RunFolder, open_run
from interfaces.runtime.run_lock import look_at
from interfaces.session.export.arrays_and_video import whole
from interfaces.session.playback_time import Pace, windows
from interfaces.session.run_steps import Lived
from trainer.running.checkpoints import CheckpointError, Checkpoints, load_networks

_MOST_DRAWN = 600  # points of a curve


@dataclass
class Track:
    """One brain along a life: (T, A) actions, and (T,) of the rest; NaN where it is not known."""

    name: str
    action: NDArray[np.float32]
    value: NDArray[np.float32]
    reward: NDArray[np.float32]
    surprise: NDArray[np.float32]

    @classmethod
    def empty(cls, name: str, steps: int, num_actions: int) -> "Track":
        """Of that many Steps, of which nothing is known yet."""
        action = np.full((steps, num_actions), np.nan, np.float32)
        return cls(name, action, *np.full((3, steps), np.nan, np.float32))

    def note(self, row: int, action: NDArray[np.float32], thought: Thought | str) -> None:
        """What was done, and what was thought of it where that is known."""
        self.action[row] = action
        if not isinstance(thought, str):
            self.value[row], self.surprise[row] = thought.value, thought.surprise

    def fields(self, names: list[str]) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "action": {name: self.action[:, i] for i, name in enumerate(names)},
            "value": self.value,
            "reward": self.reward,
            "surprise": self.surprise,
        }


@dataclass
class Comparison:
    """Times in seconds since the first Step, pauses shortened, and the tracks: as lived first. Of
    each Step the index too: where it jumps, Steps are missing. `life` is the run's name,
    `pays_alike`: both are paid by the same terms."""

    index: NDArray[np.int64]
    seconds: NDArray[np.float64]
    actions: list[str]
    tracks: list[Track]
    life: str = ""
    pays_alike: bool = True

    def pour(self, file: TextIO) -> None:
        """Write it as JSON, array after array: of a long life all together would be much."""
        tracks = [track.fields(self.actions) for track in self.tracks]
        _pour({"index": self.index, "seconds": self.seconds, "tracks": tracks}, file)


def what_if(
    run: RunFolder,
    checkpoint: Path | None,
    policy: str | None,
    out: Path | None,
    console: Console,
    *,
    quiet: bool,
) -> tuple[Path, Path]:
    """`replay --checkpoint` and `--policy`: the page, RUN/replays/OTHER.png unless `out` says
    otherwise, and its data. Raises BadInput, and what compare raises."""
    if policy is not None and checkpoint is not None:
        raise BadInput("one at a time: --checkpoint, or --policy")
    if checkpoint is None and policy != "random":
        raise BadInput(f"--policy {policy}: allowed is random")
    name = "random" if checkpoint is None else checkpoint.resolve().name
    picture = out or run.replays / f"{name}.png"
    new(picture)  # before hours are thought for nothing
    torch.set_num_threads(1)  # a body may be living beside it
    with look_at(run), passing_bar(console, quiet=quiet) as bar:
        task = bar.add_task("thinking", total=None)
        found = compare(run, checkpoint, lambda steps: bar.update(task, completed=steps))
        return picture, write(found, picture)


def new(picture: Path) -> None:
    """Raises BadInput where the page or its data are there already, or it is no PNG; OSError."""
    if picture.suffix != ".png":
        raise BadInput(f"{picture}: the page ends in .png")
    for path in (picture, picture.with_suffix(".json")):
        if path.exists():
            raise BadInput(f"{path} exists already: nothing is written over")
    picture.parent.mkdir(parents=True, exist_ok=True)


def compare(
    run: RunFolder, other: Path | None, progress: Callable[[int], None] = lambda _: None
) -> Comparison:
    """The life of `run` beside the newest checkpoint of the run `other`, or beside chance (None).

    Rewards are those of each one's own configuration. Raises BadInput where the other's spaces are
    not these, and CheckpointError where it has no checkpoint.
    """
    require_one_world(run)
    config, lived = run.config, Lived(run)
    brain = None if other is None else _open(lived.spaces, other)  # before hours are thought
    names = [action.name for action in lived.spaces.actions]
    count = lived.steps  # it may live on meanwhile: what comes later is not looked at
    track = Track.empty("as lived", count, len(names))
    index, seconds = np.zeros(count, np.int64), np.zeros(count)
    own = LivedWeights(run, lived.spaces, config)
    pace = Pace()
    rewards = LivedRewards(config.reward, lived.spaces)
    along = think_along(lived, own, config, own.keyframes())
    for row, (step, thought) in zip(range(count), along, strict=False):
        index[row], seconds[row] = step["index"], pace.seconds(int(step["monotonic_ns"]))
        track.note(row, step["action"], thought)
        track.reward[row] = _reward(rewards, step)
        progress(row + 1)
    if brain is None:
        other_track = _by_chance(lived.spaces, config, track)
    else:
        other_track = _another(lived, brain, count, progress)
    alike = brain is None or brain.config.reward == config.reward
    return Comparison(index, seconds, names, [track, other_track], run.path.name, alike)


def write(comparison: Comparison, picture: Path) -> Path:
    """The page NAME.png, and NAME.json beside it. Raises BadInput where one is there already."""
    new(picture)
    data = picture.with_suffix(".json")
    with whole(data) as numbers, whole(picture) as page:  # both, or none
        with numbers.open("w", encoding="utf-8") as file:
            comparison.pour(file)
            file.write("\n")
        draw(comparison, page)
    return data


def draw(comparison: Comparison, path: Path) -> None:
    """One page: each action, value, reward and surprise against time, a line for each brain; of a
    long life the mean of a few Steps, and around it faintly their least and most."""
    rows = len(comparison.actions) + 3
    reward = "reward" if comparison.pays_alike else "reward,\neach by its own"
    names = [*comparison.actions, "value", reward, "surprise"]
    several = -(-len(comparison.index) // _MOST_DRAWN)
    with pyplot() as plt:
        figure, panels = plt.subplots(
            rows, figsize=(12, 1.6 * rows), sharex=True, dpi=100, squeeze=False
        )
        looks = (("tab:blue", 1.8), ("tab:orange", 0.8))  # where they are the same both are seen
        for track, (color, width) in zip(comparison.tracks, looks, strict=True):
            curves = [*track.action.T, track.value, track.reward, track.surprise]
            mean, least, most = (
                windows(comparison.index, several, what, comparison.seconds, *curves)
                for what in (np.nanmean, np.nanmin, np.nanmax)
            )
            for number, axes in enumerate(panels[:, 0], 1):
                axes.plot(mean[0], mean[number], color=color, linewidth=width, label=track.name)
                if several > 1:
                    ends = (least[number], most[number])
                    axes.fill_between(mean[0], *ends, color=color, alpha=0.12, linewidth=0)
        for axes, name in zip(panels[:, 0], names, strict=True):
            axes.set_ylabel(name, fontsize=8)
            axes.grid(alpha=0.3)
        thinks = [bool(np.isfinite(track.value).any()) for track in comparison.tracks]
        lines, labels = panels[0, 0].get_legend_handles_labels()
        told = zip(labels, thinks, strict=True)
        labels = [label if thinking else f"{label}: values nothing" for label, thinking in told]
        figure.suptitle(f"{comparison.life} beside {comparison.tracks[1].name}", fontsize=10)
        figure.legend(lines, labels, fontsize=8, loc="upper right", ncols=2)
        panels[-1, 0].set_xlabel("seconds")
        figure.tight_layout()
        figure.savefig(path, format="png")
        plt.close(figure)


class _Brain(NamedTuple):
    name: str
    config: Config
    networks: ActingNetworks


def _open(spaces: Spaces, other: Path) -> _Brain:
    run = open_run(other)
    config = run.config
    checkpoint = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep).to_go_on()
    if checkpoint is None:
        raise CheckpointError(f"{run.path} has no checkpoint yet: train it first")
    _check(spaces, config, run)
    networks = build_for(spaces, config)
    load_networks(networks, checkpoint)
    networks.eval()
    return _Brain(run.path.name, config, networks)


def _another(lived: Lived, brain: _Brain, count: int, progress: Callable[[int], None]) -> Track:
    name, config, networks = brain
    track = Track.empty(name, count, lived.spaces.num_actions)
    rewards = LivedRewards(config.reward, lived.spaces)
    always: NetworksOf = lambda _: networks  # noqa: E731
    along = think_along(lived, always, config, begins_anew=True)
    for row, (step, thought) in zip(range(count), along, strict=False):
        if not isinstance(thought, str):
            track.note(row, thought.action, thought)
        track.reward[row] = _reward(rewards, step)
        progress(row + 1)
    return track


def _by_chance(spaces: Spaces, config: Config, lived: Track) -> Track:
    """Uniform over the actions, held a beat: it thinks nothing of anything."""
    chance = np.random.Generator(np.random.Philox(key=config.seed))
    track = Track.empty("random", *lived.action.shape)
    track.action[:] = spaces.sample_actions(chance, len(lived.action))
    track.reward = lived.reward
    return track


def _check(spaces: Spaces, config: Config, run: RunFolder) -> None:
    from interfaces.journal import read_layout

    own = read_layout(run.journal)
    if own is not None and own.to_json() != spaces.to_json():
        mine, theirs = spaces.to_json(), own.to_json()
        keys = [key for key in mine if mine[key] != theirs.get(key)]
        raise BadInput(f"{run.path} lives in other spaces: {', '.join(keys)} differ")


def _reward(rewards: LivedRewards, step: NDArray[np.void]) -> float:
    terms = rewards.terms(step["vector"], step["world_reward"], step["is_first"])
    return float(terms.sum())


def _pour(content: Any, file: TextIO) -> None:
    """JSON of dicts, lists and arrays (T,), each array written before the next is made a list; what
    is not known is null."""
    if isinstance(content, dict):
        ends, each = "{}", [(f"{json.dumps(key)}: ", part) for key, part in content.items()]
    elif isinstance(content, list):
        ends, each = "[]", [("", part) for part in content]
    else:
        file.write(json.dumps(_plain(content) if isinstance(content, np.ndarray) else content))
        return
    file.write(ends[0])
    for number, (key, part) in enumerate(each):
        file.write(f", {key}" if number else key)
        _pour(part, file)
    file.write(ends[1])


def _plain(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind == "i":
        return values.tolist()
    rounded = np.round(values.astype(np.float64), 5)
    return [None if value != value else value for value in rounded.tolist()]
