"""Where the trainer learns."""

import torch

from configs.errors import BadInput


class NoSuchDevice(BadInput, ValueError):
    """The device asked for is not to be had."""


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where torch can use it, else the CPU.

    Raises NoSuchDevice when CUDA is asked for and cannot be used.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise NoSuchDevice("device: cuda was asked for, but this torch cannot use a CUDA device")
    use_cuda = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_cuda else "cpu")
