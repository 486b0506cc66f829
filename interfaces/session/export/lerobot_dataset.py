"""Export a session as a LeRobot dataset, v3.0: parquet for numbers, one MP4 for pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.core.step import recorded_reward
from interfaces.ipc.atomic_files import write_json
from interfaces.session.export.episodes import Episode, episodes, tick_rate_hz
from interfaces.session.export.output_files import check_new_path, write_whole
from interfaces.session.export.video_stream import add_video_stream, av_module, crop_to_even
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session

CAMERA, STATE, ACTION, REWARD = "observation.images.camera", "observation.state", "action", "reward"
_EPISODE_S = 60.0  # the longest episode: in VRChat an episode has no end of its own
_FILE = "chunk-000/file-000"
_TASK = "live"


class _Statistics:
    """Running statistics of one feature with values of shape (...)."""

    def __init__(self) -> None:
        self.count = 0
        self.min: Any = np.inf
        self.max: Any = -np.inf
        self.sum: Any = 0.0
        self.sum_of_squares: Any = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """values (N, ...)."""
        numbers = values.astype(np.float64)
        self.count += len(numbers)
        self.min = np.minimum(self.min, numbers.min(0))
        self.max = np.maximum(self.max, numbers.max(0))
        self.sum = self.sum + numbers.sum(0)
        self.sum_of_squares = self.sum_of_squares + np.square(numbers).sum(0)

    def to_json(self) -> dict[str, Any]:
        mean = self.sum / self.count
        std = np.sqrt(np.maximum(0.0, self.sum_of_squares / self.count - np.square(mean)))
        statistics = {"min": self.min, "max": self.max, "mean": mean, "std": std}
        return {name: np.atleast_1d(v).tolist() for name, v in statistics.items()} | {
            "count": [self.count]
        }


def to_lerobot(
    session: Session, out: Path, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write a folder that LeRobotDataset(root=out) opens; return the number of episodes.

    Episodes are cut as in `episodes`, and after a minute; episodes of one Step are left out. Raises
    SessionError for a tick rate that is not a whole number of Hz, and without PyAV or pyarrow.
    """
    hz = tick_rate_hz(session)
    if hz != round(hz):
        raise SessionError(
            f"{session.path}: LeRobot needs a whole number of frames per second, not {hz:g}"
        )
    check_new_path(out)
    pa, parquet = _pyarrow_modules()
    fps, spaces = round(hz), session.spaces
    with write_whole(out) as folder:
        writer = _DatasetWriter(folder, session, fps, pa, parquet)
        try:
            for episode in episodes(session, round(_EPISODE_S * hz)):
                if len(episode.steps) > 1:
                    writer.add(episode)
                    progress(writer.frames)
        finally:
            writer.close_files()
        if not writer.episodes:
            raise SessionError(f"{session.path} has no two consecutive Steps: there is no episode")
        writer.write_meta(spaces.image_shape)
        return writer.episodes


