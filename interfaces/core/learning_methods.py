"""The learning method of a configuration: from the table, or from a plugin."""

from configs.methods.method import LearningMethod
from configs.methods.rules import check_method
from configs.methods.table import METHODS, method_plugin
from configs.schema import Config
from interfaces.core.plugins import PluginError, explain_failure, load_plugin, plugin_place


def learning_method(config: Config) -> LearningMethod:
    """What the method declares. Raises PluginError for a plugin that is no LearningMethod."""
    plugin = method_plugin(config.method)
    if plugin is None:
        return METHODS[config.method]
    found, place = load_plugin("method", plugin), plugin_place("method", plugin)
    if not isinstance(found, LearningMethod):
        raise PluginError(
            f"{place}: its type is {type(found).__name__}, but it must be a LearningMethod of "
            "configs/methods/method.py"
        )
    if found.name in METHODS:
        raise PluginError(f"{place}: its name {found.name} is that of a method of Yume; change it")
    return found


def method_name(config: Config) -> str:
    """The name of the method, to compare it with another or to show it. Loads no plugin."""
    return config.method


def has_plugin_method(config: Config) -> bool:
    """Whether the method is a plugin. Loads nothing."""
    return method_plugin(config.method) is not None


def check_learning_method(config: Config) -> None:
    """Checks the settings against the method, where it is a plugin.

    The schema checks the methods of the table. Raises PluginError, and BadInput for
    `method_settings` that the method does not allow.
    """
    plugin = method_plugin(config.method)
    if plugin is None:
        return
    method, place = learning_method(config), plugin_place("method", plugin)
    if method.settings is not None:
        config.section(method.settings)
    elif config.method_settings:
        raise PluginError(f"{place}: the method has no settings, but method_settings are given")
    try:
        check_method(config, method)
    except ValueError as error:
        raise PluginError(f"{place}: {error}") from error
    except Exception as error:
        raise PluginError(explain_failure(place, method.check, "its check", error)) from error
