"""`train` and `evaluate` on worlds that nobody here wrote, and that fail: what was lived is kept,
and the world is named."""

import json
import shutil

import gymnasium
import numpy as np
import pytest
import yaml
from gymnasium import spaces

from interfaces.journal import JournalReader
from tests.cli import here

FAILS_AT = 70
SMALL = (
    *("model.deter=8", "model.units=8", "model.stoch=2", "dream.starts=4", "dream.horizon=3"),
    *("trainer.batch=2", "trainer.length=8", "trainer.prefill=30", "trainer.train_ratio=2"),
)


class Frail(gymnasium.Env):
    """Lives for ever, until it fails as `how` says, unless it was mended."""

    observation_space = spaces.Box(-9, 9, (2,))
    action_space = spaces.Discrete(2)
    mended = survives = False

    def __init__(self, how):
        self._how = "" if Frail.mended else how
        self._step = 0
        if self._how == "make":
            raise FileNotFoundError("no such level")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        again = self._how == "again" and self._step and not Frail.survives
        if self._how == "reset" or again:
            raise RuntimeError("lost its way")
        self._step = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self._step += 1
        seen, reward = np.full(2, 0.1, np.float32), 1.0
        if self._step > FAILS_AT:
            if self._how == "step":
                raise ZeroDivisionError("physics")
            if self._how == "exit":
                raise SystemExit(0)
            if self._how == "shape":
                seen = np.zeros(3, np.float32)
            if self._how == "reward":
                reward = None
            if self._how == "nan":
                reward = float("nan")
        over = self._step > FAILS_AT and self._how in ("nan", "again")
        return seen, reward, over, False, {}

    def close(self):
        if self._how and self._step > FAILS_AT:
            raise OSError("not even that")


for each in ("make", "reset", "step", "exit", "shape", "reward", "nan", "again"):
    gymnasium.register(f"YumeTest/Frail-{each}-v0", entry_point=Frail, kwargs={"how": each})


@pytest.fixture(autouse=True)
def _frail(monkeypatch):
    monkeypatch.setattr(Frail, "mended", False)
    monkeypatch.setattr(Frail, "survives", False)


def train(world, folder, *words, code=0, steps=60):
    of = ("world.kind=gymnasium", f"world.id={world}", *SMALL, *words)
    return here("train", "dreamer", *of, "--steps", steps, "--out", folder, code=code)


