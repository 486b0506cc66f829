"""When a run started. The time is saved, because the first Steps may be deleted later."""

import contextlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter

from configs.reading.bounded_file import MissingFile
from configs.reading.json_document import read_json
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import RunFolder, run_of
from interfaces.session.format.run_info import first_own_step
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, segment_files


class StartTime(BaseModel):
    """The content of began.json: ns since the epoch."""

    began_ns: Annotated[int, Field(ge=0, lt=2**63, strict=True)]


START_TIME = TypeAdapter(StartTime)


def start_time_ns(path: Path) -> int:
    """Wall clock time of the first Step of a run, in ns since the epoch.

    It stays the same after the first Steps are pruned or forgotten. Raises SessionError for a run
    without Steps, UnreadableFile for a damaged file: `--from 5m` would then mean other Steps.
    """
    run, times = run_of(path), list[int]()
    if run is not None:
        with contextlib.suppress(MissingFile):
            return read_json(run.start_time_file, START_TIME).began_ns
        reader = JournalReader(run.journal)
        first = max(reader.first, first_own_step(run))
        if first < reader.end:
            times.append(int(reader.read(first, 1)["wall_ns"][0]))
    if segment_files(path):
        times.append(Session(path).infos[0].began_ns)
    if not times:
        raise SessionError(f"{path} has no recorded Steps")
    return min(times)


def save_start_time(run: RunFolder) -> None:
    """Save when the run started, before its first Steps are deleted.

    A relative time such as `--from 5m` then keeps its meaning. Raises OSError.
    """
    if not run.start_time_file.exists():
        with contextlib.suppress(SessionError):
            write_checked_json(run.start_time_file, {"began_ns": start_time_ns(run.path)})
