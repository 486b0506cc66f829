"""Learning from records alone: sessions become the journal of a new run, and nobody lives."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.agent_networks import Networks, acting_shapes, flatten_acting
from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.ipc.atomic_files import write_json
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, JournalWriter, read_layout
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, session_folder
from interfaces.session.maintain.maintenance import find_sessions
from interfaces.weights import Manifest, WeightsWriter
from trainer.data.replay_buffer import Replay
from trainer.learners.learner import make_learner
from trainer.objectives.losses import model_loss
from trainer.running.checkpoints import (
    Checkpoint,
    Checkpoints,
    learner_tensors,
    mend,
    restore_learner,
)
from trainer.running.device import choose_device, keep_heap
from trainer.running.learning_report import Report
from trainer.running.train_ratio import TrainRatio

_UNBOUND = 1e9
_LEAST_UPDATES, _DRAWS = 1000, 3
_WINDOWS = 64  # of held-out Steps, to measure the model by


@dataclass(frozen=True)
class Imported:
    """Steps in the journal, and the index from which on they are only measured by."""

    steps: int
    held_out_from: int


class Interrupted(Exception):
    """Somebody wants it to end before everything was imported."""


def too_few(steps: int, config: Config) -> BadInput:
    return BadInput(
        f"{steps} steps are too few to learn from: trainer.prefill is {config.trainer.prefill}, "
        f"trainer.length {config.trainer.length}"
    )


def default_updates(steps: int, config: Config) -> int:
    """How many updates of so many Steps, where nobody says: each drawn about three times, at least
    1,000 updates, and never more than a life of so many Steps would have learned.

    Nobody corrects a policy that learns from records alone: with twice as many it was paid less
    (docs/decisions/0017).
    """
    lived = steps * config.trainer.train_ratio / config.replayed_per_update
    drawn = max(_LEAST_UPDATES, _DRAWS * steps / config.replayed_per_update)
    return max(1, int(min(lived, drawn)))


def find(patterns: Sequence[str]) -> list[Session]:
    """The sessions that these paths or globs name, oldest first, each once. Raises SessionError
    where a pattern names none, and where two have different spaces or the same Steps."""
    paths: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        if path.exists():
            named = [path]
        else:
            root = Path(path.anchor or ".")
            try:
                named = sorted(root.glob(str(path.relative_to(path.anchor))))
            except (ValueError, NotImplementedError) as error:
                raise SessionError(f"--sessions {pattern}: no pattern of paths: {error}") from error
        found = find_sessions(named)
        if not found:
            raise SessionError(f"--sessions {pattern}: no session there")
        paths += found
    places: dict[Path, Path] = {}
    for path in paths:
        places.setdefault(session_folder(path.resolve()), path.resolve())
    sessions = [Session(path) for path in places.values()]
    sessions.sort(key=lambda session: session.infos[0].began_ns)
    for session in sessions:
        check_spaces(session, sessions[0].spaces, str(sessions[0].path))
    for one, other in itertools.combinations(sessions, 2):
        if _of_one_life(one, other):
            raise SessionError(f"{one.path} and {other.path} have the same Steps: name one of them")
    return sessions


def _of_one_life(one: Session, other: Session) -> bool:
    """Whether they have a Step in common: the same index, moment, and all that it says."""
    (began, ended), (began_too, ended_too) = _span(one), _span(other)
    if ended < began_too or ended_too < began:
        return False
    for _, found in one.messages(max(one.first, other.first), min(one.end, other.end)):
        for _, same in other.messages(found.index, found.index + 1):
            return same == found
    return False


def _span(session: Session) -> tuple[int, int]:
    infos = session.infos
    return min(info.began_ns for info in infos), max(info.ended_ns for info in infos)


def check_spaces(session: Session, spaces: Spaces, whose: str) -> None:
    """Raises SessionError that names what differs."""
    own, wanted = session.spaces.to_json(), spaces.to_json()
    for key in wanted:
        if own.get(key) != wanted[key]:
            there, here = _apart(own.get(key), wanted[key])
            raise SessionError(
                f"{session.path} was recorded with other {key}: {there}; {whose} has {here}"
            )


def check_method(config: Config) -> None:
    """Raises BadInput for a method that needs to live."""
    if config.method == "ppo":
        raise BadInput("method ppo learns only from what its own weights live: no --sessions")


def import_sessions(
    run: RunFolder,
    config: Config,
    sessions: Sequence[Session],
    progress: Callable[[int], None] = lambda _: None,
    stopped: threading.Event | None = None,
) -> Imported:
    """Write every Step into the run's journal, session after session, each a beginning and a cut.

    Held out are whole sessions, the newest ones, of about `trainer.holdout` of all Steps; where
    they are too long for that, the newest part. What was imported before is not imported again.
    Raises BadInput where they are too few to learn from, SessionError where those were other
    sessions, Interrupted when `stopped`, and OSError for a full disk.
    """
    total = sum(session.steps_recorded for session in sessions)
    held_out_from = _boundary(sessions, config)
    if total < config.trainer.prefill or held_out_from < config.trainer.length:
        raise too_few(total, config)
    named = {"sessions": [str(session.path) for session in sessions], "steps": total}
    if run.sources.exists():
        if json.loads(run.sources.read_text(encoding="utf-8")) != named:
            raise SessionError(f"{run.path} learns from other sessions: see {run.sources.name}")
        return Imported(total, held_out_from)
    writer = JournalWriter(
        run.journal,
        sessions[0].spaces,
        segment_steps=config.journal.segment_steps,
        max_steps=max(config.journal.max_steps, total),
        background=False,
    )
    try:
        writer.truncate(0)
        for session in sessions:
            last: NDArray[np.void] | None = None
            expected: int | None = None
            for _, step in session.steps():
                index = int(step["index"])
                if stopped is not None and stopped.is_set():
                    raise Interrupted
                if last is not None:
                    last["is_last"] |= index != expected
                    _append(writer, last)
                    progress(writer.next_index)
                if index != expected:  # the first of all, or after a gap
                    step["is_first"], step["reward"] = True, 0.0
                last, expected = step, index + 1
            if last is not None:
                last["is_last"] = True
                _append(writer, last)
    finally:
        writer.close()
    write_json(run.sources, named)
    return Imported(writer.next_index, held_out_from)


def _append(writer: JournalWriter, step: NDArray[np.void]) -> None:
    """Nothing is due here: a Step that does not fit is no gap but an end. Raises OSError."""
    if not writer.append(step):
        raise OSError("the disk is full: not all of the records could be imported")


class Offline:
    """A learner, and records to learn from. With checkpoints in the run it goes on from them."""

    def __init__(self, run: RunFolder, config: Config, imported: Imported) -> None:
        """Raises BadInput for a method that needs to live, CheckpointError as a resume does."""
        check_method(config)
        torch.set_num_threads(config.trainer.threads)
        torch.set_flush_denormal(True)
        keep_heap()
        self._run, self._config = run, config
        spaces = read_layout(run.journal)
        assert spaces is not None  # it was just imported
        device = choose_device(config.device)
        self.board = Board(run.board, create=True)
        # Nobody lives here: there is nothing to keep pace with, and no step is newer than another.
        unbound = config.trainer.model_copy(update={"train_ratio": _UNBOUND, "recent": 0.0})
        eager = config.model_copy(update={"trainer": unbound})
        self.learner = make_learner(spaces, eager, device)
        self._checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
        newest = self._checkpoints.to_go_on()
        if newest is not None:
            restore_learner(self.learner, newest)
        self._weights = WeightsWriter(run.weights, Manifest(acting_shapes(self.learner.networks)))
        self._version = max(self._weights.last_version, newest.version if newest else 0)
        reader = JournalReader(run.journal)
        self._replay = Replay(reader, spaces, eager, device, held_out_from=imported.held_out_from)
        self._report = Report(
            run, config, spaces, self.learner, self._replay, self.board, own_life=False
        )
        self._num_actions = spaces.num_actions
        self._allowed = TrainRatio(config.trainer).due(self._replay.steps, 0)
        if not self._replay.ready:
            raise too_few(imported.steps, config)

    def default_updates(self) -> int:
        """As the function of this name says, of the Steps that are learned from."""
        return default_updates(self._replay.held_out_from - self._replay.first, self._config)

    def run(self, updates: int, progress: Callable[[int], None], stopped: threading.Event) -> None:
        """Until so many updates in all, or stopped; then save and publish."""
        learner, trainer = self.learner, self._config.trainer
        next_save = time.perf_counter() + trainer.checkpoint_s
        while learner.updates < updates and not stopped.is_set():
            metrics = learner.learn(self._replay)
            if metrics is None:
                break
            self._report.took(metrics)
            if learner.descent.in_a_row >= trainer.patience:
                mend(learner, self._checkpoints)
            self._report.every_second(self._version)
            progress(learner.updates)
            if time.perf_counter() >= next_save:
                self.save()
                next_save = time.perf_counter() + trainer.checkpoint_s
        self.save()
        self._version += 1
        self._weights.publish(
            flatten_acting(learner.networks), self._version, time.perf_counter_ns()
        )
        self._report.finish(self._version)

    def measure(self) -> None:
        """Let the gauges be of now."""
        self._report.every_second(self._version)

    @torch.no_grad()
    def held_out_loss(self) -> float | None:
        """The model's loss on Steps it never learned from; None where none are held out, or there
        is no model."""
        networks, config = self.learner.networks, self._config
        length = config.trainer.length
        if not isinstance(networks, Networks) or config.method != "dreamer":
            return None
        batch = self._replay.held_out(_WINDOWS, length)
        if batch is None:
            return None
        self.learner.noise.begin(config.seed, self.learner.updates)
        found = model_loss(
            networks,
            batch,
            self._num_actions,
            config,
            self.learner.surprise_scale,
            self.learner.noise,
        )
        return float(found.total)

    def save(self) -> None:
        """A checkpoint. For a life that goes on from it the train ratio counts from here: updates
        beyond the ratio are free, and those that the records would still allow are not owed."""
        learner = self.learner
        free = learner.kept.get("ratio/free")
        if free is not None:
            free.fill_(learner.charged - self._allowed)
        self._checkpoints.save(
            Checkpoint(
                learner_tensors(learner),
                self._replay.steps,
                learner.updates,
                self._version,
                left_out=learner.descent.in_a_row,
            )
        )


def _boundary(sessions: Sequence[Session], config: Config) -> int:
    """Index in the journal from which on Steps are held out."""
    sizes = [session.steps_recorded for session in sessions]
    total = sum(sizes)
    wanted = min(int(total * config.trainer.holdout), config.trainer.holdout_steps)
    if not wanted:
        return total
    held = 0
    for size in reversed(sizes[1:]):
        if held >= wanted or held + size > 2 * wanted:
            break
        held += size
    return total - (held if 2 * held >= wanted else wanted)


def _apart(one: Any, other: Any) -> tuple[str, str]:
    """Two values, told so that what differs is seen: of things with a name the names or, where
    these are the same, the fields of the first one that differs."""
    try:
        names = [[each["name"] for each in value] for value in (one, other)]
    except (TypeError, KeyError):
        return str(one), str(other)
    if names[0] != names[1]:
        return ", ".join(names[0]), ", ".join(names[1])
    first, second = next(pair for pair in zip(one, other, strict=True) if pair[0] != pair[1])
    keys = [key for key in first | second if first.get(key) != second.get(key)]
    told = [", ".join(f"{key} {each.get(key)}" for key in keys) for each in (first, second)]
    return f"{first['name']} with {told[0]}", told[1]
