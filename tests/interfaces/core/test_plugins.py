"""Plugins are loaded in one place, and an error names what is wrong with one."""

import pytest

from configs.errors import BadInput
from interfaces.core import plugins
from interfaces.core.plugins import load_plugin
from tests.plugin_modules import install, write_module

SOURCE = """
    class Camera:
        @classmethod
        def from_config(cls, config, clock): return cls()
    def make(config, seed): return "a world"
    def with_default(config, seed, size=3): return "a world"
    def one_argument(config): pass
    def keyword_only(config, *, seed): pass
    number = 7
"""


@pytest.fixture
def my_plugin(tmp_path, monkeypatch):
    write_module(monkeypatch, tmp_path, "my_plugin", SOURCE)


@pytest.mark.usefixtures("my_plugin")
def test_module_and_name_give_the_object():
    assert load_plugin("world", "my_plugin:make")(None, 0) == "a world"
    assert load_plugin("world", "my_plugin:with_default")(None, 0) == "a world"
    assert load_plugin("camera", "my_plugin:Camera.from_config")(None, None)
    assert load_plugin("method", "my_plugin:number") == 7, "a method is no function"


@pytest.mark.usefixtures("my_plugin")
@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("no_such_module:make", "there is no module no_such_module; put no_such_module.py into"),
        ("my_plugin.sub:make", r"the module my_plugin.sub|there is no module my_plugin.sub"),
        ("my_plugin:maek", r"the module my_plugin \(.*my_plugin.py\) has no maek; did you mean ma"),
        ("my_plugin:one_argument", r"its signature is \(config\), but Yume calls it with \(config"),
        ("my_plugin:keyword_only", r"its signature is \(config, \*, seed\)"),
        ("my_plugin:number", r"a int, not a function; it must be callable as \(config, seed\)"),
    ],
)
def test_unusable_reference_is_refused_with_setting_and_cure(reference, message):
    with pytest.raises(BadInput, match=f"world.plugin {reference}: .*({message})"):
        load_plugin("world", reference)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", r"in broken_plugin.<module>, line 1 \(ZeroDivisionError: division by zero\)"),
        ("def f(: pass", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_module_that_does_not_import_is_refused_with_its_error(
    source, message, tmp_path, monkeypatch
):
    write_module(monkeypatch, tmp_path, "broken_plugin", source)
    with pytest.raises(BadInput, match=message) as raised:
        load_plugin("reward", "broken_plugin:term")
    assert "reward.terms broken_plugin:term: the module broken_plugin does not" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("my_plugin")
def test_installed_entry_point_is_found_by_its_name(tmp_path):
    install(tmp_path, "package_a", "yume.worlds", square="my_plugin:make", bad="my_plugin:number")
    assert load_plugin("world", "square")(None, 0) == "a world"
    with pytest.raises(BadInput, match=r"world.plugin sqare: .*did you mean square\?"):
        load_plugin("world", "sqare")
    with pytest.raises(BadInput, match=r"world.plugin bad \(my_plugin:number\): a int"):
        load_plugin("world", "bad")
    with pytest.raises(BadInput, match=r"in the group yume.cameras \(installed: none\)"):
        load_plugin("camera", "square")


@pytest.mark.usefixtures("my_plugin")
def test_two_entry_points_of_one_name_are_refused_with_both_packages(tmp_path):
    install(tmp_path, "package_a", "yume.worlds", square="my_plugin:make")
    install(tmp_path, "package_b", "yume.worlds", square="other:make")
    with pytest.raises(BadInput) as raised:
        load_plugin("world", "square")
    assert "my_plugin:make of package_a and other:make of package_b" in str(raised.value)


def test_reference_that_is_not_allowed_is_never_imported(tmp_path, monkeypatch):
    write_module(monkeypatch, tmp_path, "stranger", "raise AssertionError('imported')")
    monkeypatch.setattr(plugins, "is_allowed", lambda kind, reference: False)
    with pytest.raises(BadInput, match=r"world.plugin stranger:make: this configuration must"):
        load_plugin("world", "stranger:make")


def test_a_file_of_the_user_replaces_no_module_of_yume(tmp_path, monkeypatch):
    write_module(monkeypatch, tmp_path, "queue", "make = 1", on_path=False)
    plugins.add_plugin_folders([tmp_path])
    import queue

    assert str(tmp_path) not in queue.__file__
