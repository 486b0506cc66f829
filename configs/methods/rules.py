"""The rules between `method` and the other settings, from what the methods declare."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from configs.methods.method import LearningMethod
from configs.methods.table import METHODS


def check_method(config: Any, method: LearningMethod) -> None:
    """Raises ValueError where the settings of a Config do not suit its method."""
    for (path, value), owners in _needs({**METHODS, method.name: method}.values()).items():
        section, key = path.split(".")
        given = getattr(getattr(config, section), key)
        if (method.name in owners) != (given == value):
            raise ValueError(
                f"{path} {given} does not work with method {method.name}: {value} and "
                f"{' or '.join(owners)} need each other"
            )
    if config.actor.slow_rate < 1 and not method.has_slow_policy:
        with_one = " and ".join(each.name for each in METHODS.values() if each.has_slow_policy)
        raise ValueError(
            f"actor.slow_rate {config.actor.slow_rate}: only method {with_one} has a slow policy; "
            f"with {method.name} it must be 1"
        )
    if config.reward.surprise and not method.has_world_model:
        raise ValueError(
            f"reward.surprise {config.reward.surprise} needs a world model, which method "
            f"{method.name} does not have: set it to 0"
        )
    method.check(config)


def method_notes() -> dict[str, str]:
    """For each setting that a method needs, ignores or comments on: sentences for the manual."""
    methods = METHODS.values()
    notes = defaultdict[str, list[str]](list)
    for (path, value), owners in _needs(methods).items():
        notes[path].append(f"{_methods(owners, 'needs', 'need')} {value}.")
    for path in sorted({path for method in methods for path in method.ignores}):
        users = [method.name for method in methods if path not in method.ignores]
        ignoring = [method.name for method in methods if path in method.ignores]
        only = f"Method {users[0]} only." if len(users) == 1 else ""
        notes[path].append(only or f"{_methods(ignoring, 'ignores', 'ignore')} it.")
    for method in methods:
        for path, note in method.notes.items():
            notes[path].append(note)
    return {path: " ".join(sentences) for path, sentences in notes.items()}


def _needs(methods: Iterable[LearningMethod]) -> dict[tuple[str, object], list[str]]:
    """The names of the methods that need each (path, value)."""
    owners = defaultdict[tuple[str, object], list[str]](list)
    for method in methods:
        for need in method.needs.items():
            owners[need].append(method.name)
    return owners


def _methods(names: list[str], one: str, several: str) -> str:
    if len(names) == 1:
        return f"Method {names[0]} {one}"
    return f"Methods {', '.join(names[:-1])} and {names[-1]} {several}"
