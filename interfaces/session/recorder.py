"""The recorder's process: carries Steps from the journal into the session, and waits for nobody."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.schema import Config
from interfaces.core.world import Situation
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader, read_layout
from interfaces.runtime.child_process import become, lower_priority, when_orphaned
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec
from interfaces.session.format.run_info import about_run, codec_for, first_own
from interfaces.session.format.segment_writer import SegmentWriter, SessionError
from interfaces.session.format.session import Session, live_files, segment_files
from interfaces.session.maintain.recover import pruned_until, recover

_POLL_S = 0.25
_AT_ONCE = 64  # Steps read together: 0.8 MB at 64 x 64
_AGAIN_S = 10.0  # after a full disk
_LAST_STEPS_S = 3.0  # for the body to end, after a stop


class Recorder:
    """Steps of a journal, from where the session ended on. What it has not written yet is held in
    the journal; what is freed all the same is a gap, and written down as one."""

    def __init__(
        self,
        journal: Path,
        folder: Path,
        config: Config,
        about: Mapping[str, str],
        *,
        begin: int = 0,
    ) -> None:
        """Ends what an earlier recorder has left. `begin`: the first Step of interest, where
        nothing is recorded yet. Raises OSError and SessionError."""
        self._reader, self._folder = JournalReader(journal), folder
        self._journal, self._config, self._about = journal, config, about
        self._from = begin
        self._writer: SegmentWriter | None = None
        self._codec: Codec | None = None
        self._next = self._begin()

    @property
    def next_index(self) -> int:
        return self._next

    def carry(self) -> int:
        """Write what is new; how many Steps. Raises OSError, after which only another recorder
        goes on: `abandon` this one."""
        reader = self._reader
        reader.refresh()
        if self._codec is None and not self._prepare():
            return 0
        carried = 0
        while self._next < reader.end:
            first = max(self._next, reader.first)
            try:
                steps = reader.read(first, min(_AT_ONCE, reader.end - first))
            except IndexError:  # freed meanwhile
                reader.refresh()
                continue
            for i in range(len(steps)):
                if int(steps["situation"][i]) & Situation.FORGOTTEN:
                    self._next = first + i + 1  # a gap
                else:
                    self._put(steps[i, ...], first + i)
            carried += len(steps)
            reader.hold("session", self._next)
        return carried

    def abandon(self) -> None:
        """Leave the segment without an end: the next recorder brings back what is safe."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    def close(self) -> None:
        """End the segment. What comes later is for a later life: it stays held in the journal."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _begin(self) -> int:
        if live_files(self._folder) or segment_files(self._folder):
            for each in recover(self._folder, check=False):
                logger.warning("session: {} had no end; {} Steps saved", each.damaged, each.steps)
        pruned = pruned_until(self._folder)  # still in the journal, perhaps
        if not segment_files(self._folder):
            return max(pruned, self._from) if pruned else 0
        return max(pruned, Session(self._folder).end)

    def _prepare(self) -> bool:
        """Once the journal says what Steps look like."""
        spaces = read_layout(self._journal)
        if spaces is None:
            return False
        self._codec = codec_for(self._config, spaces)
        if not self._next:  # what was lived before anybody recorded is no gap
            self._next = max(self._reader.first, self._from)
        self._reader.hold("session", self._next)
        return True

    def _put(self, step: NDArray[np.void], index: int) -> None:
        writer = self._writer
        if writer is not None and writer.seconds >= 60.0 * self._config.session.minutes:
            writer.close()
            writer = self._writer = None
        if writer is None:
            assert self._codec is not None
            writer = SegmentWriter(self._folder, self._next, self._codec, self._about)
            self._writer = writer
        writer.put(step)
        self._next = index + 1


def record(run_path: Path) -> None:
    """Record a run until it ends. Raises what a folder that cannot be read raises."""
    stopped, orphaned = become("recorder"), when_orphaned()
    lower_priority()
    run = RunFolder(run_path)
    board, recorder = Board(run.board), None
    about = about_run(run)
    wait_until, told = 0.0, ""
    ending: float | None = None
    while True:
        over = stopped.is_set() or orphaned.is_set() or bool(board["stop"])
        if over and ending is None:
            ending = time.perf_counter()
        body_ended = bool(board["body_resting"]) or (
            ending is not None and time.perf_counter() - ending > _LAST_STEPS_S
        )
        if time.perf_counter() >= wait_until:
            try:
                if recorder is None:
                    recorder = Recorder(
                        run.journal, run.session, run.config, about, begin=first_own(run)
                    )
                recorder.carry()
                board["session_steps"] = recorder.next_index
            except (OSError, SessionError) as error:
                if str(error) != told:
                    logger.error("session: {}; trying again", error)
                told, wait_until = str(error), time.perf_counter() + _AGAIN_S
                if recorder is not None:
                    recorder.abandon()
                    recorder = None
        if ending is not None and body_ended:
            break
        time.sleep(_POLL_S)
    if recorder is not None:
        try:
            recorder.carry()
            recorder.close()
        except (OSError, SessionError) as error:  # what is missing is held in the journal
            logger.error("session: {}; the next life goes on from there", error)
            recorder.abandon()
    logger.info("session: {} Steps", recorder.next_index if recorder else 0)
