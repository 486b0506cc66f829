"""`forget` selects the Steps of a time span, and later Steps that still show or sound it."""

import numpy as np
import pytest
from typer.testing import CliRunner

from interfaces.cli.forget_command import app as forget_app
from interfaces.journal.segment import segment_paths
from interfaces.session.format.session import Session
from interfaces.session.maintain.forget import forget
from interfaces.session.maintain.prune import find_prunable, prune
from interfaces.session.maintain.select_steps import TimeSpan, newest_span, select_steps
from tests.interfaces.session.maintain.forgetting import (
    all_bytes,
    forget_span,
    forgotten_indices,
    record_run,
    recorded_indices,
)
from tests.interfaces.session.recordings import (
    SOUND_SPACES,
    TICK_NS,
    make_run,
    make_steps,
    time_of,
)


def test_a_relative_time_keeps_its_meaning_after_deletions(tmp_path, steps):
    """--to 10s means ten seconds from the start: without a session, after a prune, and again."""
    for name, steps_per_segment in (("journal", 0), ("pruned", 200)):
        run = record_run(tmp_path / name, steps, steps_per_segment)
        if steps_per_segment:
            prune(find_prunable([run.path], older_days=0.0, keep_gb=None, now_s=1e12)[:1])
        for _ in range(2):
            done = CliRunner().invoke(forget_app, [str(run.path), "--to", "10s", "--yes"])
            assert done.exit_code == 0, done.output
            assert forgotten_indices(run) == list(range(200))


@pytest.mark.parametrize("hours", [9, -9])
def test_the_newest_seconds_are_found_after_the_wall_clock_was_set(tmp_path, steps, hours):
    steps["wall_ns"][300:] += hours * 3600 * 10**9
    steps = steps[:400]
    run = record_run(tmp_path, steps)
    span = newest_span(run, 4.0)
    assert select_steps(run, span).indices.tolist() == list(range(319, 400))
    forget(run, select_steps(run, span))
    assert forgotten_indices(run) == list(range(319, 400))
    assert Session(run.session).end == 319
    assert steps[399]["image"].tobytes() not in all_bytes(run.path)


def test_the_newest_seconds_reach_across_a_change_of_the_wall_clock(tmp_path, steps):
    steps["wall_ns"][500:] += 9 * 3600 * 10**9
    run = record_run(tmp_path, steps)
    assert select_steps(run, newest_span(run, 10.0)).indices.tolist() == list(range(399, 600))


def test_later_steps_with_a_picture_of_the_span_are_selected(tmp_path, steps):
    steps["image"][1::2] = steps["image"][0::2]  # a camera at half the tick rate
    steps["frame_age_s"][1::2] = 0.051
    steps["image"][300:340] = steps["image"][300]  # a camera that froze
    steps["frame_age_s"][300:340] = 0.05 * np.arange(40)
    run = record_run(tmp_path, steps)
    forget_span(run, time_of(190), time_of(215))
    forget_span(run, time_of(290), time_of(310))
    deleted = [*range(190, 216), *range(290, 340)]
    assert forgotten_indices(run) == deleted
    left = all_bytes(run.path)
    for index in deleted:
        assert steps[index]["image"].tobytes() not in left
    assert recorded_indices(run) == set(range(600)) - set(deleted)


def test_later_steps_whose_sound_window_reaches_into_the_span_are_selected(tmp_path):
    steps = make_steps(100, SOUND_SPACES)
    steps["situation"], steps["frame_age_s"] = 0, 0.0
    run = make_run(tmp_path, steps, spaces=SOUND_SPACES)
    window_s = run.config.world.audio_input.window_s
    forget_span(run, time_of(10), time_of(20))
    assert forgotten_indices(run) == list(range(10, 20 + round(window_s / (TICK_NS * 1e-9))))


def test_a_reboot_ends_the_search_for_later_steps(tmp_path, steps):
    """The monotonic clock starts again, and passes the time at which the span ended."""
    steps["monotonic_ns"][300:] -= steps["monotonic_ns"][300]
    run = record_run(tmp_path, steps, 100)
    for from_journal in (True, False):
        selected = select_steps(run, TimeSpan(time_of(100), time_of(350)))
        assert selected.indices.tolist() == list(range(100, 350))
        if from_journal:
            for path in segment_paths(run.journal):
                path.unlink()


def test_a_picture_older_than_a_segment_is_found_in_the_session_alone(tmp_path, steps):
    steps["image"][300:560] = steps["image"][300]
    steps["frame_age_s"][300:560] = 0.05 * np.arange(260)
    run = record_run(tmp_path, steps, 100)
    for path in segment_paths(run.journal):
        path.unlink()
    assert forget_span(run, time_of(290), time_of(301)).session_steps == 270
    assert recorded_indices(run) == set(range(600)) - set(range(290, 560))
