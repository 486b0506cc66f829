"""Checkpoint files: tensors as safetensors, everything else as JSON.

A checkpoint is a pair of files, for example `000007-000000001200.safetensors` and `.json`: the
seventh of its run, at 1,200 environment steps. The JSON is written last and holds the CRC of the
tensors and its own, so that an incomplete or damaged pair is recognised. Only the serial number
tells which one is newest: steps may stay the same, and they decrease after a journal was damaged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loguru import logger
from safetensors.torch import load, save
from torch import Tensor

from configs.errors import BadInput
from configs.reading.bounded_file import UnreadableFile
from configs.reading.busy_files import FileHeld, delete_file
from interfaces.ipc.tensor_file import parse_tensors
from interfaces.weights.checkpoint_files import (
    checkpoint_files,
    checkpoint_path,
    read_checkpoint,
    read_record,
    serial_of,
    tensor_files,
    write_checkpoint,
)

# In `extra` of the first checkpoint of a run that starts with the networks of another run.
START = "from"


class CheckpointError(BadInput, ValueError):
    """A checkpoint is missing, damaged, or belongs to another configuration."""


@dataclass
class Checkpoint:
    """A learner's complete state after `updates` updates and `steps` environment steps.

    `tensors`: by name.
    `version`: of the last published weights.
    `extra`: JSON content of the training loop.
    `consecutive_skips`: updates skipped just before it was saved; the JSON key is "left_out".
    `serial`: its number within the run.
    """

    tensors: dict[str, Tensor]
    steps: int
    updates: int
    version: int
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    consecutive_skips: int = 0
    serial: int = 0


class Checkpoints:
    """The checkpoints in the folder of a run."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self._keep = keep
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, checkpoint: Checkpoint) -> Path:
        """Writes a checkpoint; then removes all but the newest `keep` and the newest good one.

        Raises OSError.
        """
        serial = 1 + max((serial_of(path) for path in self._all()), default=0)
        path = checkpoint_path(self.folder, serial, checkpoint.steps)
        write_checkpoint(
            path,
            save(checkpoint.tensors),
            {
                "steps": checkpoint.steps,
                "updates": checkpoint.updates,
                "version": checkpoint.version,
                "left_out": checkpoint.consecutive_skips,
                "extra": checkpoint.extra,
            },
        )
        paths = self._all()
        retained = paths[-self._keep :]
        if newest_good := next(filter(_is_good, reversed(paths)), None):
            retained.append(newest_good)
        for old in paths:
            if old not in retained:
                _drop(old)
        for tensors in tensor_files(self.folder):
            if not tensors.with_suffix(".json").exists():
                _drop(tensors)
        return path

    def newest(self) -> Checkpoint | None:
        """The newest intact checkpoint, or None; damaged ones are logged and ignored."""
        return next(self.intact(), None)

    def intact(self) -> Iterator[Checkpoint]:
        """The intact checkpoints, the newest first; damaged ones are logged and ignored."""
        return self._intact(reversed(self._all()))

    def newest_or_fail(self) -> Checkpoint | None:
        """The newest intact checkpoint, or None for a run without checkpoints.

        Raises CheckpointError if every checkpoint is damaged: a restart from zero would overwrite
        what was learned.
        """
        newest = self.newest()
        if newest is None and (damaged := self._all()):
            raise CheckpointError(
                f"{self.folder}: all checkpoints are damaged ({len(damaged)}); "
                "the run is not restarted from zero"
            )
        return newest

    def newest_good(self, before_serial: int | None = None) -> Checkpoint | None:
        """The newest intact checkpoint without skipped updates just before it, or None.

        With `before_serial`, only older checkpoints are considered.
        """
        good = filter(_is_good, reversed(self._all()))
        paths = (path for path in good if before_serial is None or serial_of(path) < before_serial)
        return next(self._intact(paths), None)

    def _intact(self, paths: Iterator[Path]) -> Iterator[Checkpoint]:
        for path in paths:
            try:
                record, content = read_checkpoint(path)
                tensors, _ = parse_tensors(content, path.with_suffix(".safetensors"), load)
            except UnreadableFile as error:
                logger.warning("checkpoint {} is damaged and ignored: {}", path.name, error)
                continue
            yield Checkpoint(
                tensors,
                record.steps,
                record.updates,
                record.version,
                record.extra,
                record.left_out,
                serial_of(path),
            )

    def _all(self) -> list[Path]:
        """The JSON files, oldest first."""
        return checkpoint_files(self.folder)


def _is_good(path: Path) -> bool:
    """Whether no update was skipped just before the checkpoint was saved."""
    try:
        return not read_record(path).left_out
    except UnreadableFile:
        return False


def _drop(path: Path) -> None:
    """Delete a file that is no longer needed. What is held open goes with a later checkpoint."""
    try:
        delete_file(path, limit_s=0.2)
    except FileHeld as error:
        logger.info("{} is deleted with a later checkpoint: {}", path, error.strerror)
