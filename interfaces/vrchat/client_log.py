"""Reads the client's current world from its log, because OSC does not report it.

VRChat starts a new output_log_DATE_TIME.txt at each start and logs the id of each world it joins.
The format is not documented. The patterns match those of other programs that read this log.
"""

import contextlib
import re
import threading
from pathlib import Path
from typing import BinaryIO

from loguru import logger

from configs.errors import BadInput
from configs.vrchat import LimitsConfig
from interfaces.vrchat.client_folders import client_folders

_FILES = "output_log_*.txt"
_POLL_S = 0.5
_CHUNK = 1 << 20
# Matched from the start of the line: a player's name may contain the text of such a line.
_LINE_START = rb"^\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d \w+ +-  \[Behaviour\] "
_JOINING = re.compile(_LINE_START + rb"Joining (wrld_[0-9A-Za-z-]+)")
_LEFT = re.compile(_LINE_START + rb"OnLeftRoom")


def log_folder(limits: LimitsConfig) -> Path:
    """The folder of the log. Raises BadInput if there is no such folder."""
    if limits.log_folder is not None:
        folder = Path(limits.log_folder).expanduser()
        if not folder.is_dir():
            raise BadInput(f"world.limits.log_folder {folder}: no such folder")
        return folder
    folders = client_folders(Path.home())
    if not folders:
        raise BadInput(
            "world.limits.worlds: VRChat's log folder is not at its usual place; "
            "set world.limits.log_folder=…"
        )
    return folders[0]


class ClientLogFollower:
    """Follows the newest log in a thread.

    `world` is the id of the current world; None: in no world, or unknown.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.world: str | None = None
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._incomplete_line = b""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="client-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(OSError):  # the file is gone or cannot be read: try again
                self._read_new_lines()
            self._closed.wait(_POLL_S)
        self._close_file()

    def _read_new_lines(self) -> None:
        # The newest file by name, which holds its start time. Windows updates the time of the last
        # write only when a file is closed.
        newest = max(self._folder.glob(_FILES), key=lambda path: path.name, default=None)
        if newest is None:
            return
        if newest != self._path:
            self._close_file()
            self._file, self._path = newest.open("rb"), newest
            self.world, self._incomplete_line = None, b""
            logger.info("following {}", newest)
        assert self._file is not None
        while not self._closed.is_set() and (chunk := self._file.read(_CHUNK)):
            *lines, self._incomplete_line = (self._incomplete_line + chunk).split(b"\n")
            for line in lines:
                self._parse(line)

    def _parse(self, line: bytes) -> None:
        if joined := _JOINING.match(line):
            self.world = joined[1].decode("ascii")
        elif _LEFT.match(line):
            self.world = None

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._path = None
