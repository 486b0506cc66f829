"""Where the trainer learns."""

import ctypes
import sys

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


def keep_heap() -> None:
    """Have glibc keep freed memory instead of giving it back to the system at once.

    An update allocates the same arrays of megabytes again and again; faulting their pages in anew
    costs more than the arithmetic on them. Elsewhere than on glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    m_trim_threshold, m_mmap_threshold = -1, -3
    mallopt(m_mmap_threshold, 1 << 30)
    mallopt(m_trim_threshold, 1 << 30)
