"""The LeRobot dataset, read back by pyarrow, PyAV and LeRobot."""

import json

import numpy as np
import pytest

from configs.load import dump_config, load_config
from interfaces.session.export.lerobot_dataset import ACTION, CAMERA, STATE, to_lerobot
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session
from tests.conftest import ROOT
from tests.interfaces.session.recordings import SPACES, make_steps, record_segments

av = pytest.importorskip("av")
parquet = pytest.importorskip("pyarrow.parquet")


def test_the_files_follow_the_format(recorded, tmp_path):
    session, steps = recorded
    out = tmp_path / "dataset"
    assert to_lerobot(session, out) == 3
    info = json.loads((out / "meta" / "info.json").read_text(encoding="utf-8"))
    assert (info["codebase_version"], info["fps"]) == ("v3.0", 20)
    assert (info["total_episodes"], info["total_frames"]) == (3, 150)
    assert info["features"][ACTION]["names"] == [action.name for action in SPACES.actions]
    data = parquet.read_table(out / info["data_path"].format(chunk_index=0, file_index=0))
    np.testing.assert_array_equal(np.array(data[ACTION].to_pylist(), np.float32), steps["action"])
    np.testing.assert_array_equal(np.array(data[STATE].to_pylist(), np.float32), steps["vector"])
    assert data["index"].to_pylist() == list(range(150))
    assert data["frame_index"].to_pylist() == [*range(60), *range(40), *range(50)]
    rows = parquet.read_table(out / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    rows = rows.to_pylist()
    assert [row["length"] for row in rows] == [60, 40, 50]
    assert [row["dataset_from_index"] for row in rows] == [0, 60, 100]
    assert [row[f"videos/{CAMERA}/from_timestamp"] for row in rows] == [0.0, 3.0, 5.0]
    tasks = parquet.read_table(out / "meta" / "tasks.parquet")
    assert tasks.to_pylist() == [{"task_index": 0, "task": "live"}]
    statistics = json.loads((out / "meta" / "stats.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(statistics[ACTION]["mean"], steps["action"].mean(0), atol=1e-5)
    np.testing.assert_allclose(statistics[ACTION]["std"], steps["action"].std(0), atol=1e-4)
    assert np.shape(statistics[CAMERA]["mean"]) == (3, 1, 1)
    path = info["video_path"].format(video_key=CAMERA, chunk_index=0, file_index=0)
    with av.open(str(out / path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 150
    assert [round(20 * float(f.pts * f.time_base)) for f in frames] == list(range(150))


def test_a_fractional_tick_rate_is_refused(tmp_path):
    config = load_config(ROOT / "configs" / "tiny.yaml", ["tick.hz=12.5"])
    run_metadata = {"config": dump_config(config)}
    record_segments(tmp_path / "odd", make_steps(5), run_metadata=run_metadata)
    with pytest.raises(SessionError, match=r"not 12\.5"):
        to_lerobot(Session(tmp_path / "odd"), tmp_path / "dataset")
    assert not (tmp_path / "dataset").exists()


def test_the_loader_of_lerobot_reads_it(recorded, tmp_path):
    datasets = pytest.importorskip(
        "lerobot.datasets.lerobot_dataset", reason="LeRobot is not installed"
    )
    session, steps = recorded
    out = tmp_path / "dataset"
    assert to_lerobot(session, out) == 3
    dataset = datasets.LeRobotDataset("yume/run", root=out)
    assert (len(dataset), dataset.meta.total_episodes) == (150, 3)
    for i in (0, 59, 60, 99, 100, 149):  # both sides of each border
        row = dataset[i]
        np.testing.assert_array_equal(row[ACTION], steps["action"][i])
        np.testing.assert_array_equal(row[STATE], steps["vector"][i])
        picture = 255 * row[CAMERA].numpy().transpose(1, 2, 0)
        assert np.abs(picture - steps["image"][i]).mean() < 4
