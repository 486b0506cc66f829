"""`train` and `evaluate` on failing Gymnasium worlds lose no step and name the world."""

import json
import shutil

import gymnasium
import numpy as np
import pytest
import yaml
from gymnasium import spaces

from interfaces.journal import JournalReader
from tests.cli import here
from tests.interfaces.journal.journals import damage
from tests.known import make_known

FAILS_AT = 70
SMALL = (
    *("model.deter=8", "model.units=8", "model.stoch=2", "dream.starts=4", "dream.horizon=3"),
    *("trainer.batch=2", "trainer.length=8", "trainer.prefill=30", "trainer.train_ratio=2"),
)


class Frail(gymnasium.Env):
    """Never ends, until it fails as `how` says. `repaired` and `reset_works` turn failures off."""

    observation_space = spaces.Box(-9, 9, (2,))
    action_space = spaces.Discrete(2)
    repaired = reset_works = False

    def __init__(self, how):
        self._how = "" if Frail.repaired else how
        self._step = 0
        if self._how == "make":
            raise FileNotFoundError("no such level")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        second_reset_fails = self._how == "again" and self._step and not Frail.reset_works
        if self._how == "reset" or second_reset_fails:
            raise RuntimeError("no start position")
        self._step = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self._step += 1
        observation, reward = np.full(2, 0.1, np.float32), 1.0
        if self._step > FAILS_AT:
            if self._how == "step":
                raise ZeroDivisionError("physics")
            if self._how == "exit":
                raise SystemExit(0)
            if self._how == "shape":
                observation = np.zeros(3, np.float32)
            if self._how == "reward":
                reward = None
            if self._how == "nan":
                reward = float("nan")
        terminated = self._step > FAILS_AT and self._how in ("nan", "again")
        return observation, reward, terminated, False, {}

    def close(self):
        if self._how and self._step > FAILS_AT:
            raise OSError("cannot close")


for each in ("make", "reset", "step", "exit", "shape", "reward", "nan", "again"):
    gymnasium.register(f"YumeTest/Frail-{each}-v0", entry_point=Frail, kwargs={"how": each})


@pytest.fixture(autouse=True)
def _frail(monkeypatch):
    monkeypatch.setattr(Frail, "repaired", False)
    monkeypatch.setattr(Frail, "reset_works", False)


def train(world, folder, *words, code=0, steps=60):
    settings = ("world.kind=gymnasium", f"world.id={world}", *SMALL, *words)
    return here("train", "dreamer", *settings, "--steps", steps, "--out", folder, code=code)


def checkpointed_steps(folder):
    return json.loads(max((folder / "checkpoints").glob("*.json")).read_text())["steps"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("make", "make failed (FileNotFoundError: no such level)"),
        ("reset", "reset failed (RuntimeError: no start position)"),
    ],
)
def test_world_that_cannot_start_is_named_and_leaves_no_folder(how, message, tmp_path):
    output = train(f"YumeTest/Frail-{how}-v0", tmp_path / "run", code=2).all
    assert f"world.id YumeTest/Frail-{how}-v0: {message}" in output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("step", "step failed (ZeroDivisionError: physics)"),
        ("exit", "step failed (SystemExit: 0)"),
        ("shape", "its observation is (3,) float32, (2,) was declared"),
        ("reward", "its reward is None; allowed is one number"),
    ],
)
@pytest.mark.parametrize("worlds", [1, 2])
def test_failure_during_a_run_loses_no_recorded_step(how, message, worlds, tmp_path, monkeypatch):
    run = tmp_path / "run"
    num_worlds = f"world.gymnasium.worlds={worlds}"
    output = train(f"YumeTest/Frail-{how}-v0", run, num_worlds, code=2, steps=300).all
    assert message in output
    assert worlds * FAILS_AT <= checkpointed_steps(run) <= worlds * (FAILS_AT + 1)
    monkeypatch.setattr(Frail, "repaired", True)
    steps = worlds * FAILS_AT + 30
    here("train", "--resume", run, "--steps", steps)
    assert steps <= checkpointed_steps(run) < steps + worlds


