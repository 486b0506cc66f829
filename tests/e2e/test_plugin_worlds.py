"""Broken plugins of worlds and rewards: each is named, and no recorded Step is lost."""

import re
import sys

import numpy as np
import pytest

from configs.errors import BadInput
from configs.load import load_config
from interfaces.runtime.run_folder import open_run
from interfaces.runtime.worlds import make_lockstep_world
from interfaces.session.recorder import Recorder
from tests.cli import here
from tests.conftest import ROOT
from tests.plugin_modules import SMALL, steps_of, write_module

FAILS_AT = 40
FRAIL = f"""
    import numpy as np
    from dataclasses import replace
    from tests.worlds import PointWorld

    repaired = False

    class Frail(PointWorld):
        length = 30
        how, acts = "", 0

        def act(self, action):
            fails = not repaired and self.acts == {FAILS_AT}
            if fails and self.how == "raises":
                raise ZeroDivisionError("physics")
            if fails and self.how == "exits":
                raise SystemExit(0)
            sent = super().act(action)
            self.acts += 1
            if fails and self.how == "action_shape":
                return sent[:, None]
            return sent * np.nan if fails and self.how == "nan_action" else sent

        def observe(self):
            seen = super().observe()
            if repaired or self.acts < {FAILS_AT}:
                return seen
            if self.how == "observe_raises":
                return {{}}["position"]
            if self.how == "reward":
                return replace(seen, reward=float("nan"))
            if self.how == "nothing":
                return None
            if self.how == "image":
                return replace(seen, image=np.zeros((16, 16, 3), np.uint8))
            if self.how == "dtype":
                return replace(seen, vector=seen.vector.astype(np.float64))
            if self.how == "nan_vector":
                return replace(seen, vector=np.array([np.nan, seen.vector[1]], np.float32))
            if self.how == "other_action":
                return replace(seen, vector=seen.vector + np.float32([0, 0.5]))
            return seen

        def rest(self):
            super().rest()
            if self.how == "rest_raises" and not repaired:
                raise OSError("gone")

    class CannotResume:
        def __init__(self, config, seed):
            self._world = PointWorld(config, seed)
            self.spaces = self._world.spaces
        def observe(self): return self._world.observe()
        def act(self, action): return self._world.act(action)
        def rest(self): self._world.rest()
        def forget(self): self._world.forget()
        def close(self): self._world.close()

    class ReusesArrays(PointWorld):
        vector = np.zeros(2, np.float32)
        def observe(self):
            seen = super().observe()
            self.vector[:] = seen.vector
            return replace(seen, vector=self.vector)
        def act(self, action):
            self.vector[:] = -1
            return super().act(action)

    class CannotSave(PointWorld):
        def snapshot(self): return {{"x": np.zeros(3)}}

    calls = 0
    def frail_term(steps):
        global calls
        calls += steps.is_first.ndim == 0
        if calls > {FAILS_AT}:
            raise ZeroDivisionError
        return np.ones_like(steps.world_reward)
    def one_feature(steps): return steps.feature("Speed")

    def no_world(config, seed): return object()
    def bad_method(config, seed):
        world = PointWorld(config, seed)
        world.act = lambda: None
        return world
    def no_spaces(config, seed):
        world = PointWorld(config, seed)
        world.spaces = None
        return world
    def fails(config, seed): raise FileNotFoundError("no such level")
    def one_argument(config): pass
"""
WAYS = {
    "raises": r"act failed in frail_world.Frail.act, line \d+ \(ZeroDivisionError: physics\)",
    "exits": r"act failed in frail_world.Frail.act, line \d+ \(SystemExit: 0\)",
    "action_shape": r"frail_world.Frail.act returned the action of float32 \(1, 1\); allowed is",
    "nan_action": r"frail_world.Frail.act returned the action with nan at \[0\]; allowed are",
    "observe_raises": r"observe failed in frail_world.Frail.observe, line \d+ \(KeyError: 'pos",
    "reward": r"frail_world.Frail.observe returned reward nan; allowed is a finite number",
    "nothing": r"returned NoneType; allowed is interfaces.core.world.Observation",
    "image": r"returned an image of uint8 \(16, 16, 3\); allowed is .* uint8 \(0, 0, 3\)",
    "dtype": r"returned a vector of float64 \(2,\); allowed is .* float32 \(2,\)",
    "nan_vector": r"returned a vector with nan at \[0\]",
    "other_action": r"its last 1 numbers are the action that act returned before",
}


