"""Between a learner and its checkpoint: collecting the tensors and restoring them."""

from collections.abc import Callable

import torch
from loguru import logger
from torch import Tensor

from agent.networks.agent_networks import ActingNetworks
from trainer.learners.checkpoints import Checkpoint, CheckpointError, Checkpoints
from trainer.learners.learner import Learner

# For each part of the networks: the settings that most probably changed if it does not fit.
_PROBABLE_SETTINGS = {
    "slow_value": "critic.slow_weight or critic.slow_target",
    "quick_policy": "actor.slow_rate",
    "policy": "actor.*, model.* or world.actions",
}
# Buffers that older checkpoints lack, with the value that continues as before.
_LATER_BUFFERS = {"value.adapted": 1.0, "slow_value.adapted": 1.0}
_ANY_SETTING = "model.*, world_models.* or world.*"


def learner_tensors(learner: Learner) -> dict[str, Tensor]:
    """All tensors of a learner that an exact resume needs, by name, on the CPU."""
    tensors = {f"network/{k}": v for k, v in learner.networks.state_dict().items()}
    for name, optimizer in learner.optimizers.items():
        for i, parameter in enumerate(optimizer.parameters):
            state = optimizer.state.get(parameter, {})
            tensors |= {f"optimizer/{name}/{i}/{key}": value for key, value in state.items()}
    tensors |= learner.extra_state
    return {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}


def restore_learner(learner: Learner, checkpoint: Checkpoint) -> None:
    """Restores a learner from a checkpoint. Raises CheckpointError if the shapes differ."""
    load_networks(learner.networks, checkpoint)
    tensors = checkpoint.tensors
    for name, optimizer in learner.optimizers.items():
        for i, parameter in enumerate(optimizer.parameters):
            prefix = f"optimizer/{name}/{i}/"
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            try:
                optimizer.restore_state(parameter, state)
            except ValueError as error:
                raise _does_not_fit("trainer.optimizer", str(error)) from error
    for name, tensor in learner.extra_state.items():
        if name not in tensors:
            continue  # newer than the checkpoint: it has its initial value
        if tensor.shape != tensors[name].shape:
            raise _does_not_fit("world_models.*", _difference(name, tensors[name], tensor))
        tensor.copy_(tensors[name])
    learner.updates = checkpoint.updates
    learner.guarded_step.consecutive_skips = checkpoint.consecutive_skips


def restore_newest(
    checkpoints: Checkpoints, restore: Callable[[Checkpoint], None]
) -> Checkpoint | None:
    """Calls `restore` with the newest intact checkpoint that fits, and returns it.

    A checkpoint that does not fit, for example a stray file of another run, is logged and ignored
    if an older one fits. None for a run without checkpoints. Raises CheckpointError if none fits,
    with the reason of the newest, or if all are damaged.
    """
    first: CheckpointError | None = None
    for checkpoint in checkpoints.intact():
        try:
            restore(checkpoint)
        except CheckpointError as error:
            first = first or error
            continue
        if first is not None:
            logger.warning(
                "newer checkpoints do not fit; continuing from number {} at step {}: {}",
                *(checkpoint.serial, checkpoint.steps, first),
            )
        return checkpoint
    if first is not None:
        raise first
    return checkpoints.newest_or_fail()


def restore_last_good(learner: Learner, checkpoints: Checkpoints) -> None:
    """Restores the newest good checkpoint after too many skipped updates in a row.

    If that one was restored before and did not help, an older one is taken. The update counter
    continues, so that the noise differs. Without a checkpoint, training continues unchanged.
    """
    guarded_step, updates = learner.guarded_step, learner.updates
    good = checkpoints.newest_good(guarded_step.restored_serial) or checkpoints.newest_good()
    skips, guarded_step.consecutive_skips = guarded_step.consecutive_skips, 0
    reason = f"{skips} updates skipped in a row: {guarded_step.skip_reason}"
    if good is None:
        logger.error("{}; there is no checkpoint to restore yet", reason)
        return
    restore_learner(learner, good)
    learner.updates, guarded_step.restored_serial = updates, good.serial
    logger.error("{}; restored the checkpoint of update {}", reason, good.updates)


def load_networks(networks: ActingNetworks, checkpoint: Checkpoint) -> None:
    """Restores only the networks. Raises CheckpointError if names or shapes differ."""
    state, own = saved_networks(networks, checkpoint), networks.state_dict()
    differences = [
        (name, _difference(name, state.get(name), own.get(name)))
        for name in dict.fromkeys((*own, *state))
        if _shape(state.get(name)) != _shape(own.get(name))
    ]
    if differences:
        name, first = differences[0]
        more = f", and {len(differences) - 1} more differ" if len(differences) > 1 else ""
        setting = _PROBABLE_SETTINGS.get(name.split(".")[0], _ANY_SETTING)
        raise _does_not_fit(setting, first + more)
    networks.load_state_dict(state)


def saved_networks(networks: ActingNetworks, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The network tensors of a checkpoint by the names in `networks`, as far as it has them.

    A slow policy that was switched on or off is adapted. Buffers of later versions are added.
    """
    prefix = "network/"
    state = {
        k.removeprefix(prefix): v for k, v in checkpoint.tensors.items() if k.startswith(prefix)
    }
    _convert_slow_policy(state, networks)
    own = networks.state_dict()
    for name, value in _LATER_BUFFERS.items():
        if name in own and name not in state and name.replace("adapted", "mu") in state:
            state[name] = torch.full_like(own[name], value)
    return state


def _does_not_fit(setting: str, difference: str) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint does not fit this configuration (was {setting} changed?): {difference}"
    )


def _difference(name: str, saved: Tensor | None, own: Tensor | None) -> str:
    return f"{name} is {_shape(saved)} in the checkpoint and {_shape(own)} here"


def _shape(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else str(list(tensor.shape))


def _convert_slow_policy(state: dict[str, Tensor], networks: ActingNetworks) -> None:
    """Adapts saved policies where actor.slow_rate was switched on or off: the acting one stays."""
    quick, slow = "quick_policy.", "policy."
    is_needed = any(name.startswith(quick) for name in networks.state_dict())
    saved = [name for name in state if name.startswith(quick)]
    if is_needed and not saved:
        for name in [name for name in state if name.startswith(slow)]:
            state[quick + name.removeprefix(slow)] = state[name]
    elif saved and not is_needed:
        for name in saved:
            del state[name]
