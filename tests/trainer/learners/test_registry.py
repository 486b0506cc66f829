"""The learners of the methods: the table's, and those of plugins."""

import subprocess
import sys

import pytest
import torch

from agent.networks.agent_networks import Networks
from configs.errors import BadInput
from configs.load import load_config
from configs.methods.table import METHODS
from interfaces.core.plugins import PluginError
from tests.conftest import ROOT
from tests.trainer.batches import spaces_of
from trainer.learners.registry import make_learner


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_learner_with_the_registered_capabilities(method):
    preset = "tiny" if method == "dreamer" else method
    config = load_config(ROOT / "configs" / f"{preset}.yaml", [f"method={method}"])
    learner = make_learner(spaces_of(config), config, torch.device("cpu"))
    assert type(learner).__name__ == METHODS[method].learner.split(":")[1]
    assert isinstance(learner.networks, Networks) == METHODS[method].has_world_model


def test_a_learner_needs_only_its_own_module():
    code = (
        "import sys, torch; from pathlib import Path; from configs.load import load_config;"
        "from tests.trainer.batches import spaces_of;"
        "from trainer.learners.registry import make_learner;"
        "config = load_config(Path('configs/ppo.yaml'));"
        "make_learner(spaces_of(config), config, torch.device('cpu'));"
        "assert not {'cma', 'trainer.learners.world_models'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


BROKEN = """
from configs.methods.method import LearningMethod

def method(learner):
    return LearningMethod("broken", f"broken_method:{learner}", False, False,
                          needs={"model.core": "none"})

class Raising:
    networks = surprise_scale = counted_updates = ready_at_step = optimizers = extra_state = None
    noise = updates = guarded_step = publish_updates = published = None
    def __init__(self, spaces, config, device):
        pass
    def learn(self, replay):
        return 1 / 0

class Failing:
    def __init__(self, spaces, config, device):
        raise ZeroDivisionError("no")

class Empty:
    def __init__(self, spaces, config, device):
        self.learn = self.updates = None

def short(spaces):
    pass

RAISING, FAILING, EMPTY = method("Raising"), method("Failing"), method("Empty")
SHORT, ABSENT = method("short"), method("nothing")
"""


@pytest.fixture
def broken_method(tmp_path, monkeypatch):
    (tmp_path / "broken_method.py").write_text(BROKEN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def make(name):
        overrides = [f"method=plugin:broken_method:{name}"]
        config = load_config(ROOT / "configs" / "ppo.yaml", overrides)
        return make_learner(spaces_of(config), config, torch.device("cpu"))

    yield make
    sys.modules.pop("broken_method", None)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("FAILING", r"making its learner failed in broken_method.*__init__, line \d+"),
        ("EMPTY", "its learner lacks networks, surprise_scale, .*learner.py says"),
        ("SHORT", r"its signature is \(spaces\), but Yume calls it with \(spaces, config, device"),
        ("ABSENT", "broken_method:nothing: .*no attribute 'nothing'"),
    ],
)
def test_a_plugin_without_a_usable_learner_is_refused_with_the_reason(broken_method, name, reason):
    with pytest.raises(BadInput, match=reason):
        broken_method(name)


def test_an_error_in_an_update_of_a_plugin_names_its_function(broken_method):
    with pytest.raises(PluginError, match=r"an update failed in broken_method.Raising.learn, line"):
        broken_method("RAISING").learn(None)
