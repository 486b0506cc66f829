"""The example plugins with `train`, `evaluate`, `replay` and `run`."""

import json
import sys

import numpy as np
import pytest
import torch

from configs.load import load_config
from interfaces.core.plugins import plugins_of
from interfaces.core.step import recorded_reward
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import open_run
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.cli import call, here
from tests.plugin_modules import EXAMPLES, SMALL, forget_afterwards, steps_of
from trainer.data.replay_buffer import ReplayBuffer
from trainer.evaluation.what_if import compare_brains

TINY = ("model.deter=8", "model.units=8", "trainer.batch=2", "trainer.prefill=20")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_configuration_of_an_example_names_a_plugin_beside_it(path):
    for kind, reference in plugins_of(load_config(path)):
        assert kind in ("world", "camera", "reward")
        assert path.with_name(f"{reference.split(':')[0]}.py").is_file()


def test_example_world_trains_resumes_evaluates_and_replays(tmp_path, monkeypatch):
    forget_afterwards(monkeypatch, "target_world")
    run = tmp_path / "run"
    here("train", EXAMPLES / "target.yaml", *SMALL, "--steps", 60, "--out", run)
    steps = steps_of(run)
    assert steps["image"].shape == (60, 32, 32, 3)
    assert len({image.tobytes() for image in steps["image"]}) > 40
    np.testing.assert_array_equal(steps["vector"][1:, 2:], steps["action"][:-1])
    assert (recorded_reward(steps)[~steps["is_first"]] < 0).all()
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(EXAMPLES)])
    here("train", "--resume", run, "--steps", 90)
    assert json.loads(here("evaluate", run, "--episodes", 2, "--json").output)["episodes"] == 2


def test_unusable_camera_is_refused_before_a_process_starts(tmp_path):
    run = tmp_path / "run"
    source = "world.camera.source=plugin:no_such_module:open"
    output = here("run", "tiny", source, "--out", run, "--seconds", 1, code=2).all
    assert "world.camera.source plugin:no_such_module:open: there is no module" in output
    assert not run.exists()


def calm_of(run, steps):
    """The term of the example, by hand."""
    names = open_run(run).config.world.parameters
    x, z = (steps["vector"][:, names.index(name)] for name in ("VelocityX", "VelocityZ"))
    return np.exp(-((np.hypot(x, z) - 1) ** 2) / 0.25) * ~steps["is_first"]


@pytest.fixture
def calm_run(tmp_path, monkeypatch):
    """A run of 40 Steps with the reward term of the example, beside its YAML file."""
    forget_afterwards(monkeypatch, "walking_speed")
    (tmp_path / "walking_speed.py").write_bytes((EXAMPLES / "walking_speed.py").read_bytes())
    term = "{source: 'walking_speed:near_walking_speed', weight: 2.0}"
    (tmp_path / "calm.yaml").write_text(f"extends: tiny\nreward: {{terms: {{calm: {term}}}}}\n")
    run = tmp_path / "run"
    here("train", tmp_path / "calm.yaml", *TINY, "--steps", 40, "--out", run)
    return run


def test_example_reward_is_recorded_learned_and_evaluated(calm_run):
    steps = steps_of(calm_run)
    calm = calm_of(calm_run, steps)
    assert len(set(calm)) > 5
    np.testing.assert_allclose(steps["reward.calm"], calm, atol=1e-6)
    summary = json.loads((calm_run / "summary.json").read_text())
    assert summary["reward"]["calm"] == pytest.approx(2 * calm.sum(), abs=0.01)
    evaluation = here("evaluate", calm_run, "--episodes", 1, "--json").output
    assert json.loads(evaluation)["terms"]["calm"] > 0


def test_old_recording_gets_the_new_term_when_something_learns_from_it(calm_run, tmp_path):
    here("train", "tiny", *TINY, "--steps", 40, "--out", tmp_path / "old")
    steps = steps_of(tmp_path / "old")
    assert "reward.calm" not in steps.dtype.names
    reader, config = JournalReader(tmp_path / "old" / "journal"), open_run(calm_run).config
    replay = ReplayBuffer(reader, vrchat_spaces(config.world), config, torch.device("cpu"))
    replay.refresh()
    learned = replay.windows(np.array([0]), 40).reward[0].numpy()
    expected = recorded_reward(steps) + 2 * calm_of(tmp_path / "old", steps)
    np.testing.assert_allclose(learned, expected, atol=1e-5)


def test_comparing_recordings_shows_the_recorded_term_and_loads_no_plugin(calm_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "walking_speed", None)
    (own, _) = compare_brains(open_run(calm_run), None).tracks
    np.testing.assert_allclose(own.reward, recorded_reward(steps_of(calm_run)), atol=1e-5)


@pytest.mark.e2e
def test_run_sees_the_bar_of_the_example_camera_from_any_folder(tmp_path):
    run = tmp_path / "run"
    words = (EXAMPLES / "moving_bar.yaml", "model.deter=8", "session.record=false", "--seconds", 3)
    term = "reward.terms={calm: {source: 'walking_speed:near_walking_speed', weight: 0.2}}"
    call("run", *words, term, "--out", run, cwd=tmp_path)
    steps = steps_of(run)
    seen = steps[(steps["situation"] & Situation.NO_FRAME) == 0]
    assert len(seen) > 15
    bar = seen["image"][:, 32, :, 0]  # one row: the bar is white, and the rest black
    assert set((bar > 128).sum(1)) <= {4, 5, 6}
    assert len({row.tobytes() for row in bar}) > 10, "the bar moves"
    np.testing.assert_allclose(steps["reward.calm"], calm_of(run, steps), atol=1e-6)
    assert (steps["weight.calm"] == np.float32(0.2)).all()