class _DatasetWriter:
    """Writes the files of a dataset, one episode after another."""

    def __init__(self, out: Path, session: Session, fps: int, pa: Any, parquet: Any) -> None:
        self._out, self._fps, self._pa, self._parquet = out, fps, pa, parquet
        self._spaces = session.spaces
        self.frames = self.episodes = 0
        self._rows: list[dict[str, Any]] = []
        self._statistics: dict[str, _Statistics] = {}
        self._table: Any = None
        self._video: Any = None
        data = out / "data" / f"{_FILE}.parquet"
        data.parent.mkdir(parents=True)
        self._data = data
        if self._spaces.has_image:
            path = out / "videos" / CAMERA / f"{_FILE}.mp4"
            path.parent.mkdir(parents=True)
            height, width, _ = self._spaces.image_shape
            self._container = av_module().open(str(path), "w")
            # Random access matters more than size: every second picture is a key frame.
            self._video = add_video_stream(
                self._container, width - width % 2, height - height % 2, fps, gop=2
            )

    def add(self, episode: Episode) -> None:
        steps, count = episode.steps, len(episode.steps)
        columns = {
            STATE: steps["vector"],
            ACTION: steps["action"],
            REWARD: recorded_reward(steps),
        }
        index = np.arange(count)
        scalars = {
            "timestamp": (index / self._fps).astype(np.float32),
            "frame_index": index.astype(np.int64),
            "episode_index": np.full(count, self.episodes, np.int64),
            "index": (self.frames + index).astype(np.int64),
            "task_index": np.zeros(count, np.int64),
        }
        self._write({name: _column(self._pa, v) for name, v in (columns | scalars).items()})
        own: dict[str, Any] = {}
        for name, values in (columns | scalars).items():
            own[name] = self._measure(name, values)
        if self._video is not None:
            self._encode_pictures(steps["image"])
            pixels = steps["image"].astype(np.float32)[:: max(1, count // 20)] / 255.0
            by_channel = pixels.reshape(-1, 3)
            own[CAMERA] = _per_channel(self._measure(CAMERA, by_channel))
        row: dict[str, Any] = {
            "episode_index": self.episodes,
            "tasks": [_TASK],
            "length": count,
            "dataset_from_index": self.frames,
            "dataset_to_index": self.frames + count,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }
        if self._video is not None:
            row |= {
                f"videos/{CAMERA}/chunk_index": 0,
                f"videos/{CAMERA}/file_index": 0,
                f"videos/{CAMERA}/from_timestamp": self.frames / self._fps,
                f"videos/{CAMERA}/to_timestamp": (self.frames + count) / self._fps,
            }
        for name, statistics in own.items():
            row |= {f"stats/{name}/{key}": value for key, value in statistics.items()}
        self._rows.append(row)
        self.frames += count
        self.episodes += 1

    def close_files(self) -> None:
        """Close parquet and video: Windows cannot rename or delete open files."""
        if self._table is not None:
            self._table.close()
        if self._video is not None:
            self._container.mux(self._video.encode())
            self._container.close()

    def write_meta(self, image_shape: tuple[int, int, int]) -> None:
        meta = self._out / "meta"
        path = meta / "episodes" / f"{_FILE}.parquet"
        path.parent.mkdir(parents=True)
        self._parquet.write_table(self._pa.Table.from_pylist(self._rows), path)
        tasks = self._pa.table({"task_index": [0], "task": [_TASK]})
        self._parquet.write_table(
            tasks.replace_schema_metadata(_pandas_index("task")), meta / "tasks.parquet"
        )
        statistics = {name: each.to_json() for name, each in self._statistics.items()}
        if CAMERA in statistics:
            statistics[CAMERA] = _per_channel(statistics[CAMERA])
        write_json(meta / "stats.json", statistics)
        write_json(meta / "info.json", self._info(image_shape))

    def _info(self, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        spaces = self._spaces
        names = [action.name for action in spaces.actions]
        features: dict[str, Any] = {}
        if self._video is not None:
            height, width = (side - side % 2 for side in image_shape[:2])
            features[CAMERA] = {
                "dtype": "video",
                "shape": [height, width, 3],
                "names": ["height", "width", "channels"],
                "info": {
                    "video.height": height,
                    "video.width": width,
                    "video.codec": "h264",
                    "video.pix_fmt": "yuv420p",
                    "video.is_depth_map": False,
                    "video.fps": self._fps,
                    "video.channels": 3,
                    "has_audio": False,
                },
            }
        before = [f"before_{name}" for name in names]
        features[STATE] = _feature("float32", [*spaces.features, *before])
        features[ACTION] = _feature("float32", names)
        features[REWARD] = {"dtype": "float32", "shape": [1], "names": None}
        features["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
        for name in ("frame_index", "episode_index", "index", "task_index"):
            features[name] = {"dtype": "int64", "shape": [1], "names": None}
        return {
            "codebase_version": "v3.0",
            "robot_type": "vrchat_avatar",
            "total_episodes": self.episodes,
            "total_frames": self.frames,
            "total_tasks": 1,
            "chunks_size": 1000,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": self._fps,
            "splits": {"train": f"0:{self.episodes}"},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
            if self._video is not None
            else None,
            "features": features,
        }

    def _write(self, columns: dict[str, Any]) -> None:
        table = self._pa.table(columns)
        if self._table is None:
            self._table = self._parquet.ParquetWriter(self._data, table.schema)
        self._table.write_table(table)  # a row group for each episode

    def _encode_pictures(self, images: NDArray[np.uint8]) -> None:
        av = av_module()
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(crop_to_even(image), format="rgb24")
            frame.pts = self.frames + i
            self._container.mux(self._video.encode(frame))

    def _measure(self, name: str, values: NDArray[Any]) -> dict[str, Any]:
        """Statistics of these values alone; they also count for the whole dataset."""
        own = _Statistics()
        own.add(values)
        self._statistics.setdefault(name, _Statistics()).add(values)
        return own.to_json()


def _feature(dtype: str, names: list[str]) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [len(names)], "names": names}


def _column(pa: Any, values: NDArray[Any]) -> Any:
    """A column of scalars (N,), or of lists of fixed size (N, D)."""
    if values.ndim == 1:
        return pa.array(values)
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _per_channel(statistics: dict[str, Any]) -> dict[str, Any]:
    """Reshape the numbers of each channel to (3, 1, 1), as LeRobot expects for pictures."""
    return {
        key: value if key == "count" else [[[each]] for each in value]
        for key, value in statistics.items()
    }


def _pandas_index(name: str) -> dict[bytes, bytes]:
    """The metadata by which pandas uses this column as the index."""
    import json

    metadata = {
        "index_columns": [name],
        "column_indexes": [],
        "columns": [
            {
                "name": "task_index",
                "field_name": "task_index",
                "pandas_type": "int64",
                "numpy_type": "int64",
                "metadata": None,
            },
            {
                "name": name,
                "field_name": name,
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": None,
            },
        ],
    }
    return {b"pandas": json.dumps(metadata).encode()}


def _pyarrow_modules() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise SessionError(
            f'{error}; python -m pip install -e ".[export]" -c constraints.txt'
        ) from error
    return pa, parquet
