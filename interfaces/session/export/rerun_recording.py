"""Export a session as a Rerun recording.

Rerun opens the MCAP files directly, but without curves: it does not read JSON.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.Log_pb2 import Log
from numpy.typing import NDArray

from interfaces.core.sense_map import SenseMap
from interfaces.core.spaces import Spaces
from interfaces.core.step import as_layout, weighted_terms
from interfaces.session.export.output_files import check_new_path, write_whole
from interfaces.session.format.messages import CAMERA, EVENTS
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session

_BATCH = 1000  # Steps


def to_rerun(session: Session, out: Path, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write NAME.rrd with a layout; return the number of Steps.

    The pictures are the recorded bytes. Raises SessionError if `out` exists, or without Rerun.
    """
    check_new_path(out, ".rrd")
    rr = _rerun_module()
    with write_whole(out) as staging:
        recording = rr.RecordingStream("yume")
        recording.save(staging, _layout(session.spaces))
        try:
            return _write(rr, recording, session, progress)
        finally:
            recording.flush()
            recording.disconnect()


def _write(rr: Any, recording: Any, session: Session, progress: Callable[[int], None]) -> int:
    codec, done = session.infos[0].codec, 0
    senses = session.infos[-1].codec.senses
    messages = session.messages()
    while batch := list(islice(messages, _BATCH)):
        steps = np.array(
            [
                as_layout(segment.decode(recorded, picture=False), session.layout)
                for segment, recorded in batch
            ]
        )
        times = np.array([recorded.log_ns for _, recorded in batch], "datetime64[ns]")

        def send(path: str, columns: Any, rows: NDArray[np.intp], times: Any = times) -> None:
            index = rr.TimeColumn("time", timestamp=times[rows])
            recording.send_columns(path, [index], columns)

        all_rows = np.arange(len(batch))
        if session.spaces.has_image:
            pictures = [CompressedImage.FromString(r.messages[CAMERA]).data for _, r in batch]
            kinds = [f"image/{codec.camera}"] * len(batch)
            send("camera", rr.EncodedImage.columns(blob=pictures, media_type=kinds), all_rows)
        for path, values in _curves(session.spaces, steps, senses).items():
            send(path, rr.Scalars.columns(scalars=values), all_rows)
        rows = np.array([i for i, (_, recorded) in enumerate(batch) if EVENTS in recorded.messages])
        if len(rows):
            events = [Log.FromString(batch[i][1].messages[EVENTS]) for i in rows]
            levels = ["WARN" if each.level == Log.WARNING else "INFO" for each in events]
            texts = [each.message for each in events]
            send("events", rr.TextLog.columns(text=texts, level=levels), rows)
        done += len(batch)
        progress(done)
    return done


def _curves(
    spaces: Spaces, steps: NDArray[np.void], senses: SenseMap
) -> Mapping[str, NDArray[np.float64]]:
    """Curves (T,) by their path in Rerun. Contacts and rays are many: they have a path apart."""
    parameters = {
        f"{'senses' if i in senses.features else 'feeling'}/{name}": steps["vector"][:, i]
        for i, name in enumerate(spaces.features)
    }
    actions = {
        f"action/{action.name}": steps["action"][:, i] for i, action in enumerate(spaces.actions)
    }
    rewards = {f"reward/{term}": curve for term, curve in weighted_terms(steps).items()}
    timing_ms = {f"body/{name}": 1e3 * steps[f"{name}_s"] for name in ("lateness", "frame_age")}
    curves = parameters | actions | rewards | timing_ms
    return {path: np.asarray(values, np.float64) for path, values in curves.items()}


def _layout(spaces: Spaces) -> Any:
    """Picture and events on the left, curves on the right."""
    import rerun.blueprint as rrb

    picture = [rrb.Spatial2DView(origin="camera", name="camera")] if spaces.has_image else []
    names = ("action", "reward", "feeling", "body")
    curves = [rrb.TimeSeriesView(origin=name, name=name) for name in names]
    left = rrb.Vertical(*picture, rrb.TextLogView(origin="events", name="events"))
    return rrb.Blueprint(rrb.Horizontal(left, rrb.Vertical(*curves), column_shares=[1, 2]))


def _rerun_module() -> Any:
    try:
        import rerun
    except ImportError as error:
        raise SessionError(
            f'{error}; python -m pip install -e ".[rerun]" -c constraints.txt'
        ) from error
    return rerun