@pytest.fixture(autouse=True)
def frail_world(tmp_path, monkeypatch):
    """The module frail_world beside the file point.yaml: nowhere else is it found."""
    makers = "".join(
        f"\n    class {how.title()}(Frail): how = {how!r}\n    {how} = {how.title()}"
        for how in (*WAYS, "rest_raises")
    )
    write_module(monkeypatch, tmp_path, "frail_world", FRAIL + makers, on_path=False)
    yaml = f"extends: {ROOT}/tests/point.yaml\nworld: {{kind: plugin}}\n"
    (tmp_path / "point.yaml").write_text(yaml, encoding="utf-8")


def train(tmp_path, maker, *words, code=0, steps=60):
    plugin = f"world.plugin=frail_world:{maker}"
    words = (tmp_path / "point.yaml", plugin, *SMALL, *words, "--steps", steps)
    return here("train", *words, "--out", tmp_path / "run", code=code)


def test_reading_a_run_does_not_load_its_plugin(tmp_path):
    train(tmp_path, "Frail")
    run = open_run(tmp_path / "run")
    recorder = Recorder(run.journal, run.session, run.config, {})
    recorder.record_new_steps()
    recorder.close()
    del sys.modules["frail_world"]
    (tmp_path / "frail_world.py").write_text("raise AssertionError('loaded')")
    assert "60 of 60 ticks verified" in here("replay", run.path).all
    for command in ("info", "verify", "list"):
        here("sessions", command, run.session)
    here("config", "show", run.config_file)
    # Training on recordings needs no world either.
    words = (*SMALL, "--sessions", run.session, "--updates", 1, "--out", tmp_path / "offline")
    here("train", tmp_path / "point.yaml", "world.plugin=frail_world:Frail", *words)
    assert "frail_world" not in sys.modules


def test_resumed_run_with_a_plugin_equals_an_uninterrupted_one(tmp_path):
    for name, stops in (("whole", (80,)), ("parts", (50, 80))):
        folder = tmp_path / name
        first, *rest = stops
        config = (tmp_path / "point.yaml", "world.plugin=frail_world:Frail", *SMALL)
        here("train", *config, "--steps", first, "--out", folder)
        for stop in rest:
            here("train", "--resume", folder, "--steps", stop)
    whole, parts = steps_of(tmp_path / "whole"), steps_of(tmp_path / "parts")
    for field in ("vector", "action", "world_reward", "is_first", "is_last"):
        np.testing.assert_array_equal(whole[field], parts[field])


@pytest.mark.parametrize(
    ("maker", "message"),
    [
        ("nothing_here", "the module frail_world"),
        ("one_argument", "its signature is (config), but Yume calls it with (config, seed)"),
        ("fails", "make failed in frail_world.fails, line"),
        ("no_world", "builtins.object.observe is missing; a world has spaces, observe, act, rest"),
        ("bad_method", "Yume calls it with (action)"),
        ("no_spaces", "spaces has NoneType; allowed is interfaces.core.spaces.Spaces"),
    ],
)
def test_unusable_world_is_named_and_leaves_no_folder(maker, message, tmp_path):
    output = train(tmp_path, maker, code=2).all
    assert f"world.plugin frail_world:{maker}: " in output
    assert message in output
    assert not (tmp_path / "run").exists()


def test_reward_of_a_missing_feature_is_refused(tmp_path):
    output = train(tmp_path, "Frail", "reward.parameters={Speed: 1.0}", code=2).all
    assert "reward.parameters.Speed: world.plugin frail_world:Frail has no such feature" in output


