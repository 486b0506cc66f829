"""The one place to which the trainer writes metrics: the Board and TensorBoard get the same.

From the Board the metrics reach the screen and metrics.jsonl.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from configs.load import dump_config
from configs.schema import Config
from interfaces.core.machine_readings import free_disk_bytes
from interfaces.ipc.board import Board
from interfaces.runtime.run_folder import RunFolder
from trainer.running.disk_warnings import DiskWarnings, ignore_full_disk_in_threads, is_full

_TENSORBOARD_BYTES = 10**7  # free disk space below which TensorBoard is not started
# Seconds between pictures: at least so many, and this share of the time so far. A picture has up to
# 700 KB, so that a day costs about 50 MB.
_PICTURE_EVERY_S, _PICTURE_SHARE = 30.0, 0.1


class MetricsSink:
    """Writes each metric to the Board and, as a point, to TensorBoard."""

    def __init__(self, run: RunFolder, config: Config, board: Board) -> None:
        self._run, self._config, self._board = run, config, board
        self._tensorboard: SummaryWriter | None = None  # created with the first number
        self._began_s, self._next_picture_s = time.perf_counter(), 0.0
        self._left_out: Callable[[SummaryWriter], None] | None = None
        self._last_error, self._disk = "", DiskWarnings()
        self._refused: set[str] = set()

    def write(self, values: Mapping[str, float], update: int) -> None:
        """Writes metrics by name, measured after `update` updates."""
        for name, value in values.items():
            if not self._board.metrics.write(name, value) and name not in self._refused:
                self._refused.add(name)
                logger.warning("metric {} is only in TensorBoard: the Board's table is full", name)

        def add(tensorboard: SummaryWriter) -> None:
            for name, value in values.items():
                tensorboard.add_scalar(name, value, update)

        self._add(add)

    def write_picture(self, name: str, picture: NDArray[np.uint8], update: int) -> None:
        """Adds a BGR picture (H, W, 3) to TensorBoard, at most one in 30 s and fewer later.

        The newest picture that was left out is added at the end.
        """
        rgb, now = np.ascontiguousarray(picture[..., ::-1]), time.perf_counter()
        self._left_out = lambda tensorboard: tensorboard.add_image(
            name, rgb, update, dataformats="HWC"
        )
        if now >= self._next_picture_s:
            pause = max(_PICTURE_EVERY_S, _PICTURE_SHARE * (now - self._began_s))
            self._next_picture_s = now + pause
            self._add_picture()

    def close(self) -> None:
        """Closes TensorBoard. Raises OSError if the disk is full."""
        self._add_picture()
        if self._tensorboard is not None:
            self._tensorboard.close()

    def log_error(self, error: Exception) -> None:
        """Logs an error of the report, unless it is the one that was logged last.

        A full disk is one warning, at most once a minute.
        """
        if isinstance(error, OSError) and is_full(error):
            path = Path(str(error.filename or self._run.path))
            self._disk.warn("the learning report", path, error.strerror or str(error))
        elif str(error) != self._last_error:
            logger.error("the learning report could not be written: {}", error)
        self._last_error = str(error)

    def _add_picture(self) -> None:
        if self._left_out is not None:
            self._add(self._left_out)
        self._left_out = None

    def _add(self, write: Callable[[SummaryWriter], None]) -> None:
        """Calls `write` with TensorBoard.

        A full disk ends the thread of the SummaryWriter. A new one starts when there is space.
        """
        try:
            if self._tensorboard is None:
                free = free_disk_bytes(self._run.path)
                if free is not None and free < _TENSORBOARD_BYTES:
                    self._warn(f"less than {_TENSORBOARD_BYTES:,} bytes free")
                    return
                ignore_full_disk_in_threads()
                self._tensorboard = SummaryWriter(str(self._run.tensorboard), flush_secs=10)
                text = (
                    dump_config(self._config).rstrip().replace("\n", "\n    ")
                )  # Markdown: a code block
                self._tensorboard.add_text("config", f"    {text}", 0)
            write(self._tensorboard)
        except (OSError, UnicodeError) as error:  # UnicodeError: a path that is not UTF-8
            self._tensorboard = None
            if isinstance(error, OSError) and is_full(error):
                self._warn(error.strerror or str(error))
            else:
                self.log_error(error)

    def _warn(self, cause: str) -> None:
        self._disk.warn("TensorBoard", self._run.tensorboard, cause)
