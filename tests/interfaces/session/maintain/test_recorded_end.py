"""The newest Step of a run is known from each of its files, and `verify` reports what is lost."""

import os

import numpy as np
import pytest

from interfaces.journal import JournalReader, JournalWriter
from interfaces.journal.latent_snapshots import LatentSnapshots
from interfaces.journal.segment import segment_paths
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.recorded_end import recorded_end
from interfaces.session.recorder import Recorder
from interfaces.weights.checkpoint_files import checkpoint_path, write_checkpoint
from tests.interfaces.session.recordings import (
    SPACES,
    layout_of,
    make_run,
    make_steps,
    record_segments,
    troubles,
)


def recording(run, count):
    record_segments(run.session, make_steps(count), 100)
    return segment_files(run.session)[-1]


def damaged_recording(run, count):
    path = recording(run, count)
    path.write_bytes(path.read_bytes()[:-40])  # without its end
    return path


def unfinished_recording(run, count):
    path = damaged_recording(run, count)
    return path.rename(path.with_suffix(".live"))


def snapshot(run, count):
    snapshots = LatentSnapshots(run.latent_snapshots, 3)
    for index in range(count):
        snapshots.save_if_due(index, np.zeros(3, np.float32))
    return run.latent_snapshots


def checkpoint(run, count):
    record = {"updates": 1, "version": 1, "left_out": 0, "extra": {}}
    run.checkpoints.mkdir(exist_ok=True)
    path = checkpoint_path(run.checkpoints, 2, count)
    write_checkpoint(path, b"tensors", record | {"steps": count})
    newer = checkpoint_path(run.checkpoints, 3, count + 100)
    newer.write_text("{", encoding="utf-8")  # damaged
    return path


@pytest.mark.parametrize(
    "write", [recording, unfinished_recording, damaged_recording, snapshot, checkpoint]
)
def test_each_file_of_a_run_shows_its_newest_step(tmp_path, write):
    run = make_run(tmp_path)
    assert recorded_end(run) == (0, None)
    path = write(run, 201)
    assert recorded_end(run) == (201, path)


@pytest.mark.parametrize("write", [snapshot, checkpoint])
def test_a_damaged_file_shows_nothing(tmp_path, write):
    run = make_run(tmp_path)
    os.truncate(write(run, 201), 10)
    assert recorded_end(run) == (0, None)


def test_an_unreadable_recording_shows_the_index_in_its_name(tmp_path):
    run = make_run(tmp_path)
    path = recording(run, 201)
    path.write_bytes(b"notes")
    assert recorded_end(run) == (200, path)


@pytest.mark.parametrize("cut", [True, False])
def test_verify_reports_newest_steps_that_the_journal_lost(tmp_path, cut):
    run = make_run(tmp_path, make_steps(200))
    record_segments(run.session, make_steps(180))
    assert troubles(tmp_path) == []
    paths = segment_paths(run.journal)[2:]  # from Step 128 on
    for path in paths:
        os.truncate(path, 0) if cut else path.unlink()
    reported = troubles(tmp_path)
    assert len(reported) == 1 + (len(paths) if cut else 0)
    assert "no Step from 128 on" in reported[-1]
    assert "of Step 179: the Steps between are lost" in reported[-1]


def resume(run):
    return JournalWriter(
        run.journal,
        layout_of(SPACES),
        segment_steps=64,
        max_steps=100_000,
        background=False,
        known_end=recorded_end(run).end,
    )


def test_a_resumed_run_mixes_no_steps_in_its_session(tmp_path):
    run = make_run(tmp_path, make_steps(200))
    recorder = Recorder(run.journal, run.session, run.config, {})
    recorder.record_new_steps()
    recorder.close()
    for path in segment_paths(run.journal)[2:]:
        path.unlink()
    journal, later = resume(run), make_steps(50, first=200)
    for step in later:
        journal.append(step)
    recorder = Recorder(run.journal, run.session, run.config, {})
    recorder.record_new_steps()
    recorder.close()
    session = Session(run.session)
    assert session.gaps == []
    ticks = [int(step["tick"]) for _, step in session.steps(picture=False)]
    assert ticks == list(range(250)), "every Step is recorded once, under its own index"
    rows = JournalReader(run.journal).read(200, 50, verify=True)
    assert rows["tick"].tolist() == later["tick"].tolist()
    assert [each.split(":")[0] for each in troubles(tmp_path)] == [
        "64 damaged Steps, the first is 128",
        "8 damaged Steps, the first is 192",
    ]