def checkpointed(folder):
    return json.loads(max((folder / "checkpoints").glob("*.json")).read_text())["steps"]


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("make", "make failed (FileNotFoundError: no such level)"),
        ("reset", "reset failed (RuntimeError: lost its way)"),
    ],
)
def test_a_world_that_cannot_begin_is_named_and_leaves_nothing(how, named, tmp_path):
    told = train(f"YumeTest/Frail-{how}-v0", tmp_path / "run", code=2).all
    assert f"world.id YumeTest/Frail-{how}-v0: {named}" in told
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("step", "step failed (ZeroDivisionError: physics)"),
        ("exit", "step failed (SystemExit: 0)"),
        ("shape", "an observation of 3 numbers, and 2 were declared"),
        ("reward", "step failed (TypeError"),
    ],
)
@pytest.mark.parametrize("worlds", [1, 2])
def test_a_world_that_fails_in_the_midst_costs_nothing_that_was_lived(
    how, named, worlds, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    beside = f"world.gymnasium.worlds={worlds}"
    told = train(f"YumeTest/Frail-{how}-v0", run, beside, code=2, steps=300).all
    assert named in told
    assert worlds * FAILS_AT <= checkpointed(run) <= worlds * (FAILS_AT + 1)
    monkeypatch.setattr(Frail, "mended", True)
    more = worlds * FAILS_AT + 30
    here("train", "--resume", run, "--steps", more)
    assert more <= checkpointed(run) < more + worlds


def test_the_end_of_an_episode_is_not_lost_where_the_next_cannot_begin(tmp_path, monkeypatch):
    run = tmp_path / "run"
    told = train("YumeTest/Frail-again-v0", run, code=2, steps=300).all
    assert "reset failed (RuntimeError: lost its way)" in told
    assert checkpointed(run) == FAILS_AT + 1  # all but its end, which is seen again
    monkeypatch.setattr(Frail, "survives", True)
    here("train", "--resume", run, "--steps", FAILS_AT + 10)
    reader = JournalReader(run / "journal")
    steps = reader.read(0, reader.end, verify=True)
    assert np.flatnonzero(steps["is_last"]).tolist() == [FAILS_AT + 1]
    assert np.flatnonzero(steps["is_first"]).tolist() == [0, FAILS_AT + 2]
    assert steps["is_terminal"][FAILS_AT + 1]
    assert steps["world_reward"][FAILS_AT + 1] == 1.0


def test_what_is_no_number_is_no_return(tmp_path):
    world = "YumeTest/Frail-nan-v0"
    train(world, tmp_path / "run", steps=40)
    told = here("evaluate", tmp_path / "run", "--episodes", 2, "--seed", 5, code=2).all
    assert "episode of seed 5, step 71: its reward is no number" in told
    assert "world nan" in told


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gymnasium") / "run"
    train("CartPole-v1", folder, "world.gymnasium.worlds=2", steps=300)
    return folder


def test_it_is_not_resumed_in_real_time_nor_hurt_by_it(lived):
    before = (lived / "summary.json").read_bytes()
    told = here("run", "--resume", lived, "--seconds", 1, code=2).all
    assert "world.kind gymnasium lives in lockstep only: use train" in told
    assert not (lived / "processes.json").exists()
    assert (lived / "summary.json").read_bytes() == before


def test_where_all_is_lived_already_it_says_so_and_its_summary_stays(lived):
    before = json.loads((lived / "summary.json").read_text())
    assert before["total_updates"] > 0
    told = here("train", "--resume", lived, "--steps", 50).all
    assert f"{before['steps']} steps are lived already" in told
    assert f"{before['total_updates']} updates done" in told
    assert json.loads((lived / "summary.json").read_text()) == before


def edited(lived, tmp_path, change):
    copy = tmp_path / "copy"
    shutil.copytree(lived, copy)
    config = yaml.safe_load((copy / "config.yaml").read_text(encoding="utf-8"))
    change(config)
    (copy / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return copy


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("section", "key", "value", "named"),
    [
        ("world", "gymnasium", {"worlds": 3}, "world.gymnasium.worlds is 3, and its checkpoint"),
        ("model", "units", 16, "was model.*, world_models.* or world.* changed?"),
        ("critic", "slow_weight", 0.0, "was critic.slow_weight or critic.slow_target changed?"),
    ],
)
def test_what_was_changed_is_named_in_a_line_and_nothing_is_touched(
    section, key, value, named, lived, tmp_path
):
    copy = edited(lived, tmp_path, lambda config: config[section].update({key: value}))
    journal, weights = contents(copy / "journal"), contents(copy / "weights")
    told = here("train", "--resume", copy, "--steps", 400, code=2).all
    assert named in told
    assert len(told) < 500
    assert contents(copy / "journal") == journal
    assert contents(copy / "weights") == weights


def test_a_damaged_journal_is_not_cut_behind_ones_back(lived, tmp_path):
    copy = edited(lived, tmp_path, lambda _: None)
    segment = min((copy / "journal").glob("*.seg"))
    content = bytearray(segment.read_bytes())
    record = (len(content) - 4096) // 1024
    content[4096 + 40 * record + record // 2] ^= 1
    segment.write_bytes(content)
    journal = contents(copy / "journal")
    told = here("train", "--resume", copy, "--steps", 400, code=2).all
    assert "ends, or is damaged, at step 40; nothing was changed" in told
    assert contents(copy / "journal") == journal
