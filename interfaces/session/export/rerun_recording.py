"""A session as a Rerun recording. The MCAP itself shows its pictures and events there, but no
curves: Rerun does not look into JSON."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.Log_pb2 import Log
from numpy.typing import NDArray

from interfaces.core.rewards import LIVED_TERMS
from interfaces.core.spaces import Spaces
from interfaces.session.export import arrays_and_video as export
from interfaces.session.format.messages import CAMERA, EVENTS
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session

_AT_ONCE = 1000  # Steps


def to_rerun(session: Session, out: Path, progress: Callable[[int], None] = lambda _: None) -> int:
    """NAME.rrd with the layout to look at it. How many Steps. The pictures are those recorded, byte
    for byte. Raises SessionError where the package is missing."""
    export.new(out, ".rrd")
    rr = _rerun()
    with export.whole(out) as part:
        recording = rr.RecordingStream("yume")
        recording.save(part, _layout(session.spaces))
        try:
            return _write(rr, recording, session, progress)
        finally:
            recording.flush()
            recording.disconnect()


def _write(rr: Any, recording: Any, session: Session, progress: Callable[[int], None]) -> int:
    codec, done = session.infos[0].codec, 0
    recorded = session.messages()
    while part := list(islice(recorded, _AT_ONCE)):
        steps = np.array([segment.decode(found, picture=False) for segment, found in part])
        times = np.array([found.log_ns for _, found in part], "datetime64[ns]")

        def send(path: str, columns: Any, rows: NDArray[np.intp], times: Any = times) -> None:
            index = rr.TimeColumn("time", timestamp=times[rows])
            recording.send_columns(path, [index], columns)

        everything = np.arange(len(part))
        if session.spaces.has_image:
            pictures = [CompressedImage.FromString(f.messages[CAMERA]).data for _, f in part]
            kinds = [f"image/{codec.camera}"] * len(part)
            send("camera", rr.EncodedImage.columns(blob=pictures, media_type=kinds), everything)
        for path, values in _curves(session.spaces, steps).items():
            send(path, rr.Scalars.columns(scalars=values), everything)
        rows = np.array([i for i, (_, found) in enumerate(part) if EVENTS in found.messages])
        if len(rows):
            said = [Log.FromString(part[i][1].messages[EVENTS]) for i in rows]
            levels = ["WARN" if each.level == Log.WARNING else "INFO" for each in said]
            texts = [each.message for each in said]
            send("events", rr.TextLog.columns(text=texts, level=levels), rows)
        done += len(part)
        progress(done)
    return done


def _curves(spaces: Spaces, steps: NDArray[np.void]) -> Mapping[str, NDArray[np.float64]]:
    """(T,) each, by the path at which Rerun shows it."""
    felt = {f"feeling/{name}": steps["vector"][:, i] for i, name in enumerate(spaces.features)}
    done = {
        f"action/{action.name}": steps["action"][:, i] for i, action in enumerate(spaces.actions)
    }
    paid = {f"reward/{term}": steps["reward"][:, i] for i, term in enumerate(LIVED_TERMS)}
    body = {f"body/{name}": 1e3 * steps[f"{name}_s"] for name in ("lateness", "frame_age")}
    found = felt | done | paid | body
    return {path: np.asarray(values, np.float64) for path, values in found.items()}


def _layout(spaces: Spaces) -> Any:
    """Picture and events to the left, curves to the right."""
    import rerun.blueprint as rrb

    seen = [rrb.Spatial2DView(origin="camera", name="camera")] if spaces.has_image else []
    names = ("action", "reward", "feeling", "body")
    curves = [rrb.TimeSeriesView(origin=name, name=name) for name in names]
    left = rrb.Vertical(*seen, rrb.TextLogView(origin="events", name="events"))
    return rrb.Blueprint(rrb.Horizontal(left, rrb.Vertical(*curves), column_shares=[1, 2]))


def _rerun() -> Any:
    try:
        import rerun
    except ImportError as error:
        raise SessionError(
            f'{error}; python -m pip install -e ".[rerun]" -c constraints.txt'
        ) from error
    return rerun
