"""What if: the decisions of another brain on the same recorded steps, beside the recorded ones.

Shapes: T Steps, A actions.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from agent.networks.agent_networks import ActingNetworks, build_method_networks
from agent.replay.applied_weights import AppliedWeights
from agent.replay.exact_replay import NetworkLookup, replay_decisions, require_one_world
from configs.errors import BadInput
from configs.schema import Config, RewardConfig
from interfaces.core.learning_methods import has_plugin_method
from interfaces.core.rewards import StepRewards, recorded_plugin_reward
from interfaces.core.spaces import Spaces
from interfaces.journal import read_layout
from interfaces.runtime.known_runs import require_known
from interfaces.runtime.run_folder import RunFolder, open_run
from interfaces.runtime.run_lock import shared_lock
from interfaces.runtime.terminal import transient_progress
from interfaces.session.playback_time import PlaybackTime
from interfaces.session.run_steps import RunSteps
from trainer.evaluation.what_if_page import (
    BrainComparison,
    BrainTrack,
    require_new_page,
    write_comparison,
)
from trainer.learners.checkpoints import CheckpointError, Checkpoints
from trainer.learners.restore import load_networks, restore_newest


def what_if(
    run: RunFolder,
    checkpoint: Path | None,
    policy: str | None,
    out: Path | None,
    console: Console,
    *,
    quiet: bool,
) -> tuple[Path, Path]:
    """`replay --checkpoint` and `--policy`: writes the page and its data, and returns their paths.

    The page is `out`, or RUN/replays/OTHER.png. Raises BadInput for options that do not fit
    together, and what compare_brains and write_comparison raise.
    """
    if policy is not None and checkpoint is not None:
        raise BadInput("give --checkpoint or --policy, not both")
    if checkpoint is None and policy != "random":
        raise BadInput(f"--policy {policy}: allowed is random")
    name = "random" if checkpoint is None else checkpoint.resolve().name
    picture = out or run.replays / f"{name}.png"
    require_new_page(picture)  # before the replay, which may take hours
    torch.set_num_threads(1)  # a live body may run on the same machine
    with shared_lock(run), transient_progress(console, quiet=quiet) as bar:
        task = bar.add_task("replaying", total=None)
        comparison = compare_brains(
            run, checkpoint, lambda steps: bar.update(task, completed=steps)
        )
        return picture, write_comparison(comparison, picture)


def compare_brains(
    run: RunFolder, other: Path | None, progress: Callable[[int], None] = lambda _: None
) -> BrainComparison:
    """Compares the recorded decisions of `run` with another brain.

    The other brain is the newest checkpoint of the run `other`; None: random actions. Each reward
    follows the configuration of its own run. `progress` receives the number of Steps so far.

    Raises BadInput if the runs have different spaces or `run` has several worlds, RunError if
    `other` is not a run, and CheckpointError if it has no checkpoint that fits.
    """
    require_one_world(run)
    config, recorded = run.config, RunSteps(run)
    brain = None if other is None else _open_brain(recorded.spaces, other)
    names = [action.name for action in recorded.spaces.actions]
    count = recorded.steps  # later Steps of a run that still acts are left out
    track = BrainTrack.empty("as recorded", count, len(names))
    index, seconds = np.zeros(count, np.int64), np.zeros(count)
    own_weights = AppliedWeights(run, recorded.spaces, config)
    playback_time = PlaybackTime()
    rewards = _RecordedRewards(config.reward, recorded.spaces)
    decisions = replay_decisions(recorded, own_weights, config, own_weights.latent_snapshots())
    for row, (step, decision) in zip(range(count), decisions, strict=False):
        index[row] = step["index"]
        seconds[row] = playback_time.seconds(int(step["monotonic_ns"]))
        track.set_decision(row, step["action"], decision)
        track.reward[row] = rewards.of(step)
        progress(row + 1)
    if brain is None:
        other_track = _random_track(recorded.spaces, config, track)
    else:
        other_track = _brain_track(recorded, brain, count, progress)
    same_rewards = brain is None or brain.config.reward == config.reward
    return BrainComparison(index, seconds, names, [track, other_track], run.name, same_rewards)


class _OtherBrain(NamedTuple):
    name: str
    config: Config
    networks: ActingNetworks


def _open_brain(spaces: Spaces, path: Path) -> _OtherBrain:
    run = open_run(path)
    config = run.config
    if has_plugin_method(config):
        require_known(run.path, f"--checkpoint {path} imports its method")
    _require_same_spaces(spaces, run)
    networks = build_method_networks(spaces, config)
    checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
    if restore_newest(checkpoints, partial(load_networks, networks)) is None:
        raise CheckpointError(f"{run.path} has no checkpoint yet: train it first")
    networks.eval()
    return _OtherBrain(run.name, config, networks)


def _brain_track(
    recorded: RunSteps, brain: _OtherBrain, count: int, progress: Callable[[int], None]
) -> BrainTrack:
    name, config, networks = brain
    track = BrainTrack.empty(name, count, recorded.spaces.num_actions)
    rewards = _RecordedRewards(config.reward, recorded.spaces)
    lookup: NetworkLookup = lambda _: networks  # noqa: E731
    decisions = replay_decisions(recorded, lookup, config, assume_fresh_memory=True)
    for row, (step, decision) in zip(range(count), decisions, strict=False):
        if not isinstance(decision, str):
            track.set_decision(row, decision.action, decision)
        track.reward[row] = rewards.of(step)
        progress(row + 1)
    return track


def _random_track(spaces: Spaces, config: Config, recorded: BrainTrack) -> BrainTrack:
    """Actions drawn uniformly, a new one at every step; value and surprise are NaN."""
    random = np.random.Generator(np.random.Philox(key=config.seed))
    track = BrainTrack.empty("random", *recorded.action.shape)
    track.action[:] = spaces.sample_actions(random, len(recorded.action))
    track.reward = recorded.reward
    return track


def _require_same_spaces(spaces: Spaces, other: RunFolder) -> None:
    """Raises BadInput that names the differences. A run without a journal passes."""
    layout = read_layout(other.journal)
    if layout is not None and layout.spaces.to_json() != spaces.to_json():
        own_json, other_json = spaces.to_json(), layout.spaces.to_json()
        keys = [key for key in own_json if own_json[key] != other_json.get(key)]
        raise BadInput(f"{other.path} has other spaces: {', '.join(keys)} differ")


class _RecordedRewards:
    """The reward of a recorded Step under a configuration, whose plugins are not loaded."""

    def __init__(self, config: RewardConfig, spaces: Spaces) -> None:
        self._config, self._rewards = config, StepRewards(config, spaces, load_plugins=False)

    def of(self, step: NDArray[np.void]) -> float:
        terms = self._rewards.weighted(step["vector"], step["world_reward"], step["is_first"])
        return float(terms.sum()) + recorded_plugin_reward(self._config, step)
