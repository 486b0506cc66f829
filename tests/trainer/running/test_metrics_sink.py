"""Every metric of every method reaches the Board and TensorBoard, and the page explains it."""

import json
import textwrap

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from configs.load import dump_config, load_config
from interfaces.runtime.metric_table import find_metric
from interfaces.runtime.metrics import metrics_line
from interfaces.runtime.run_folder import create_run
from interfaces.runtime.worlds import make_lockstep_worlds
from tests.conftest import ROOT
from tests.worlds import PointWorld
from trainer.learners.dreamer import DreamerLearner
from trainer.running.lockstep import LockstepTrainer
from trainer.running.metrics_sink import MetricsSink

SMALL = ["trainer={batch: 2, length: 6, prefill: 30, train_ratio: 8}", "trainer.view_s=1.0e-9"]
POINT = [*SMALL, "model={units: 8}", "dream={horizon: 3, starts: 4}"]
METHODS = {
    "dreamer": """
        actor: {cloning: 0.1}
        critic: {replay_weight: 0.3}
        reward: {surprise: 0.1}
        trainer: {overshoot: 1.0}
    """,
    "world_models": """
        world_models: {fit: 3, generations: 2, population: 4, dreams: 4, dream_steps: 5}
    """,
    "ppo": "ppo: {rollout: 32, minibatch: 16, epochs: 2}",
}
EXPECTED = {
    "dreamer": {
        *("loss/continue", "loss/overshoot", "loss/cloning", "loss/replay_value", "loss/value"),
        *("return_gap/gap", "return_gap/dreamed_002", "reward/curiosity", "dream/return_scale"),
    },
    "world_models": {"loss/mixture", "dream/return_best", "policy/evolution_sigma"},
    "ppo": {"loss/policy", "loss/value", "policy/entropy", "policy/kl"},
}
ALWAYS = {
    *("progress/steps", "reward/sum", "reward/world", "episode/return", "episode/length"),
    *("tick/lateness_p99_ms", "tick/missed", "tick/decide_p99_ms", "tick/frame_age_ms"),
}


def train(folder, config, worlds, steps):
    run = create_run(folder / "run", config, "point", ROOT)
    lockstep = LockstepTrainer(run, config, worlds)
    lockstep.run(steps, lambda _: None, lambda: False)
    events = EventAccumulator(str(run.tensorboard), size_guidance={"images": 0})
    events.Reload()
    return run, lockstep, events


@pytest.mark.parametrize("method", METHODS)
def test_metrics_jsonl_and_tensorboard_have_the_same_metrics(method, tmp_path):
    presets = [str(ROOT / "configs" / f"{method}.yaml"), str(ROOT / "tests" / "point.yaml")]
    file = tmp_path / "config.yaml"
    # The method's preset is named last: it wins over the settings of the other one.
    text = f"extends: {json.dumps(presets[::-1])}\n{textwrap.dedent(METHODS[method])}"
    file.write_text(text, encoding="utf-8")
    config = load_config(file, POINT)
    _, lockstep, events = train(tmp_path, config, [PointWorld(config, 0)], 62)
    tags = set(events.Tags()["scalars"])
    line = metrics_line(lockstep.board, config.reward, 1.0)
    assert set(line["metrics"]) == tags
    assert tags >= EXPECTED[method] | ALWAYS
    rows = {tag: find_metric(tag) for tag in tags}
    assert [tag for tag, row in rows.items() if row is None or row.group == "method"] == []
    for tag, value in line["metrics"].items():
        assert events.Scalars(tag)[-1].value == pytest.approx(value, rel=1e-5, abs=1e-6), tag
    expected = {tag.removeprefix("loss/") for tag in tags if tag.startswith("loss/")}
    assert expected <= set(line["losses"])


def test_tensorboard_shows_the_dream_picture_and_the_settings(tmp_path):
    settings = [*SMALL, "trainer.holdout=0.4", "dream.horizon=3"]
    config = load_config(ROOT / "configs" / "tiny.yaml", settings)
    run, _, events = train(tmp_path, config, make_lockstep_worlds(config, 1), 45)
    assert events.Tags()["images"] == ["dream/picture"]
    picture = events.Images("dream/picture")
    assert len(picture) == 2, "the first and the last, not one per report"
    assert picture[0].width > 2 * picture[0].height > 0
    assert run.view.exists()
    (text,) = events.Tensors("config/text_summary")
    shown = text.tensor_proto.string_val[0].decode()
    assert [line.removeprefix("    ") for line in shown.splitlines()] == dump_config(
        config
    ).splitlines()


class StreamNoise:
    """The learner's noise as one stream: `begin` seeds it only once. Each draw matters."""

    def __init__(self, noise):
        self._noise, self._begun = noise, False

    def begin(self, seed, update):
        if not self._begun:
            self._noise.begin(seed, update)
        self._begun = True

    def normal(self, shape):
        return self._noise.normal(shape)

    def uniform(self, shape):
        return self._noise.uniform(shape)


def test_weights_do_not_depend_on_whether_reports_were_made(tmp_path, monkeypatch):
    init = DreamerLearner.__init__

    def init_with_stream(self, *arguments):
        init(self, *arguments)
        self.noise = StreamNoise(self.noise)

    monkeypatch.setattr(DreamerLearner, "__init__", init_with_stream)
    settings = [*SMALL, "trainer.holdout=0.4", "dream.horizon=3"]
    config = load_config(ROOT / "configs" / "tiny.yaml", settings)
    worlds = (make_lockstep_worlds(config, 1) for _ in range(2))
    run, with_reports, _ = train(tmp_path / "with", config, next(worlds), 45)
    made = with_reports.board.metrics.read()
    assert {"return_gap/gap", "model/psnr"} <= set(made)
    assert run.view.exists()
    with monkeypatch.context() as patch:
        for part in ("measure_gap", "measure_prediction"):
            patch.setattr(f"trainer.running.model_report.ModelReport.{part}", lambda *_: None)
        run, without, _ = train(tmp_path / "without", config, next(worlds), 45)
    assert not run.view.exists()
    assert "return_gap/gap" not in without.board.metrics.read()
    assert with_reports.learner.updates == without.learner.updates > 5
    one, other = (each.learner.networks.state_dict() for each in (with_reports, without))
    assert [name for name, tensor in one.items() if not tensor.equal(other[name])] == []


def test_a_metric_that_the_board_refuses_is_still_in_tensorboard(tmp_path):
    config = load_config(ROOT / "tests" / "point.yaml", POINT)
    run, lockstep, _ = train(tmp_path, config, [PointWorld(config, 0)], 40)
    sink, name = MetricsSink(run, config, lockstep.board), "x" * 100
    sink.write({name: 1.0, "loss/model": 2.0}, 9)
    sink.close()
    events = EventAccumulator(str(run.tensorboard))
    events.Reload()
    assert events.Scalars(name)[0].value == 1.0
    assert events.Scalars("loss/model")[-1].step == 9
    assert lockstep.board.metrics.get("loss/model") == 2.0
