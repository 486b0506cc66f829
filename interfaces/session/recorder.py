"""The recorder process: copies Steps from the journal into the session. Nothing waits for it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.schema import Config
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.runtime.child_process import set_up_process, watch_supervisor
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec
from interfaces.session.format.run_info import codec_for, first_own_step, read_run_metadata
from interfaces.session.format.segment_writer import SegmentWriter, SessionError
from interfaces.session.format.session import Session, live_files, segment_files
from interfaces.session.maintain.prune import pruned_until
from interfaces.session.maintain.recover import recover

_POLL_S = 0.25
_BATCH = 64  # Steps read together: 0.8 MB at 64 x 64
_RETRY_S = 10.0  # after an error such as a full disk
_LAST_STEPS_S = 3.0  # time for the body to end after a stop


class Recorder:
    """Writes the Steps of a journal to a session, from the end of the session on.

    The journal keeps Steps that are not written yet (its hold `session`). Steps that the journal
    deleted all the same are recorded as a gap.
    """

    def __init__(
        self,
        journal: Path,
        folder: Path,
        config: Config,
        run_metadata: Mapping[str, str],
        *,
        first_step: int = 0,
    ) -> None:
        """Finishes the segments that an earlier recorder left.

        `first_step`: index of the first Step to record in a new session. Raises OSError and
        SessionError.
        """
        self._reader, self._folder = JournalReader(journal), folder
        self._config, self._run_metadata = config, run_metadata
        self._first_step = first_step
        self._writer: SegmentWriter | None = None
        self._codec: Codec | None = None
        self._started = False
        self._next = self._start_index()

    @property
    def next_index(self) -> int:
        """The index of the next Step to record."""
        return self._next

    def record_new_steps(self, after_batch: Callable[[], object] = lambda: None) -> int:
        """Write the new Steps of the journal and return their number.

        `after_batch` is called after every 64 Steps. Raises OSError. After an error, call
        `abandon` and continue with a new Recorder.
        """
        reader = self._reader
        reader.refresh()
        if not self._started and not self._prepare():
            return 0
        written = 0
        while self._next < reader.end:
            first = max(self._next, reader.first)
            try:
                steps = reader.read(first, min(_BATCH, reader.end - first))
            except IndexError:  # deleted from the journal meanwhile
                reader.refresh()
                continue
            self._use_layout()
            for i in range(len(steps)):
                if int(steps["situation"][i]) & Situation.FORGOTTEN:
                    self._next = first + i + 1  # a gap
                else:
                    self._put(steps[i, ...], first + i)
            written += len(steps)
            reader.hold("session", self._next)
            after_batch()
        return written

    def abandon(self) -> None:
        """Leave the segment without an end: the next recorder recovers what is on the disk."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    def close(self) -> None:
        """Finish the segment. The journal keeps later Steps for the recorder of a resumed run."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _start_index(self) -> int:
        if live_files(self._folder) or segment_files(self._folder):
            for each in recover(self._folder, check=False):
                logger.warning(
                    "session: {} was unfinished; {} Steps saved", each.damaged, each.steps
                )
        pruned = pruned_until(self._folder)  # these Steps may still be in the journal
        if not segment_files(self._folder):
            return max(pruned, self._first_step) if pruned else 0
        return max(pruned, Session(self._folder).end)

    def _prepare(self) -> bool:
        """Whether the journal exists; if so, the recording starts."""
        if self._reader.layout is None:
            return False
        self._started = True
        if not self._next:  # Steps from before the first recording are not a gap
            self._next = max(self._reader.first, self._first_step)
        self._reader.hold("session", self._next)
        return True

    def _use_layout(self) -> None:
        """Start a new file where the Steps get other fields, as after a resume."""
        layout = self._reader.layout
        assert layout is not None
        if self._codec is None or self._codec.layout != layout:
            self.close()
            self._codec = codec_for(self._config, layout)

    def _put(self, step: NDArray[np.void], index: int) -> None:
        writer = self._writer
        if writer is not None and writer.seconds >= 60.0 * self._config.session.minutes:
            writer.close()
            writer = self._writer = None
        if writer is None:
            assert self._codec is not None
            self._folder.mkdir(exist_ok=True)  # not its parents: a deleted run is not made again
            writer = SegmentWriter(self._folder, self._next, self._codec, self._run_metadata)
            self._writer = writer
        writer.put(step)
        self._next = index + 1


def record(run_path: Path) -> None:
    """Record a run until it ends. Raises the errors of an unreadable run folder."""
    stopped, orphaned = set_up_process("recorder"), watch_supervisor()
    run = RunFolder(run_path)
    board, recorder = open_board(run), None
    run_metadata = read_run_metadata(run)
    wait_until, last_error = 0.0, ""
    stop_time: float | None = None
    while True:
        over = stopped.is_set() or orphaned.is_set() or bool(board["stop"])
        if over and stop_time is None:
            stop_time = time.perf_counter()
        body_ended = bool(board["body_resting"]) or (
            stop_time is not None and time.perf_counter() - stop_time > _LAST_STEPS_S
        )
        if time.perf_counter() >= wait_until:
            try:
                if recorder is None:
                    recorder = Recorder(
                        run.journal,
                        run.session,
                        run.config,
                        run_metadata,
                        first_step=first_own_step(run),
                    )
                recorder.record_new_steps(lambda: board.heartbeat("recorder"))
                board["session_steps"] = recorder.next_index
            except (OSError, SessionError) as error:
                if str(error) != last_error:
                    logger.error("session: {}; trying again every {:g} s", error, _RETRY_S)
                last_error, wait_until = str(error), time.perf_counter() + _RETRY_S
                if recorder is not None:
                    recorder.abandon()
                    recorder = None
        # After the first attempt, which may have to recover a long session.
        board.heartbeat("recorder")
        if stop_time is not None and body_ended:
            break
        time.sleep(_POLL_S)
    if recorder is not None:
        try:
            recorder.record_new_steps()
            recorder.close()
        except (OSError, SessionError) as error:  # the journal keeps what is not recorded
            logger.error("session: {}; a resumed run records the rest", error)
            recorder.abandon()
    logger.info("session: {} Steps", recorder.next_index if recorder else 0)
