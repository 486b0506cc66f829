"""Checkpoints: tensors as safetensors, the rest as JSON; written, synced, renamed; the last N kept.

A checkpoint is a pair `000007-000000001200.safetensors` and `.json`: the seventh, at 1,200 steps
lived. The JSON is renamed into place last and holds the CRC of the tensors: a pair that is not
whole is passed over. The serial alone says which is newest: steps stand still while nothing is
lived, and go back where a journal was damaged.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loguru import logger
from safetensors.torch import load, save
from torch import Tensor

from agent.networks.agent_networks import ActingNetworks
from configs.errors import BadInput
from interfaces.ipc.atomic_files import write_bytes, write_json
from trainer.learners.learner import Learner

# Of a part of the networks: what it hangs on that most probably was changed.
_CHANGED = {
    "slow_value": "critic.slow_weight or critic.slow_target",
    "quick_policy": "actor.slow_rate",
    "policy": "actor.*, model.* or world.actions",
}
_ANY = "model.*, world_models.* or world.*"


class CheckpointError(BadInput, ValueError):
    """A checkpoint is missing, or was made by another configuration."""


@dataclass
class Checkpoint:
    """tensors by name; steps lived and updates made; `left_out`: how many updates in a row just
    before it; `extra` is JSON of whoever wrote it; `serial`: which of the run's it is."""

    tensors: dict[str, Tensor]
    steps: int
    updates: int
    version: int
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    left_out: int = 0
    serial: int = 0


def learner_tensors(learner: Learner) -> dict[str, Tensor]:
    """Everything the learner would need to go on exactly."""
    tensors = {f"network/{k}": v for k, v in learner.networks.state_dict().items()}
    for name, optimizer in learner.optimizers.items():
        for i, parameter in enumerate(optimizer.parameters):
            moments = optimizer.state.get(parameter, {})
            tensors |= {f"optimizer/{name}/{i}/{key}": value for key, value in moments.items()}
    tensors |= learner.kept
    return {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}


def restore_learner(learner: Learner, checkpoint: Checkpoint) -> None:
    """Put a checkpoint into a learner. Raises CheckpointError when the shapes are others."""
    load_networks(learner.networks, checkpoint)
    tensors = checkpoint.tensors
    for name, optimizer in learner.optimizers.items():
        for i, parameter in enumerate(optimizer.parameters):
            prefix = f"optimizer/{name}/{i}/"
            moments = {
                k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)
            }
            try:
                optimizer.put_back(parameter, moments)
            except ValueError as error:
                raise CheckpointError(
                    f"the checkpoint does not fit this configuration (was trainer.optimizer "
                    f"changed?): {error}"
                ) from error
    for name, tensor in learner.kept.items():
        if name not in tensors:
            continue  # it is new, and has the value it begins with
        if tensor.shape != tensors[name].shape:
            raise CheckpointError(
                f"the checkpoint does not fit this configuration (was world_models.* changed?): "
                f"{name} is {list(tensors[name].shape)} there, and {list(tensor.shape)} here"
            )
        tensor.copy_(tensors[name])
    learner.updates = checkpoint.updates
    learner.descent.in_a_row = checkpoint.left_out


def mend(learner: Learner, checkpoints: "Checkpoints") -> None:
    """Put the last good checkpoint into a learner whose updates are all left out, and the one
    before it where that did not help; it goes on counting them. Where there is none yet, it tries
    on."""
    descent, updates = learner.descent, learner.updates
    good = checkpoints.good(descent.back_at) or checkpoints.good()
    told = f"{descent.in_a_row} updates in a row left out: {descent.why}"
    descent.in_a_row = 0
    if good is None:
        logger.error("{}; no checkpoint to come back to yet", told)
        return
    restore_learner(learner, good)
    learner.updates, descent.back_at = updates, good.serial
    logger.error("{}; back to the checkpoint of update {}", told, good.updates)


