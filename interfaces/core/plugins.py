"""Loads plugins: worlds, reward terms, camera sources and methods that are not part of Yume.

Every import of plugin code goes through `load_plugin`. Only commands that act or learn with the
user's own configuration or with a known run call it. Code that reads recordings does not: a
recording may come from another person, and the configuration in it is data. The one exception is
`replay`, which needs the learning method of a run, and therefore a known run.
"""

import difflib
import importlib
import inspect
import sys
import traceback
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from configs.errors import BadInput
from configs.methods.table import method_plugin
from configs.plugin_reference import camera_plugin
from configs.schema import Config

PluginKind = Literal["world", "reward", "camera", "method"]
_MAX_REASON = 200  # characters of an error that a message repeats


class PluginError(BadInput):
    """A plugin that cannot be used. The message names setting, module, function and cure."""


@dataclass(frozen=True)
class _KindOfPlugin:
    """`group`: of the entry points. `setting`: the YAML key, and what stands before the reference.

    `arguments`: what Yume calls the plugin with, by position. None: it is not called.
    """

    group: str
    setting: str
    arguments: tuple[str, ...] | None


_KINDS: dict[PluginKind, _KindOfPlugin] = {
    "world": _KindOfPlugin("yume.worlds", "world.plugin ", ("config", "seed")),
    "reward": _KindOfPlugin("yume.rewards", "reward.terms ", ("steps",)),
    "camera": _KindOfPlugin("yume.cameras", "world.camera.source plugin:", ("config", "clock")),
    "method": _KindOfPlugin("yume.methods", "method plugin:", None),
}


def is_allowed(kind: PluginKind, reference: str) -> bool:
    """Whether a configuration may load this plugin: the one place that decides it.

    Everything is allowed that a YAML file of the user or a known run names. Commands check that a
    run is known before they load its plugins (interfaces/runtime/known_runs.py).
    """
    return True


def load_plugin(kind: PluginKind, reference: str) -> Any:
    """The object that `reference` names: `module:name`, or an installed entry point.

    Modules are found where Python finds them and in the folders of `add_plugin_folders`. Raises
    PluginError if the plugin is unknown, does not import, is not allowed, or cannot be called with
    the arguments of its kind.
    """
    place = plugin_place(kind, reference)
    if not is_allowed(kind, reference):
        raise PluginError(f"{place}: this configuration must not load plugins")
    module, separator, name = reference.partition(":")
    if not separator:
        module, name = _entry_point(kind, reference)
        place = f"{place} ({module}:{name})"
    plugin = _attribute(_import(module, place), module, name, place)
    arguments = _KINDS[kind].arguments
    if arguments is not None:
        check_call(plugin, arguments, place)
    return plugin


def plugin_place(kind: PluginKind, reference: str) -> str:
    """How messages name a plugin: its setting and its reference."""
    return f"{_KINDS[kind].setting}{reference}"


def check_call(plugin: Any, arguments: Collection[str], place: str) -> None:
    """Raises PluginError unless `plugin` can be called with as many positional arguments."""
    wanted = f"({', '.join(arguments)})"
    if not callable(plugin):
        raise PluginError(
            f"{place}: a {type(plugin).__name__}, not a function; it must be callable as {wanted}"
        )
    try:
        signature = inspect.signature(plugin)
    except (TypeError, ValueError):  # some functions in C have no signature
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise PluginError(
            f"{place}: its signature is {signature}, but Yume calls it with {wanted} ({error})"
        ) from error


def explain_failure(place: str, plugin: Any, what: str, error: BaseException) -> str:
    """One line about an error in the code of `plugin`: what failed, where, why, and the cure."""
    module = str(getattr(plugin, "__module__", ""))
    where = _where(error, module)
    return f"{place}: {what} failed{where} ({_reason(error)}): correct the plugin"


def plugins_of(config: Config) -> list[tuple[PluginKind, str]]:
    """Kind and reference of every plugin that a configuration names. Loads nothing."""
    plugins = list[tuple[PluginKind, str]]()
    if config.world.plugin is not None:
        plugins.append(("world", config.world.plugin))
    if (camera := camera_plugin(config.world.camera.source)) is not None:
        plugins.append(("camera", camera))
    for term in config.reward.terms.values():
        plugins.append(("reward", term.source))
    if (method := method_plugin(config.method)) is not None:
        plugins.append(("method", method))
    return plugins


def check_plugins(config: Config, kinds: Collection[PluginKind]) -> None:
    """Loads the plugins of these kinds, so that errors appear before a run starts.

    Raises PluginError.
    """
    for kind, reference in plugins_of(config):
        if kind in kinds:
            load_plugin(kind, reference)


def add_plugin_folders(folders: Iterable[Path]) -> None:
    """Lets Python find modules in these folders, after all other places.

    They come last, so that a file of the user replaces no module of Python or of Yume.
    """
    for folder in map(str, folders):
        if folder not in sys.path:
            sys.path.append(folder)
        sys.path_importer_cache.pop(folder, None)  # files written since the last import are found


def _entry_point(kind: PluginKind, reference: str) -> tuple[str, str]:
    """Module and name of the installed entry point. Raises PluginError for none or several."""
    group, place = _KINDS[kind].group, plugin_place(kind, reference)
    known = metadata.entry_points(group=group)
    matching = {(_distribution(each), each.value): each for each in known if each.name == reference}
    if not matching:
        names = sorted({each.name for each in known})
        close = difflib.get_close_matches(reference, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"installed: {', '.join(names) or 'none'}"
        raise PluginError(
            f"{place}: no installed package has this entry point in the group {group} ({hint}); "
            "write module:name for a function in a file"
        )
    if len(matching) > 1:
        owners = " and ".join(f"{value} of {owner}" for owner, value in sorted(matching))
        raise PluginError(
            f"{place}: several entry points in the group {group} have this name: {owners}; write "
            "module:name instead, or uninstall one"
        )
    ((_, value),) = matching
    module, _, name = value.split("[")[0].strip().partition(":")
    return module, name


def _distribution(entry_point: metadata.EntryPoint) -> str:
    return "an unknown package" if entry_point.dist is None else entry_point.dist.name


def _import(module: str, place: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise _import_error(module, place, error) from error
        raise PluginError(
            f"{place}: there is no module {module}; put {module.split('.')[0]}.py into the current "
            "folder or beside the YAML file, or install its package"
        ) from error
    except (Exception, SystemExit) as error:
        raise _import_error(module, place, error) from error


def _import_error(module: str, place: str, error: BaseException) -> PluginError:
    return PluginError(
        f"{place}: the module {module} does not import{_where(error, module)} ({_reason(error)}); "
        f'python -c "import {module}" shows the whole error'
    )


def _attribute(loaded: Any, module: str, name: str, place: str) -> Any:
    found = loaded
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            close = difflib.get_close_matches(part, [n for n in dir(found) if n[0] != "_"], 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            file = getattr(loaded, "__file__", None)
            raise PluginError(
                f"{place}: the module {module} ({file}) has no {name}{hint}"
            ) from error
    return found


def _where(error: BaseException, module: str) -> str:
    """The innermost function of the plugin that the error passed, and its line; or "".

    A library that the plugin calls is not named: the reader looks for the place in the plugin.
    """
    package = module.split(".")[0]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = str(frame.f_globals.get("__name__", ""))
        if name.split(".")[0] == package:
            return f" in {name}.{frame.f_code.co_qualname}, line {line}"
    return ""


def _reason(error: BaseException) -> str:
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:_MAX_REASON]}".removesuffix(": ")
