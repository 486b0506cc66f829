"""A method outside the project is found, and checked before anything starts."""

from pathlib import Path

import pytest

from configs.errors import BadInput
from configs.load import load_config
from configs.methods.table import METHODS
from interfaces.core.learning_methods import (
    check_learning_method,
    has_plugin_method,
    learning_method,
)
from interfaces.core.plugins import plugins_of

MODULE = """
from configs.methods.method import LearningMethod
from configs.strict import StrictModel

class Own(StrictModel):
    steps: int = 3

def method(name="mine", **declared):
    return LearningMethod(name, "nowhere:Learner", has_world_model=False, off_policy=True,
                          needs={"model.core": "none"}, **declared)

def refuse(config):
    raise ValueError(f"trainer.batch {config.trainer.batch} is odd")

PLAIN, SETTINGS = method(), method(settings=Own)
PPO, NUMBER, REFUSING = method("ppo"), 7, method(check=refuse)
FAILING = method(check=lambda config: config.nothing)
"""


@pytest.fixture
def config_of(tmp_path, monkeypatch):
    (tmp_path / "checked_method.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def load(name, *overrides):
        return load_config(Path("ppo"), [f"method=plugin:checked_method:{name}", *overrides])

    return load


def test_a_method_is_found_in_the_table_or_as_a_plugin(config_of):
    assert learning_method(load_config(Path("ppo"))) is METHODS["ppo"]
    config = config_of("SETTINGS", "method_settings.steps=5")
    assert (has_plugin_method(config), has_plugin_method(load_config(Path("ppo")))) == (True, False)
    assert plugins_of(config) == [("method", "checked_method:SETTINGS")]
    method = learning_method(config)
    assert config.section(method.settings).steps == 5
    check_learning_method(config)
    check_learning_method(config_of("PLAIN"))


@pytest.mark.parametrize(
    ("name", "override", "reason"),
    [
        ("NUMBER", "seed=0", "its type is int, but it must be a LearningMethod"),
        ("PPO", "seed=0", "its name ppo is that of a method of Yume"),
        ("PLAIN", "method_settings.steps=5", "has no settings, but method_settings are given"),
        (
            "SETTINGS",
            "method_settings.steps=x",
            r'method_settings.steps = "x": should be a valid i',
        ),
        ("SETTINGS", "model.core=gru", "none and ppo or mine need each other"),
        ("REFUSING", "trainer.batch=7", r"checked_method:REFUSING: trainer\.batch 7 is odd"),
        ("FAILING", "seed=0", r"its check failed in checked_method.<lambda>, line \d+"),
    ],
)
def test_a_method_that_cannot_be_used_is_named_with_the_reason(config_of, name, override, reason):
    with pytest.raises(BadInput, match=reason):
        check_learning_method(config_of(name, override))