def test_last_step_of_an_episode_is_recorded_once_if_the_next_reset_fails(tmp_path, monkeypatch):
    run = tmp_path / "run"
    output = train("YumeTest/Frail-again-v0", run, code=2, steps=300).all
    assert "reset failed (RuntimeError: no start position)" in output
    # The last step is not counted: the resumed run observes it again.
    assert checkpointed_steps(run) == FAILS_AT + 1
    monkeypatch.setattr(Frail, "reset_works", True)
    here("train", "--resume", run, "--steps", FAILS_AT + 10)
    reader = JournalReader(run / "journal")
    steps = reader.read(0, reader.end, verify=True)
    assert np.flatnonzero(steps["is_last"]).tolist() == [FAILS_AT + 1]
    assert np.flatnonzero(steps["is_first"]).tolist() == [0, FAILS_AT + 2]
    assert steps["is_terminal"][FAILS_AT + 1]
    assert steps["world_reward"][FAILS_AT + 1] == 1.0


def test_reward_that_is_not_a_number_is_refused_in_an_evaluation(tmp_path):
    world = "YumeTest/Frail-nan-v0"
    train(world, tmp_path / "run", steps=40)
    output = here("evaluate", tmp_path / "run", "--episodes", 2, "--seed", 5, code=2).all
    assert f"episode of seed 5, step 71: world.id {world}: its reward is nan" in output


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gymnasium") / "run"
    train("CartPole-v1", folder, "world.gymnasium.worlds=2", steps=300)
    return folder


def test_lockstep_run_cannot_be_resumed_in_real_time_and_stays_unchanged(trained):
    before = (trained / "summary.json").read_bytes()
    output = here("run", "--resume", trained, "--seconds", 1, code=2).all
    assert "world.kind gymnasium runs in lockstep only: use train" in output
    assert not (trained / "processes.json").exists()
    assert (trained / "summary.json").read_bytes() == before


def test_finished_run_keeps_its_summary(trained):
    before = json.loads((trained / "summary.json").read_text())
    assert before["total_updates"] > 0
    output = here("train", "--resume", trained, "--steps", 50).all
    assert f"{before['steps']} steps" in output
    assert f"{before['total_updates']} updates" in output
    assert json.loads((trained / "summary.json").read_text()) == before


def edited_copy(trained, tmp_path, change):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    config = yaml.safe_load((copy / "config.yaml").read_text(encoding="utf-8"))
    change(config)
    (copy / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return make_known(copy)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("world", "gymnasium", {"worlds": 3}, "world.gymnasium.worlds is 3"),
        ("model", "units", 16, "model.*, world_models.* or world.*"),
        ("critic", "slow_weight", 0.0, "critic.slow_weight or critic.slow_target"),
    ],
)
def test_changed_setting_is_named_in_a_line_and_the_run_stays_unchanged(
    section, key, value, message, trained, tmp_path
):
    copy = edited_copy(trained, tmp_path, lambda config: config[section].update({key: value}))
    journal, weights = contents(copy / "journal"), contents(copy / "weights")
    output = here("train", "--resume", copy, "--steps", 400, code=2).all
    assert message in output
    assert len(output) < 500
    assert contents(copy / "journal") == journal
    assert contents(copy / "weights") == weights


def test_damaged_journal_is_refused_and_not_shortened(trained, tmp_path):
    copy = edited_copy(trained, tmp_path, lambda _: None)
    damage(min((copy / "journal").glob("*.seg")), row=40)
    journal = contents(copy / "journal")
    output = here("train", "--resume", copy, "--steps", 400, code=2).all
    assert "damaged" in output
    assert "step 40" in output
    assert contents(copy / "journal") == journal
