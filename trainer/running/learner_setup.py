"""What every kind of training does first: set up torch, build the learner and restore it."""

from dataclasses import dataclass
from functools import partial

import torch

from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.runtime.run_folder import RunFolder
from trainer.learners.checkpoints import START, Checkpoint, Checkpoints
from trainer.learners.learner import Learner
from trainer.learners.registry import make_learner
from trainer.learners.restore import restore_learner, restore_newest
from trainer.running.device import choose_torch_device, keep_freed_memory


@dataclass(frozen=True)
class LearnerSetup:
    """A learner on its device, and the checkpoint that it was restored from, if there was one."""

    learner: Learner
    device: torch.device
    checkpoints: Checkpoints
    restored: Checkpoint | None


def set_up_learner(
    run: RunFolder, config: Config, spaces: Spaces, *, resume: bool = True
) -> LearnerSetup:
    """The learner of a run. `resume`: restore the newest checkpoint, if there is one.

    A checkpoint with the networks of another run (`--from`) is always restored. It is not returned
    as `restored`: the run itself is new.

    Raises CheckpointError if the checkpoint does not fit the configuration, or if all checkpoints
    are damaged. Raises DeviceUnavailable if the device cannot be used.
    """
    torch.set_num_threads(config.trainer.threads)
    # Without this, arithmetic on denormal moments takes a hundred times as long.
    torch.set_flush_denormal(True)
    keep_freed_memory()
    device = choose_torch_device(config.device)
    learner = make_learner(spaces, config, device)
    checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
    if resume:
        newest = restore_newest(checkpoints, partial(restore_learner, learner))
        is_start = newest is not None and START in newest.extra
        return LearnerSetup(learner, device, checkpoints, None if is_start else newest)
    start = checkpoints.newest()
    if start is not None and START in start.extra:
        restore_learner(learner, start)
    return LearnerSetup(learner, device, checkpoints, None)
