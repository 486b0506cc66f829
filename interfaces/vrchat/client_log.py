"""Which world the client is in, read from its log: OSC does not tell.

VRChat writes output_log_DATE_TIME.txt, a new one at each start, and names there the world it joins.
The format is not documented; the lines are as the programs that read it agree on.
"""

import contextlib
import re
import threading
from pathlib import Path
from typing import BinaryIO

from loguru import logger

from configs.errors import BadInput
from configs.vrchat import MannersConfig
from interfaces.vrchat.client_folders import client_folders

_FILES = "output_log_*.txt"
_LOOK_S = 0.5
_CHUNK = 1 << 20
# From the beginning of the line: a person may be called what a line says.
_BEGINS = rb"^\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d \w+ +-  \[Behaviour\] "
_JOINING = re.compile(_BEGINS + rb"Joining (wrld_[0-9A-Za-z-]+)")
_LEFT = re.compile(_BEGINS + rb"OnLeftRoom")


def log_folder(manners: MannersConfig) -> Path:
    """Where the log is. Raises BadInput where there is no such folder."""
    if manners.log_folder is not None:
        folder = Path(manners.log_folder).expanduser()
        if not folder.is_dir():
            raise BadInput(f"world.manners.log_folder {folder}: no such folder")
        return folder
    found = client_folders(Path.home())
    if not found:
        raise BadInput(
            "world.manners.worlds: VRChat's log folder is not at its usual place; "
            "say where it is: world.manners.log_folder=…"
        )
    return found[0]


class WorldLog:
    """Follows the newest log in a thread. `world` is the id of the world, None: in none, or not
    known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.world: str | None = None
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._rest = b""  # of a line that is not whole yet
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="client-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(timeout=2.0)

    def _follow(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(OSError):  # rotated away, or its disk asleep: look again
                self._look()
            self._closed.wait(_LOOK_S)
        self._release()

    def _look(self) -> None:
        # By name, which has the time of its beginning: Windows brings the time of the last write
        # up to date only when a file is closed.
        newest = max(self._folder.glob(_FILES), key=lambda path: path.name, default=None)
        if newest is None:
            return
        if newest != self._path:
            self._release()
            self._file, self._path = newest.open("rb"), newest
            self.world, self._rest = None, b""
            logger.info("following {}", newest)
        assert self._file is not None
        while not self._closed.is_set() and (chunk := self._file.read(_CHUNK)):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self._read(line)

    def _read(self, line: bytes) -> None:
        if joined := _JOINING.match(line):
            self.world = joined[1].decode("ascii")
        elif _LEFT.match(line):
            self.world = None

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._path = None
