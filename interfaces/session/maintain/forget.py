"""Delete Steps from a run for good: other people are in these recordings, and may ask for it.

Afterwards neither journal nor session nor any file made from them holds pictures, sound,
parameters or actions of these Steps. Weights cannot unlearn them: `forget` lists the weights that
may have learned from them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.reading.busy_files import delete_file, delete_folder, replace_file
from interfaces.core.spaces import Spaces
from interfaces.core.step import make_first
from interfaces.core.world import Situation
from interfaces.ipc.mapped_file import flush
from interfaces.journal.latent_snapshots import drop_latent_snapshots
from interfaces.journal.layout import read_layout
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import CAMERA, MEL, SOUND
from interfaces.session.format.ownership import remove_staging
from interfaces.session.format.segment_reader import SessionSegment
from interfaces.session.format.segment_writer import RecordedStep, SegmentWriter, SessionError
from interfaces.session.format.session import segment_files
from interfaces.session.maintain.recover import ASIDE, RECOVERING
from interfaces.session.maintain.select_steps import Advance, SelectedSteps, journal_segments
from interfaces.session.maintain.start_time import save_start_time
from interfaces.weights.slots import LIVE_FILES

_KEPT = ("index", "tick", "monotonic_ns", "wall_ns", "frame_number", "weights_version", "skipped")
_STAGING = "forgetting"


@dataclass
class ForgetResult:
    """What was deleted, and what may still contain it.

    `exports`: the deleted exports, replays and damaged files. `checkpoints` and `weights`: files
    written after the first of these Steps; they stay.
    """

    journal_steps: int = 0
    session_steps: int = 0
    exports: list[Path] = field(default_factory=list[Path])
    checkpoints: list[Path] = field(default_factory=list[Path])
    weights: list[Path] = field(default_factory=list[Path])


def drop_orphaned_snapshots(run: RunFolder) -> None:
    """Delete the latent snapshots of Steps that are in neither journal nor session.

    Their times are unknown, and no replay can start from them. The run must not be running. Raises
    OSError.
    """
    drop_latent_snapshots(run.latent_snapshots, 2**63 - 1, _oldest_index(run))


def forget(
    run: RunFolder, selected: SelectedSteps, advance: Advance = lambda: None
) -> ForgetResult:
    """Delete these Steps from the run, which must not be running.

    After an interruption it can be called again. Raises SessionError for a damaged segment and for
    exports or replays behind a link, and OSError.
    """
    for folder in (run.exports, run.replays):
        if folder.is_symlink():
            raise SessionError(f"{folder} is a link: delete what it holds, then the link")
    save_start_time(run)
    result = ForgetResult()
    # First the files made from the session: they can be made again.
    delete_file(run.view, missing_ok=True)  # a picture of recent Steps
    result.exports = derived_files(run)
    for folder in (run.exports, run.replays):
        if folder.is_dir():
            delete_folder(folder)
    for staging in (_STAGING, RECOVERING):  # left by a killed process
        remove_staging(run.session / staging)
    for damaged in _damaged_files(run):
        delete_file(damaged)
    drop_latent_snapshots(run.latent_snapshots, int(selected.indices[0]))
    delete_file(
        run.board, missing_ok=True
    )  # it holds the last action and reward; a run creates it again
    _blank_journal(run, selected.indices, result, advance)
    _rewrite_session(run.session, selected.indices, result, advance)
    result.checkpoints = _written_after(run.checkpoints.glob("*.safetensors"), selected.earliest_ns)
    applied = (run.weights / "applied").glob("*.safetensors")
    result.weights = _written_after(applied, selected.earliest_ns)
    # Of a mapped file the system may not know when it was written: list all of them.
    result.weights += sorted(run.weights.glob(LIVE_FILES))
    return result


def derived_files(run: RunFolder) -> list[Path]:
    """The files that `forget` always deletes: exports, replays and damaged files set aside."""
    folders = [folder for folder in (run.exports, run.replays) if folder.is_dir()]
    return [
        *(each for folder in folders for each in sorted(folder.iterdir())),
        *_damaged_files(run),
    ]


def _damaged_files(run: RunFolder) -> list[Path]:
    names = [*run.session.glob(f"*{ASIDE}"), *run.journal.glob("[0-9]*.bad")]
    return [path for path in names if path.is_symlink() or path.is_file()]


def _oldest_index(run: RunFolder) -> int:
    """Index of the first existing Step; for a run without Steps, larger than any index."""
    firsts = [segment.first for segment in journal_segments(run) if segment.committed]
    firsts += [int(file.stem) for file in segment_files(run.session)]  # damaged ones too
    return min(firsts, default=2**63 - 1)


def _blank_journal(
    run: RunFolder, indices: NDArray[np.int64], result: ForgetResult, advance: Advance
) -> None:
    """Overwrite the Steps, and make each Step that follows one the first of an episode."""
    layout = read_layout(run.journal)
    for segment in journal_segments(run):
        assert layout is not None
        own = segment.first + np.arange(segment.committed)
        inside, after = np.isin(own, indices), np.isin(own - 1, indices)
        for row in np.flatnonzero(inside | after).tolist():
            step = segment.steps[row, ...]
            segment.rewrite(row, _blank(step) if inside[row] else _as_first(step, layout.spaces))
        result.journal_steps += int(inside.sum())
        segment.erase_uncommitted()  # truncated Steps are still in the file
        flush(segment.path, segment.bytes)
        advance()


def _blank(step: NDArray[np.void]) -> NDArray[np.void]:
    blank = np.zeros((), step.dtype)
    for name in _KEPT:
        blank[name] = step[name]
    blank["situation"], blank["is_first"] = Situation.FORGOTTEN, True
    return blank


def _as_first(step: NDArray[np.void], spaces: Spaces) -> NDArray[np.void]:
    """The Step after the deleted ones, as the first of an episode.

    Its reward and the previous action in its vector come from a deleted Step: they become 0.
    """
    first = step.copy()
    if not step["is_first"]:
        first["situation"] = int(step["situation"]) | Situation.AFTER_GAP
    make_first(first)
    first["world_reward"] = 0.0
    first["vector"][len(spaces.features) :] = 0.0
    return first


def _rewrite_session(
    folder: Path, indices: NDArray[np.int64], result: ForgetResult, advance: Advance
) -> None:
    """Rewrite the segments that hold such Steps. A segment stays until its copy is complete."""
    deleted = set(indices.tolist())
    try:
        for file in segment_files(folder):
            segment = SessionSegment(file)
            info = segment.info
            if ((indices >= info.first - 1) & (indices < info.end)).any():
                result.session_steps += _rewrite_segment(segment, folder / _STAGING, deleted)
            advance()
    finally:
        remove_staging(folder / _STAGING)


def _rewrite_segment(segment: SessionSegment, staging: Path, deleted: set[int]) -> int:
    """Rewrite a segment without the deleted Steps; return how many it had."""
    info, count, changed = segment.info, 0, False
    before = info.first - 1  # the deleted Steps may end with the segment before
    writer = SegmentWriter(staging, info.first, info.codec, info.run_metadata)
    try:
        for recorded in segment.messages():
            after, before = before in deleted or recorded.index - 1 in deleted, recorded.index
            if recorded.index in deleted:
                count += 1
                continue
            if after:
                recorded, changed = _recorded_as_first(segment, recorded), True
            writer.copy(recorded)
        done = writer.close()
    finally:
        writer.abandon()
    if done is None:
        delete_file(segment.path)
    elif count or changed:
        replace_file(done, segment.path)
    return count


def _recorded_as_first(segment: SessionSegment, recorded: RecordedStep) -> RecordedStep:
    """The messages after _as_first: picture and sound unchanged, and no event message."""
    codec = segment.info.codec
    messages = codec.encode(_as_first(segment.decode(recorded), codec.spaces))
    kept = {topic: recorded.messages[topic] for topic in (CAMERA, SOUND, MEL) if topic in messages}
    return replace(recorded, messages=messages | kept)


def _written_after(paths: Iterable[Path], earliest_ns: int) -> list[Path]:
    return sorted(path for path in paths if path.stat().st_mtime_ns >= earliest_ns)
