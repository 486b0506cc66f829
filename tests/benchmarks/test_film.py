"""The film of a run: which moments it shows, what it counts, and its size."""

import json

import cv2
import numpy as np
import pytest

from benchmarks.learning import film
from benchmarks.learning.film import Part, film_frames, write_film
from benchmarks.learning.film_drawing import SIDE, FilmPanel, draw_frame
from benchmarks.learning.truth_log import FILE
from configs.errors import BadInput
from interfaces.standin.core import StandinCore
from tests.benchmarks.short_runs import make_run, write_journal

CONTACTS = ["world.contacts.mode=on"]
NAMES = ("YumeNear0", "YumeNear1", "YumeNear2", "YumeNear3")


@pytest.fixture
def run(awkward_path):
    """Two minutes, a Step per second: minute 1 has no head-pat, minute 2 has one in each Step."""
    folder = make_run(awkward_path / "run", CONTACTS)
    vectors = np.tile([0.0, 0.25, 0.5, 1.0], (121, 1))
    write_journal(folder.journal, range(121), [0] * 60 + [1] * 61, NAMES, vectors)
    return folder


@pytest.fixture
def panels(monkeypatch):
    """The panels of each frame, which are not drawn."""
    shown = []
    monkeypatch.setattr(film, "draw_frame", lambda panels, title: shown.append(panels))
    return shown


def parts_of(run):
    return [Part.read(run, begin, 60.0) for begin in (0.0, -60.0)]


def test_each_side_counts_the_head_pats_of_its_own_part(run, panels):
    film_frames(run, parts_of(run), 60.0, speed=20.0)
    assert len(panels) == 30, "60 s, twenty times as fast, 10 frames per second"
    assert [[panel.head_pats for panel in frame] for frame in (panels[0], panels[-1])] == [
        [0, 1],
        [0, 59],  # the last frame is at 58 s
    ]
    assert [panel.label for panel in panels[0]] == ["minute 1", "minute 2 (last)"]
    assert [panel.patted for panel in panels[0]] == [False, True]


def test_each_frame_shows_the_picture_and_the_contacts_of_its_time(run, panels):
    film_frames(run, parts_of(run), 60.0, speed=20.0)
    brightness = [[int(panel.seen[0, 0, 0]) for panel in frame] for frame in panels[:2]]
    assert brightness == [[0, 600 % 256], [20, 620 % 256]]
    assert panels[0][0].contacts == [0.0, 0.25, 0.5, 1.0]


def test_without_a_recorded_truth_there_is_no_map(run, panels):
    film_frames(run, parts_of(run), 60.0, speed=20.0)
    assert all(panel.above is None for frame in panels for panel in frame)


def test_the_map_shows_the_truth_of_that_time_and_no_old_one(run, panels):
    truth = StandinCore(run.config.world.standin, run.config.seed).truth()
    state = truth | {"monotonic_ns": 5_000_000_000 + 2_000_000_000}
    (run.path / FILE).write_text(json.dumps(state) + "\n", encoding="utf-8")
    film_frames(run, parts_of(run)[:1], 60.0, speed=20.0)
    maps = [frame[0].above is not None for frame in panels]
    assert maps == [False, True] + [False] * 28, "only at 2 s"
    assert panels[1][0].above.shape == (SIDE, SIDE, 3)


def test_the_last_minute_has_its_number_also_if_the_run_ends_a_little_early(tmp_path):
    run = make_run(tmp_path / "run")
    write_journal(run.journal, np.arange(0.0, 120.0, 0.7), np.zeros(172))  # until 119.7 s
    assert Part.read(run, -60.0, 60.0).label == "minute 2 (last)"


@pytest.mark.parametrize("begin", [200.0, -121.5])
def test_a_part_outside_the_run_is_refused(run, begin):
    with pytest.raises(BadInput, match="it has 120 s"):
        Part.read(run, begin, 1.0)


def test_an_empty_journal_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no Steps"):
        Part.read(make_run(tmp_path / "run"), 0.0, 60.0)


def test_a_frame_shows_both_pictures_and_the_wedge_of_a_near_contact():
    seen, above = np.full((2, 2, 3), 200, np.uint8), np.full((SIDE, SIDE, 3), 90, np.uint8)
    panel = FilmPanel("minute 2", seen, 7, False, 3.0, above, [1.0, 0.0, 0.0, 0.0])
    without = FilmPanel("minute 2", seen, 7, False, 3.0, above, [0.0] * 4)
    frame, plain = (draw_frame([each, each], "4 x real time") for each in (panel, without))
    row = frame[100]
    assert [(row == level).all(-1).sum() for level in (200, 90)] == [2 * SIDE, 2 * SIDE]
    changed = np.argwhere((frame != plain).any(-1))
    assert len(changed) > 50
    assert changed[:, 0].max() < 27, "the first contact is ahead: above the middle of the dial"


def test_the_film_plays_at_ten_frames_per_second_and_fits(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
    size = write_film(tmp_path / "new" / "film.webp", list(noise))
    assert size == (tmp_path / "new" / "film.webp").stat().st_size
    read, animation = cv2.imreadanimation(str(tmp_path / "new" / "film.webp"))
    assert read
    assert (len(animation.frames), set(animation.durations)) == (6, {100})
    smaller = write_film(tmp_path / "small.webp", list(noise), max_bytes=size - 1)
    assert smaller < size
    with pytest.raises(BadInput, match=r"more than 100; raise --speed"):
        write_film(tmp_path / "none.webp", list(noise), max_bytes=100)
    assert not (tmp_path / "none.webp").exists()
