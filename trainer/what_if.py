"""What if: another brain over the same experience. What it would have done, what it thinks the
moments are worth, and what surprises it, beside what was lived."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from agent.lived_weights import LivedWeights
from agent.networks import ActingNetworks, build_for
from agent.replay import NetworksOf, require_one_world, think_along
from configs.errors import BadInput
from configs.schema import Config
from interfaces.lock import look_at
from interfaces.pyplot import pyplot
from interfaces.rewards import LivedRewards
from interfaces.run_folder import RunFolder, open_run
from interfaces.session.export import whole
from interfaces.session.lived import Lived
from interfaces.session.pace import Pace, with_holes
from interfaces.spaces import Spaces
from trainer.checkpoints import CheckpointError, Checkpoints, load_networks

_NOT_KNOWN = float("nan")


@dataclass
class Track:
    """One brain along a life: (T, A) actions, and (T,) of the rest; NaN where it is not known."""

    name: str
    action: list[NDArray[np.float32]] = field(default_factory=list[NDArray[np.float32]])
    value: list[float] = field(default_factory=list[float])
    reward: list[float] = field(default_factory=list[float])
    surprise: list[float] = field(default_factory=list[float])

    def to_json(self, names: list[str]) -> dict[str, Any]:
        actions = np.array(self.action)
        return {
            "name": self.name,
            "action": {name: _plain(actions[:, i]) for i, name in enumerate(names)},
            "value": _plain(np.array(self.value)),
            "reward": _plain(np.array(self.reward)),
            "surprise": _plain(np.array(self.surprise)),
        }


@dataclass
class Comparison:
    """Times in seconds since the first Step, pauses shortened, and the tracks: as lived first. Of
    each Step the index too: where it jumps, Steps are missing."""

    seconds: list[float]
    actions: list[str]
    tracks: list[Track]
    index: list[int] = field(default_factory=list[int])

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "seconds": [round(each, 4) for each in self.seconds],
            "tracks": [track.to_json(self.actions) for track in self.tracks],
        }


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
    if policy not in (None, "random") or (policy is None) == (checkpoint is None):
        raise BadInput("say which brain: --checkpoint RUN, or --policy random")
    name = "random" if checkpoint is None else checkpoint.resolve().name
    picture = out or run.replays / f"{name}.png"
    new(picture)  # before hours are thought for nothing
    torch.set_num_threads(1)  # a body may be living beside it
    with look_at(run), Progress(console=console, transient=True, disable=quiet) as bar:
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
    lived_track = Track("as lived")
    own = LivedWeights(run, lived.spaces, config)
    comparison = Comparison([], names, [lived_track])
    pace = Pace()
    rewards = LivedRewards(config.reward, lived.spaces)
    for step, thought in think_along(lived, own, config, own.keyframes()):
        comparison.index.append(int(step["index"]))
        comparison.seconds.append(pace.seconds(int(step["monotonic_ns"])))
        lived_track.action.append(np.array(step["action"]))
        lived_track.reward.append(_reward(rewards, step))
        known = not isinstance(thought, str)
        lived_track.value.append(thought.value if known else _NOT_KNOWN)
        lived_track.surprise.append(thought.surprise if known else _NOT_KNOWN)
        progress(len(comparison.seconds))
    if brain is None:
        comparison.tracks.append(_by_chance(lived.spaces, config, lived_track))
    else:
        comparison.tracks.append(_another(lived, brain, progress))
    return comparison


def write(comparison: Comparison, picture: Path) -> Path:
    """The page NAME.png, and NAME.json beside it. Raises BadInput where one is there already."""
    new(picture)
    data = picture.with_suffix(".json")
    with whole(data) as numbers, whole(picture) as page:  # both, or none
        numbers.write_text(json.dumps(comparison.to_json()) + "\n", encoding="utf-8")
        draw(comparison, page)
    return data


def draw(comparison: Comparison, path: Path) -> None:
    """One page: each action, value, reward and surprise against time, a line for each brain."""
    rows = len(comparison.actions) + 3
    names = [*comparison.actions, "value", "reward", "surprise"]
    with pyplot() as plt:
        figure, panels = plt.subplots(
            rows, figsize=(12, 1.6 * rows), sharex=True, dpi=100, squeeze=False
        )
        for track, color in zip(comparison.tracks, ("tab:blue", "tab:orange"), strict=True):
            curves = [*np.array(track.action).T, track.value, track.reward, track.surprise]
            seconds, *curves = with_holes(
                np.array(comparison.index), np.array(comparison.seconds), *map(np.array, curves)
            )
            for axes, curve in zip(panels[:, 0], curves, strict=True):
                axes.plot(seconds, curve, color=color, linewidth=0.8, label=track.name)
        for axes, name in zip(panels[:, 0], names, strict=True):
            axes.set_ylabel(name, fontsize=8)
            axes.grid(alpha=0.3)
        panels[0, 0].legend(fontsize=8, loc="upper right")
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
    checkpoint = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep).newest()
    if checkpoint is None:
        raise CheckpointError(f"{run.path} has no checkpoint yet: train it first")
    _check(spaces, config, run)
    networks = build_for(spaces, config)
    load_networks(networks, checkpoint)
    networks.eval()
    return _Brain(run.path.name, config, networks)


def _another(lived: Lived, brain: _Brain, progress: Callable[[int], None]) -> Track:
    name, config, networks = brain
    track, rewards = Track(name), LivedRewards(config.reward, lived.spaces)
    nothing = np.full(lived.spaces.num_actions, np.nan, np.float32)
    always: NetworksOf = lambda _: networks  # noqa: E731
    for step, thought in think_along(lived, always, config, begins_anew=True):
        known = not isinstance(thought, str)
        track.action.append(thought.action if known else nothing)
        track.value.append(thought.value if known else _NOT_KNOWN)
        track.surprise.append(thought.surprise if known else _NOT_KNOWN)
        track.reward.append(_reward(rewards, step))
        progress(len(track.value))
    return track


def _by_chance(spaces: Spaces, config: Config, lived: Track) -> Track:
    """Uniform over the actions, held a beat, buttons down or up: it thinks nothing of anything."""
    chance = np.random.Generator(np.random.Philox(key=config.seed))
    count = len(lived.action)
    actions = chance.uniform(-1, 1, (count, spaces.num_actions))
    buttons = [action.kind != "axis" for action in spaces.actions]
    actions[:, buttons] = actions[:, buttons] > 0
    unknown = [_NOT_KNOWN] * count
    return Track("random", list(actions.astype(np.float32)), unknown, lived.reward, unknown)


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


def _plain(values: NDArray[np.floating[Any]]) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 5) for value in values]
