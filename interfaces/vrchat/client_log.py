"""Reads the client's current world from its log, because OSC does not report it.

VRChat starts a new output_log_DATE_TIME.txt at each start and logs the id of each world it joins.
The format is not documented. The patterns match those of other programs that read this log.
"""

import contextlib
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from loguru import logger

from configs.errors import BadInput
from configs.vrchat import LimitsConfig
from interfaces.vrchat.client_folders import client_folders

_FILES = "output_log_*.txt"
_POLL_S = 0.5
_CHUNK = 1 << 20
# Matched from the start of the line: the name of a player or world may contain such a line.
_STAMP = re.compile(rb"(\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d) \w+ +-  ")
_JOINING = re.compile(_STAMP.pattern + rb"\[Behaviour\] Joining (wrld_[0-9A-Za-z-]+)(?::\S*)?\r?$")
_LEFT = re.compile(_STAMP.pattern + rb"\[Behaviour\] OnLeftRoom\r?$")
_TIME = "%Y.%m.%d %H:%M:%S"
# A name can even contain a line break and a whole line. But it was chosen earlier, so its time is
# earlier than that of the lines before it, or lies in the future.
_OUT_OF_ORDER = timedelta(seconds=10)  # several threads of the client log
_TIME_ZONES = timedelta(hours=27)  # the client's local time may be that of any zone


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

    `world` is the id of the current world; None: in no world, or unknown. A join at an impossible
    time, which may come from a name, makes it unknown: then the agent releases its inputs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.world: str | None = None
        self._newest = datetime.min  # time of the newest line so far
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
            self._newest = datetime.min
            logger.info("following {}", newest)
        assert self._file is not None
        while not self._closed.is_set() and (chunk := self._file.read(_CHUNK)):
            *lines, self._incomplete_line = (self._incomplete_line + chunk).split(b"\n")
            for line in lines:
                self._parse(line)

    def _parse(self, line: bytes) -> None:
        stamp = _STAMP.match(line)
        if stamp is None:
            return
        in_order = self._is_in_order(stamp[1])
        if joined := _JOINING.match(line):
            self.world = joined[2].decode("ascii") if in_order else None
            if not in_order:
                logger.warning("a line of the client log has an impossible time: unknown world")
        elif _LEFT.match(line):
            self.world = None

    def _is_in_order(self, stamp: bytes) -> bool:
        """Whether the time of a line is not before those of earlier lines, nor in the future."""
        try:
            at = datetime.strptime(stamp.decode("ascii"), _TIME)
        except ValueError:
            return False
        if at > datetime.now() + _TIME_ZONES:
            return False
        in_order = at + _OUT_OF_ORDER >= self._newest
        self._newest = max(at, self._newest)
        return in_order

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._path = None
