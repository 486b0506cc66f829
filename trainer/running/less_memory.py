"""What the trainer does after it ran out of GPU memory: half the batch, then the CPU."""

import torch

from configs.methods.ppo_method import PPOConfig
from configs.schema import Config

_MESSAGES = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device had no memory left. Not every library raises torch.OutOfMemoryError."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _MESSAGES)


def with_less_memory(config: Config, step: int) -> Config:
    """The configuration after the trainer ran out of memory `step` times in this run.

    0: unchanged. 1: half the batch, dreams and minibatch. The train ratio is halved with the batch,
    so that as many updates are due as before. From 2 on: unchanged, but on the CPU.
    """
    if step <= 0:
        return config
    if step >= 2:
        return config.model_copy(update={"device": "cpu"})
    trainer, dream, ppo = config.trainer, config.dream, config.section(PPOConfig)
    batch = max(1, trainer.batch // 2)
    smaller = {"batch": batch, "train_ratio": trainer.train_ratio * batch / trainer.batch}
    return config.model_copy(
        update={
            "trainer": trainer.model_copy(update=smaller),
            "dream": dream.model_copy(update={"starts": max(1, dream.starts // 2)}),
            "ppo": ppo.model_copy(update={"minibatch": max(2, ppo.minibatch // 2)}),
        }
    )
