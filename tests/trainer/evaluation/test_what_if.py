"""What if: another brain, or random actions, on the recorded steps of a run."""

import json

import numpy as np
import pytest

from configs.errors import BadInput
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import open_run
from interfaces.session.run_steps import RunSteps
from tests.trainer.conftest import RECORDED_STEPS
from trainer.evaluation.what_if import compare_brains
from trainer.evaluation.what_if_page import write_comparison


@pytest.fixture(scope="module")
def run(recordings):
    return open_run(recordings / "run1")


@pytest.fixture(scope="module")
def comparison(run, recordings):
    return compare_brains(run, recordings / "run2")


@pytest.fixture(scope="module")
def recorded(run):
    return JournalReader(run.journal).read(0, RECORDED_STEPS)


def test_comparison_has_the_recorded_actions_and_those_of_the_other_brain(comparison, recorded):
    own, other = comparison.tracks
    assert (own.name, other.name) == ("as recorded", "run2")
    assert len(own.value) == len(other.value) == RECORDED_STEPS
    np.testing.assert_array_equal(own.action, recorded["action"])
    assert not np.array_equal(other.action, recorded["action"])


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_other_path_that_is_no_run_is_refused_before_the_replay(run, tmp_path, name):
    (tmp_path / "empty").mkdir()
    replayed = []
    with pytest.raises(BadInput, match=f"{name} is not a run"):
        compare_brains(run, tmp_path / name, replayed.append)
    assert not replayed


@pytest.mark.parametrize("name", ["page.json", "page", "page.mp4"])
def test_page_must_end_in_png(comparison, tmp_path, name):
    with pytest.raises(BadInput, match=r"end in \.png"):
        write_comparison(comparison, tmp_path / name)


def test_page_and_its_data_are_written_once(comparison, recorded, tmp_path):
    page = tmp_path / "replays" / "page.png"
    write_comparison(comparison, page)
    assert page.stat().st_size > 10_000
    assert sorted(path.name for path in page.parent.iterdir()) == ["page.json", "page.png"]
    data = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert data["index"] == list(range(RECORDED_STEPS))
    assert [track["name"] for track in data["tracks"]] == ["as recorded", "run2"]
    for number, name in enumerate(comparison.actions):
        values = data["tracks"][0]["action"][name]
        np.testing.assert_allclose(values, recorded["action"][:, number], atol=1e-5)
    with pytest.raises(BadInput, match="never overwritten"):
        write_comparison(comparison, page)


def test_random_actions_are_in_range_and_have_no_value(run):
    track = compare_brains(run, None).tracks[1]
    assert np.isnan(track.value).all()
    is_button = [action.kind != "axis" for action in RunSteps(run).spaces.actions]
    assert set(np.unique(track.action[:, is_button])) == {0.0, 1.0}
    assert np.abs(track.action).max() <= 1
