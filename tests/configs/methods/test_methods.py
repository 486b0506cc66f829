"""The rules and the manual follow what the methods declare."""

from pathlib import Path

import pytest

from configs.errors import BadInput
from configs.load import dump_config, json_schema, load_config
from configs.loading.reference import settings
from configs.methods.method import LearningMethod
from configs.methods.rules import check_method
from configs.methods.table import METHODS, method_plugin
from configs.strict import StrictModel
from tests.configs.files import error_of, write


class Own(StrictModel):
    steps: int = 3


@pytest.mark.parametrize(
    ("preset", "override", "message"),
    [
        ("dreamer", "model.core=none", "none and ppo need each other"),
        ("dreamer", "model.core=lstm", "lstm and world_models need each other"),
        ("ppo", "model.core=gru", "model.core gru does not work with method ppo: none and ppo"),
        ("ppo", "model.core=lstm", "lstm and world_models need each other"),
        ("world_models", "model.core=gru", "with method world_models: lstm and world_models need"),
        ("world_models", "actor.gradient=mix", "actor.gradient mix does not work with method"),
        ("world_models", "actor.layers=1", "has a linear controller, 0 layers"),
        ("dreamer", "actor.gradient=none", "none and world_models need each other"),
        ("ppo", "actor.slow_rate=0.5", "only method dreamer has a slow policy; with ppo it"),
        ("ppo", "reward.surprise=1", "needs a world model, which method ppo does not have: set"),
        ("ppo", "ppo.rollout=100000", "journal.max_steps 100000 is too small for ppo.rollout"),
        ("dreamer", "trainer.overshoot=1 trainer.overshoot_steps=32", "use fewer steps, a longer"),
        ("ppo", "method_settings={a: 1}", "method ppo has a section of its own"),
        ("ppo", "method=pppo", "'dreamer', 'world_models', 'ppo' or plugin:MODULE:NAME"),
        ("ppo", "method='plugin:'", "'dreamer', 'world_models', 'ppo' or plugin:MODULE:NAME"),
    ],
)
def test_settings_that_do_not_suit_the_method_are_refused(preset, override, message):
    overrides = [override] if "{" in override else override.split()
    assert message in error_of(Path(preset), *overrides)


def test_the_manual_says_what_methods_need_and_ignore():
    known = settings()
    assert known["critic.slow_rate"].description.endswith("Method dreamer only.")
    assert known["trainer.train_ratio"].description.endswith("Method ppo ignores it.")
    assert "Method world_models needs lstm. Method ppo needs none." in json_schema()
    paths = [path for method in METHODS.values() for path in (*method.ignores, *method.needs)]
    assert [path for path in paths if path not in known] == []
    assert {"ppo.rollout", "world_models.latent"} <= set(known)


def test_a_configuration_with_a_plugin_loads_without_the_plugin(tmp_path):
    """A recorded configuration is data: reading it must not import code that it names."""
    text = "method: plugin:nowhere.at.all:METHOD\nmethod_settings: {steps: 4, names: [a]}"
    config = load_config(write(tmp_path, text))
    assert method_plugin(config.method) == "nowhere.at.all:METHOD"
    assert load_config(write(tmp_path, dump_config(config))) == config
    other = config.model_copy(update={"method_settings": {"steps": 4}})
    assert other.section(Own).steps == 4
    with pytest.raises(BadInput, match=r"method_settings.names = \[\"a\"\].*allowed here: steps"):
        config.section(Own)


def test_a_method_outside_the_table_follows_the_same_rules():
    config = load_config(Path("ppo"))
    plain = LearningMethod("mine", "mine:Learner", has_world_model=False, off_policy=False)
    with pytest.raises(ValueError, match=r"model\.core none does not work with method mine"):
        check_method(config, plain)
    memoryless = LearningMethod(
        "mine", "mine:Learner", False, False, needs={"model.core": "none"}, check=lambda _: 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        check_method(config, memoryless)
    with pytest.raises(ValueError, match="none and ppo or mine need each other"):
        check_method(load_config(Path("dreamer")), memoryless)