@pytest.mark.parametrize("how", WAYS)
def test_wrong_answer_of_a_world_is_named_with_what_is_allowed(how, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    words = ["world.kind=plugin", f"world.plugin=frail_world:{how}"]
    world = make_lockstep_world(load_config(ROOT / "tests" / "point.yaml", words), 0)

    def walk():
        for _ in range(FAILS_AT + 1):
            world.observe()
            world.act(np.float32([0.5]))

    with pytest.raises(BadInput, match=f"world.plugin frail_world:{how}: .*{WAYS[how]}"):
        walk()
    assert world.snapshot()["world"] is None, "it may hold half a step"


@pytest.mark.parametrize("how", ["raises", "observe_raises", "reward"])
def test_failure_during_a_run_names_the_function_and_loses_no_recorded_step(
    how, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    output = train(tmp_path, how, code=2, steps=300).all
    assert re.search(f"world.plugin frail_world:{how}: .*{WAYS[how]}", output), output
    recorded = steps_of(run)
    assert len(recorded) == FAILS_AT
    monkeypatch.setattr(sys.modules["frail_world"], "repaired", True)
    here("train", "--resume", run, "--steps", 70)
    steps = steps_of(run)
    assert steps[: len(recorded)].tobytes() == recorded.tobytes()
    assert steps["is_first"][len(recorded)], "a new episode, because the old one is broken"


def test_world_may_use_the_memory_of_its_observation_again(tmp_path):
    train(tmp_path, "ReusesArrays", steps=20)
    steps = steps_of(tmp_path / "run")
    assert len(set(steps["vector"][:, 0])) > 10
    np.testing.assert_array_equal(steps["vector"][1:, 1:], steps["action"][:-1])


def test_error_while_inputs_are_released_does_not_end_the_run(tmp_path):
    train(tmp_path, "rest_raises")
    assert len(steps_of(tmp_path / "run")) == 60


def test_world_without_snapshot_trains_but_is_not_resumed(tmp_path):
    train(tmp_path, "CannotResume")
    before = steps_of(tmp_path / "run").tobytes()
    output = here("train", "--resume", tmp_path / "run", "--steps", 90, code=2).all
    assert "world.plugin frail_world:CannotResume: its world has no snapshot() and " in output
    assert steps_of(tmp_path / "run").tobytes() == before


def test_world_that_cannot_save_its_state_resumes_in_a_new_episode(tmp_path):
    train(tmp_path, "CannotSave", steps=40)
    here("train", "--resume", tmp_path / "run", "--steps", 60)
    assert steps_of(tmp_path / "run")["is_first"][40]


@pytest.mark.parametrize("word", ["world.kind=plugin", "world.plugin=my_world:make"])
def test_kind_plugin_and_its_plugin_need_each_other(word, tmp_path):
    output = here("train", "dreamer", word, "--out", tmp_path / "run", code=2).all
    assert "world.plugin and world.kind plugin need each other" in output


def test_world_of_a_plugin_does_not_run_in_real_time(tmp_path):
    words = (tmp_path / "point.yaml", "world.plugin=frail_world:Frail", "--out", tmp_path / "run")
    output = here("run", *words, "--seconds", 1, code=2).all
    assert "world.kind plugin runs in lockstep only: use train" in output


def test_reward_that_fails_during_a_run_counts_as_0_and_the_run_continues(tmp_path):
    train(tmp_path, "Frail", "reward.terms={mine: {source: 'frail_world:frail_term'}}")
    steps = steps_of(tmp_path / "run")
    assert len(steps) == 60
    acting = steps["reward.mine"][~steps["is_first"]]
    assert set(acting[:20]) == {1.0}
    assert set(acting[-15:]) == {0.0}


@pytest.mark.parametrize(
    ("maker", "message"),
    [
        ("one_feature", "no feature Speed; known: Position"),
        ("no_such_term", "has no no_such_term"),
    ],
)
def test_unusable_reward_is_named_before_a_run_and_leaves_no_folder(maker, message, tmp_path):
    term = f"reward.terms={{mine: {{source: 'frail_world:{maker}'}}}}"
    output = train(tmp_path, "Frail", term, code=2).all
    assert f"reward.terms frail_world:{maker}" in output
    assert message in output
    assert not (tmp_path / "run").exists()
