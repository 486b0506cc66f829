"""What the trainer logs when the disk is full: one line a minute for each thing, no traceback."""

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path

from loguru import logger

from interfaces.core.machine_readings import free_disk_bytes

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_PAUSE_S = 60.0


def is_full(error: BaseException | None) -> bool:
    """Whether the error means that the disk, a quota or the largest file is full."""
    return isinstance(error, OSError) and error.errno in _FULL


class DiskWarnings:
    """Warns that something is not written, at most once a minute for each thing."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._due_s: dict[str, float] = {}

    def warn(self, what: str, path: Path, cause: str, *, always: bool = False) -> None:
        """Log one line. `path`: where `what` belongs. `always`: also within the minute."""
        now = self._clock()
        if always or now >= self._due_s.get(what, now):
            self._due_s[what] = now + _PAUSE_S
            logger.warning("{} is not written to {}: {}, {}", what, path, cause, _free(path))


def ignore_full_disk_in_threads() -> None:
    """Print no traceback where a full disk ends a thread of TensorBoard.

    The next call of its SummaryWriter raises the same error.
    """
    earlier = threading.excepthook
    if getattr(earlier, "ignores_full_disk", False):
        return

    def hook(arguments: threading.ExceptHookArgs) -> None:
        of_tensorboard = type(arguments.thread).__module__.startswith("tensorboard.")
        if not (of_tensorboard and is_full(arguments.exc_value)):
            earlier(arguments)

    hook.ignores_full_disk = True  # pyright: ignore[reportFunctionMemberAccess]
    threading.excepthook = hook


def _free(path: Path) -> str:
    free = free_disk_bytes(path)
    return "free space unknown" if free is None else f"{free:,} bytes free"
