"""Explains what is wrong with a configuration: place, key, given value and allowed values."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from configs.errors import BadInput
from configs.loading.reference import ITEM, Setting, settings, to_json
from configs.loading.renamed_keys import new_path, old_paths
from configs.loading.tree import Tree
from configs.visible_text import visible

_WORD = re.compile(r"\w+(?:\.\w+)*")
_MIN_LIKENESS = 1.1  # of 2: likeness of the whole path plus likeness of its last name
_MAX_EXPLAINED = 100  # further problems are only counted

Location = tuple[str | int, ...]  # keys and indices from the top of the configuration


class ConfigError(BadInput, ValueError):
    """A configuration that cannot be used. `problems` holds every problem, ready to print."""

    def __init__(self, problems: list[str]) -> None:
        # the command line may contain bytes that are not text; the message must print everywhere
        self.problems = tuple(
            visible(problem.encode("utf-8", "backslashreplace").decode()) for problem in problems
        )
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"configuration: {count}\n  " + "\n\n  ".join(self.problems))


def explain(error: ValidationError, tree: Tree, *, partial: bool) -> list[str]:
    """One problem for each place in `tree`.

    `partial`: some file could not be read. Rules between settings are not checked then, because the
    missing file may satisfy them.
    """
    by_location: dict[Location, list[Any]] = {}
    for item in error.errors(include_url=False, include_context=False):
        if partial and item["type"] == "value_error":
            continue
        location = item["loc"] if item["type"] == "missing" else _written_part(tree, item["loc"])
        by_location.setdefault(location, []).append(item)
    for location in [at for at, items in by_location.items() if items[0]["type"] == "too_short"]:
        # pydantic does not count the wrong items of a list; they are explained instead of the count
        if any(other != location and other[: len(location)] == location for other in by_location):
            del by_location[location]
    explained = list(by_location.items())[:_MAX_EXPLAINED]
    problems = [_explain_one(location, items, tree) for location, items in explained]
    more = len(by_location) - _MAX_EXPLAINED
    return [*problems, f"and {more} more"] if more > 0 else problems


def explain_unknown(path: str) -> str:
    """The advice for a key that is not in the schema."""
    if path.rsplit(".", 1)[-1] == "extends":
        return "unknown key; extends belongs at the top of a file"
    near = nearest(path)
    if near is not None and near == new_path(path):
        return f"unknown key; write it nested, not with dots: {near.replace('.', ': {', 1)}: ...}}"
    if near:
        return f"unknown key; did you mean {near}?"
    section = _as_in_schema(path.rpartition(".")[0])
    here = [known.rpartition(".")[2] for known in settings() if known.rpartition(".")[0] == section]
    return f"unknown key; known here: {', '.join(key for key in here if key)}"


def nearest(path: str) -> str | None:
    """The known key most like `path`, by the whole path and by its last name; None: no key is.

    A path that is like an old name of a key gives its new name.
    """
    wanted = _as_in_schema(path)[:200]
    scored = [
        (_likeness(wanted, name), known)
        for known in settings()
        if known
        for name in (known, *old_paths(known))
    ]
    score, best = max(scored, key=lambda pair: pair[0])
    if score < _MIN_LIKENESS:
        return None
    indices = iter([step for step in path.split(".") if step.isdigit()])
    return ".".join(next(indices, step) if step == ITEM else step for step in best.split("."))


def _written_part(tree: Tree, location: Location) -> Location:
    """The part of `location` that is in the tree; pydantic adds names of union members."""
    for depth, step in enumerate(location):
        child = tree.child(step)
        if child is None:
            return location[:depth]
        tree = child
    return location


def _node(tree: Tree, location: Location) -> Tree:
    """The deepest node on the way to `location`."""
    return tree.at(_written_part(tree, location)) or tree


def _explain_one(location: Location, items: list[Any], tree: Tree) -> str:
    path, kind = ".".join(map(str, location)), items[0]["type"]
    where = _node(tree, location).where
    if kind == "extra_forbidden":
        return f"{where}  {_given(path, tree, location)}\n    {explain_unknown(path)}"
    messages = list(dict.fromkeys(str(item["msg"]) for item in items))
    if kind == "value_error":
        message = " ".join(each.removeprefix("Value error, ") for each in messages)
        return _explain_rule(message, location, tree)
    setting = _setting(path)
    head = f"{path}: missing" if kind == "missing" else _given(path, tree, location)
    lines = [f"{where}  {head or 'the whole configuration'}"]
    if kind != "missing":
        lines.append("    " + " or ".join(message.removeprefix("Input ") for message in messages))
    if setting is not None:
        about = f" ({setting.summary})" if setting.summary else ""
        lines.append(f"    allowed: {setting.allowed}{about}")
    return "\n".join(lines)


def _explain_rule(message: str, location: Location, tree: Tree) -> str:
    """A rule between settings, with the place of every setting that the message names."""
    named: list[Location] = []
    for word in _WORD.findall(message):
        steps = tuple(word.split("."))
        for at in (steps, (*location, *steps)):
            written = _written_part(tree, at) == at
            if written and at not in named and not isinstance(_node(tree, at).value, dict):
                named.append(at)
    places = [
        f"{_node(tree, at).where}  {_given('.'.join(map(str, at)), tree, at)}" for at in named
    ]
    path = ".".join(map(str, location))
    section = f"{_node(tree, location).where}  {path or 'the whole configuration'}"
    head, *others = places or [section]
    return "\n    ".join([head, message, *(f"and {other}" for other in others)])


def _given(path: str, tree: Tree, location: Location) -> str:
    path, value = path[:200], to_json(_node(tree, location).plain())
    return f"{path} = {value if len(value) <= 80 else value[:77] + '...'}"


def _setting(path: str) -> Setting | None:
    """The setting at `path`; for a free name in an open mapping, the mapping."""
    known: Mapping[str, Setting] = settings()
    path = _as_in_schema(path)
    if path in known:
        return known[path]
    return next((known[s] for s in known if known[s].open and path.startswith(f"{s}.")), None)


def _as_in_schema(path: str) -> str:
    """`path` with N for each index of a list."""
    return ".".join(ITEM if step.isdigit() else step for step in path.split("."))


def _likeness(one: str, other: str) -> float:
    whole = difflib.SequenceMatcher(None, one, other).ratio()
    last = difflib.SequenceMatcher(None, one.rsplit(".", 1)[-1], other.rsplit(".", 1)[-1]).ratio()
    return whole + last
