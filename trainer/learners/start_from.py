"""Starts a new run with the networks of another run, which is only read.

The result is the first checkpoint of the new run. It has no steps and no updates.
"""

import time
from pathlib import Path

import torch

from agent.networks.agent_networks import acting_shapes, flatten_acting
from configs.errors import BadInput
from configs.reading.json_document import OBJECT, read_json
from configs.schema import Config
from interfaces.core.learning_methods import method_name
from interfaces.core.spaces import Spaces
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.journal import read_layout
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.runtime.worlds import live_spaces
from interfaces.weights import Manifest, WeightsWriter
from trainer.learners.checkpoints import START, Checkpoint, CheckpointError, Checkpoints
from trainer.learners.registry import make_learner
from trainer.learners.restore import learner_tensors, restore_learner, saved_networks
from trainer.learners.tensor_axes import TensorAxes
from trainer.learners.transfer import transfer


def start_from(
    run: RunFolder, config: Config, spaces: Spaces, source_path: Path, *, publish: bool = False
) -> list[str]:
    """Writes the first checkpoint of `run` with the networks of the newest one of `source_path`.

    Adds "from" to meta.json. `publish`: also publishes them as version 1 of the weights, for a body
    that starts before the trainer. Returns lines for the user: the source, and each difference.
    Raises RunError if the source is no run, CheckpointError if it has no usable checkpoint, and
    BadInput if its method differs or nothing matches.
    """
    source = RunFolder(source_path.resolve())
    if not source.config_file.is_file():
        raise RunError(f"--from {source_path} is not a run (no config.yaml in it)")
    their_config = source.config
    own, theirs = method_name(config), method_name(their_config)
    if own != theirs:
        raise BadInput(
            f"--from {source_path}: its method is {theirs}, but this run has {own}; their networks "
            "differ"
        )
    checkpoint = _newest(source, source_path)
    learner = make_learner(spaces, config, torch.device("cpu"))
    here = TensorAxes(spaces, config)
    there = TensorAxes(_spaces(source, their_config), their_config)
    own, saved = learner.networks.state_dict(), saved_networks(learner.networks, checkpoint)
    for name, tensor in list(saved.items()):  # a slow critic starts as a copy of the critic
        if name.startswith("value.") and f"slow_{name}" in own:
            saved.setdefault(f"slow_{name}", tensor)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in saved.values()):
        raise CheckpointError(f"--from {source_path}: its newest checkpoint has numbers not finite")
    moved = transfer(own, saved, here, there)
    if not moved.copied:
        raise BadInput(
            f"--from {source_path}: nothing of its networks matches: {'; '.join(moved.notes)}"
        )
    lines = [
        f"networks of {source_path}: checkpoint of step {checkpoint.steps}, update "
        f"{checkpoint.updates}, weights version {checkpoint.version}",
        *moved.notes,
    ]
    tensors = learner_tensors(learner) | {f"network/{k}": v for k, v in moved.tensors.items()}
    prefix = "next/"
    in_training = {k: v for k, v in tensors.items() if k.startswith(prefix)}
    if in_training:  # World Models trains a second copy of its model
        tensors |= transfer(in_training, checkpoint.tensors, here, there).tensors
    same_optimizer = config.trainer.optimizer == their_config.trainer.optimizer
    if moved.is_complete and same_optimizer:
        prefixes = ("optimizer/", "scale/")
        tensors |= {k: v for k, v in checkpoint.tensors.items() if k.startswith(prefixes)}
        lines.append("everything matches: the state of the optimisers is copied too")
    else:
        lines.append("the state of the optimisers is not copied, because not everything matches")
    origin: dict[str, object] = {
        "path": str(source.path),
        "step": checkpoint.steps,
        "update": checkpoint.updates,
        "version": checkpoint.version,
    }
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    start = Checkpoint(tensors, steps=0, updates=0, version=0, extra={START: origin})
    restore_learner(learner, start)  # what the trainer will do: an error comes now
    _write(run, start, origin, config)
    if publish:
        writer = WeightsWriter(run.weights, Manifest(acting_shapes(learner.networks)))
        writer.publish(flatten_acting(learner.networks), 1, time.perf_counter_ns())
    return lines


def _newest(source: RunFolder, path: Path) -> Checkpoint:
    newest = None
    if source.checkpoints.is_dir():  # Checkpoints would create it
        newest = Checkpoints(source.checkpoints, keep=1).newest_or_fail()
    if newest is None:
        raise CheckpointError(f"--from {path}: the run has no checkpoint yet")
    return newest


def _spaces(source: RunFolder, config: Config) -> Spaces:
    if config.world.kind in ("standin", "vrchat"):
        return live_spaces(config.world)
    layout = read_layout(source.journal)
    if layout is None:
        raise RunError(f"{source.path}: its journal is missing, which names features and actions")
    return layout.spaces


def _write(run: RunFolder, start: Checkpoint, origin: dict[str, object], config: Config) -> None:
    try:
        Checkpoints(run.checkpoints, config.trainer.checkpoint_keep).save(start)
        meta = read_json(run.meta, OBJECT)
        write_checked_json(run.meta, meta | {START: origin})
    except OSError as error:
        raise RunError(f"{run.path}: {error}") from error
