"""Records of the live runs of this machine, kept outside their folders.

Commands find a run and its Board by its record, also when its folder is deleted. A record says
where the inputs go and how they are released. It is removed once they are released: a record
without running processes means that inputs may still be pressed.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from loguru import logger

from configs.reading.json_document import OBJECT, read_json
from interfaces.ipc.atomic_files import write_json
from interfaces.ipc.board import BOARD_BYTES, Board
from interfaces.ipc.board_memory import (
    BoardMemory,
    find_memory,
    is_board_file,
    is_board_memory,
)
from interfaces.runtime.known_runs import read_run_id
from interfaces.runtime.live_control.process_identity import (
    ProcessIdentity,
    boot,
    identity_of,
    is_here,
    machine,
)
from interfaces.runtime.live_control.release_plan import ReleasePlan
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.user_folder import user_folder

# Environment variables of the children: path of the Board, folder of its run, name of the record.
_BOARD, _BOARD_RUN, _RECORD = "YUME_BOARD", "YUME_BOARD_RUN", "YUME_LIVE_RUN"
_LOOPBACK = "127."
_WATCHING = ("supervisor", "guard", "body")
_WRONG = (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError)  # of a JSON file


@dataclass(frozen=True)
class LiveRunRecord:
    """One run. `plan` releases its inputs. `memory`: location of the Board.

    `processes`: the supervisor and its children by name. `run_id`: the id in the folder, or "".
    """

    id: str
    folder: Path
    memory: str
    plan: ReleasePlan
    processes: Mapping[str, ProcessIdentity]
    run_id: str = ""
    boot: str = field(default_factory=boot)
    machine: str = field(default_factory=machine)

    @property
    def runs(self) -> bool:
        """Whether a process of the run still runs."""
        return any(process.runs for process in self.processes.values())

    @property
    def is_watched(self) -> bool:
        """Whether the supervisor, the guard or the body runs: one of them releases the inputs."""
        return any(self.processes[name].runs for name in _WATCHING if name in self.processes)

    @property
    def may_be_pressed(self) -> bool:
        """Whether inputs may be pressed although no process runs that could release them.

        A client on this machine has ended with the machine, so a restart releases its inputs.
        """
        client_ended = self.boot != boot() and self.plan.target[0].startswith(_LOOPBACK)
        return not self.is_watched and not client_ended

    def board_path(self) -> Path | None:
        """Where this process can open the Board; None if it does not exist any more."""
        return find_memory(self.memory, [process.pid for process in self.processes.values()])

    def write(self) -> None:
        """Write the record. Raises OSError."""
        content = {
            "id": self.id,
            "folder": str(self.folder),
            "run_id": self.run_id,
            "memory": self.memory,
            "target": list(self.plan.target),
            "rest": [datagram.hex() for datagram in self.plan.rest],
            "hz": self.plan.hz,
            "processes": {name: [p.pid, p.start] for name, p in self.processes.items()},
            "boot": self.boot,
            "machine": self.machine,
        }
        write_json(_path(self.id), content)

    def remove(self) -> None:
        """The inputs are released: remove the record, and the file of the Board if it has one."""
        with contextlib.suppress(OSError):
            _path(self.id).unlink(missing_ok=True)
        if is_board_file(file := Path(self.memory)):
            with contextlib.suppress(OSError):  # Windows: still mapped
                file.unlink()


class LiveRunEntry:
    """The Board and the record of the run that this process supervises. Use it as a context.

    Inside the context the record exists, if the user's folder can be written. `environment` and
    `descriptors`: what the children need to find both. Raises OSError without memory for a Board.
    """

    def __init__(self, folder: Path, plan: ReleasePlan) -> None:
        key = secrets.token_hex(8)
        try:
            place = _folder()
            _delete_old_boards(place)
        except OSError as error:
            logger.warning("commands may not find this run without its folder: {}", error)
            place = folder
        self._memory = BoardMemory(key, BOARD_BYTES, place)
        self.board = Board(self._memory.path)
        self.environment = {
            _BOARD: str(self._memory.path),
            _BOARD_RUN: str(folder),
            _RECORD: key,
        }
        self.descriptors = self._memory.descriptors
        self.record = LiveRunRecord(
            key,
            folder.resolve(),
            self._memory.location,
            plan,
            _identities({}),
            read_run_id(folder) or "",
        )

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.record.remove()

    def note_processes(self, pids: Mapping[str, int]) -> None:
        """Add the running children to the record."""
        self.record = replace(self.record, processes=_identities(pids))
        self._write()

    def _write(self) -> None:
        try:
            self.record.write()
        except OSError as error:  # the run goes on: its folder also leads to it
            logger.debug("the record {} is not written: {}", self.record.id, error)


def live_run_records() -> list[LiveRunRecord]:
    """The records of this machine. What cannot be read as one is left out."""
    try:
        paths = sorted(_folder().glob("*.json"))
    except OSError:
        return []
    return [record for path in paths if (record := _read(path)) is not None]


def record_of(folder: Path) -> LiveRunRecord | None:
    """The record of the run in this folder, of a running one first.

    A folder that was moved during the run is found by the id in it. A copy is not the run.
    """
    folder = folder.resolve()
    all_records = live_run_records()
    records = [record for record in all_records if record.folder == folder]
    if not records and (run_id := read_run_id(folder)) is not None:
        same = (record for record in all_records if record.run_id == run_id)
        records = [record for record in same if read_run_id(record.folder) != run_id]
    return max(records, key=lambda record: record.runs, default=None)


def own_record() -> LiveRunRecord | None:
    """The record of the run that this process is a child of."""
    key = os.environ.get(_RECORD, "")
    return _read(_path(key)) if key.isalnum() else None


def open_board(run: RunFolder) -> Board:
    """The Board of a run: in a child the inherited one, otherwise that of its record.

    Without a record: the file in the run's folder, as of a run in lockstep. Raises OSError and
    ValueError if there is none, or one of another version.
    """
    if os.environ.get(_BOARD_RUN) == str(run.path):
        inherited = Path(os.environ.get(_BOARD, ""))
        if is_board_memory(inherited):  # else not inherited: this is a child of a child
            return Board(inherited)
    if (record := record_of(run.path)) is not None and (path := record.board_path()) is not None:
        return Board(path)
    return Board(run.board)


def _identities(pids: Mapping[str, int]) -> dict[str, ProcessIdentity]:
    return {name: identity_of(pid) for name, pid in {"supervisor": os.getpid(), **pids}.items()}


def _folder() -> Path:
    folder = user_folder() / "live"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _delete_old_boards(folder: Path) -> None:
    """Delete Boards of ended runs. Windows could not delete them at the end, still mapped."""
    for path in folder.glob("yume-board-*"):
        has_record = (folder / f"{path.name.removeprefix('yume-board-')}.json").exists()
        with contextlib.suppress(OSError):  # a run that is just starting has no record yet
            if is_board_file(path) and not has_record and time.time() - path.stat().st_mtime > 3600:
                path.unlink()


def _path(key: str) -> Path:
    return _folder() / f"{key}.json"


def _read(path: Path) -> LiveRunRecord | None:
    """The record in a file; None for anything else, and for one of another machine."""
    try:
        content = read_json(path, OBJECT)
        host, port = content["target"]
        record = LiveRunRecord(
            str(content["id"]),
            Path(content["folder"]),
            str(content["memory"]),
            ReleasePlan(
                (str(host), int(port)),
                tuple(bytes.fromhex(datagram) for datagram in content["rest"]),
                float(content["hz"]),
            ),
            {
                str(name): ProcessIdentity(int(pid), str(start))
                for name, (pid, start) in content["processes"].items()
            },
            str(content.get("run_id", "")),
            str(content["boot"]),
            str(content["machine"]),
        )
        if not 0 < int(port) < 65536:
            raise ValueError(f"port {port}")
    except (OSError, LookupError, *_WRONG) as error:
        logger.debug("{} is no record of a run: {!r}", path, error)
        return None
    return record if is_here(record.machine, record.boot) and record.id == path.stem else None