def load_networks(networks: ActingNetworks, checkpoint: Checkpoint) -> None:
    """Only the networks. Raises CheckpointError when names or shapes are others."""
    prefix = "network/"
    state = {
        k.removeprefix(prefix): v for k, v in checkpoint.tensors.items() if k.startswith(prefix)
    }
    _fit_policies(state, networks)
    ours = networks.state_dict()
    apart = [
        f"{name} is {_shape(state.get(name))} there and {_shape(ours.get(name))} here"
        for name in dict.fromkeys((*ours, *state))
        if _shape(state.get(name)) != _shape(ours.get(name))
    ]
    if apart:
        more = f", and {len(apart) - 1} more differ" if len(apart) > 1 else ""
        part = apart[0].split(".")[0]
        raise CheckpointError(
            f"the checkpoint does not fit this configuration (was {_CHANGED.get(part, _ANY)} "
            f"changed?): {apart[0]}{more}"
        )
    networks.load_state_dict(state)


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else str(list(tensor.shape))


def _fit_policies(state: dict[str, Tensor], networks: ActingNetworks) -> None:
    """A policy that is slow from now on (actor.slow_rate), or no longer, goes on as it acts."""
    quick, slow = "quick_policy.", "policy."
    asked = any(name.startswith(quick) for name in networks.state_dict())
    given = [name for name in state if name.startswith(quick)]
    if asked and not given:
        for name in [name for name in state if name.startswith(slow)]:
            state[quick + name.removeprefix(slow)] = state[name]
    elif given and not asked:
        for name in given:
            del state[name]


class Checkpoints:
    """The checkpoints of a run's folder."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder
        self._keep = keep
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write, sync, rename; then remove all but the newest `keep` and the last good one. Raises
        OSError."""
        serial = 1 + max((_serial(path) for path in self._all()), default=0)
        path = self._folder / f"{serial:06d}-{checkpoint.steps:012d}.json"
        content = save(checkpoint.tensors)
        write_bytes(path.with_suffix(".safetensors"), content)
        write_json(
            path,
            {
                "steps": checkpoint.steps,
                "updates": checkpoint.updates,
                "version": checkpoint.version,
                "crc32": zlib.crc32(content),
                "left_out": checkpoint.left_out,
                "extra": checkpoint.extra,
            },
        )
        found = self._all()
        kept = found[-self._keep :]
        kept += [good] if (good := next(filter(_is_good, reversed(found)), None)) else []
        for old in found:
            if old not in kept:
                old.unlink()
        for tensors in self._folder.glob("*.safetensors"):
            if not tensors.with_suffix(".json").exists():
                tensors.unlink()
        return path

    def newest(self) -> Checkpoint | None:
        """The newest whole checkpoint; damaged ones are named in the log and passed over."""
        return self._first_whole(reversed(self._all()))

    def to_go_on(self) -> Checkpoint | None:
        """Like newest, None for a run that has none yet. Raises CheckpointError where none of those
        that there are is whole: who begins anew would learn over what they held."""
        if (found := self.newest()) is None and (damaged := self._all()):
            raise CheckpointError(
                f"{self._folder}: none of its checkpoints is whole ({len(damaged)} are there); "
                "without them a life would begin anew"
            )
        return found

    def good(self, before: int | None = None) -> Checkpoint | None:
        """Like newest, of those that no update was left out just before, and, where `before` is
        said, only of those older than this serial."""
        found = filter(_is_good, reversed(self._all()))
        return self._first_whole(p for p in found if before is None or _serial(p) < before)

    def _first_whole(self, paths: Iterator[Path]) -> Checkpoint | None:
        for path in paths:
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                packed = path.with_suffix(".safetensors").read_bytes()
                if zlib.crc32(packed) != content["crc32"]:
                    raise ValueError("CRC does not match")
                return Checkpoint(
                    load(packed),
                    content["steps"],
                    content["updates"],
                    content["version"],
                    content["extra"],
                    content.get("left_out", 0),
                    _serial(path),
                )
            except (OSError, ValueError, KeyError, TypeError) as error:
                logger.warning("checkpoint {} is damaged ({}): passed over", path.name, error)
        return None

    def _all(self) -> list[Path]:
        """Oldest first."""
        return sorted(self._folder.glob("[0-9]*-[0-9]*.json"))


def _serial(path: Path) -> int:
    return int(path.stem.split("-")[0])


def _is_good(path: Path) -> bool:
    """Whether no update was left out just before it was written."""
    try:
        return not json.loads(path.read_text(encoding="utf-8")).get("left_out", 0)
    except (OSError, ValueError, AttributeError):
        return False
