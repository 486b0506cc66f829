"""The torch device and the memory settings of a training process."""

import ctypes
import sys

import torch

from configs.errors import BadInput


class DeviceUnavailable(BadInput, ValueError):
    """The configured device cannot be used on this machine."""


def choose_torch_device(name: str) -> torch.device:
    """The device for `device: auto`, `cpu` or `cuda`. `auto` is CUDA if torch can use it, else CPU.

    Raises DeviceUnavailable for `cuda` if torch cannot use a CUDA device.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("device is cuda, but this torch cannot use a CUDA device")
    use_cuda = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_cuda else "cpu")


def keep_freed_memory() -> None:
    """Makes glibc keep freed memory instead of returning it to the system at once.

    Every update allocates the same arrays of several megabytes. To map their pages again takes
    longer than the arithmetic on them. Without glibc this does nothing.
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
