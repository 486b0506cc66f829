"""Says what is wrong with a configuration: where, which key, what was given, what is allowed."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from configs.errors import BadInput
from configs.reference import ITEM, Setting, settings, show
from configs.tree import Tree

_WORD = re.compile(r"\w+(?:\.\w+)*")
_NEAR = 1.1  # of 2: likeness of the whole path plus likeness of its last name
_MOST = 100  # problems explained; the rest are counted

Loc = tuple[str | int, ...]


class ConfigError(BadInput, ValueError):
    """A configuration that cannot be used. `problems` holds every one found, ready to print."""

    def __init__(self, problems: list[str]) -> None:
        # argv may carry bytes that are no text; the message must print everywhere
        self.problems = tuple(
            problem.encode("utf-8", "backslashreplace").decode() for problem in problems
        )
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"configuration: {count}\n  " + "\n\n  ".join(self.problems))


def explain(error: ValidationError, tree: Tree, *, partial: bool) -> list[str]:
    """One problem for each place.

    `partial`: some file could not be read, so rules between settings are not held against the rest.
    """
    found: dict[Loc, list[Any]] = {}
    for item in error.errors(include_url=False, include_context=False):
        if partial and item["type"] == "value_error":
            continue
        loc = item["loc"] if item["type"] == "missing" else _within(tree, item["loc"])
        found.setdefault(loc, []).append(item)
    for loc in [loc for loc, items in found.items() if items[0]["type"] == "too_short"]:
        # pydantic counts a list's bad items as absent: they are explained, not their number
        if any(other != loc and other[: len(loc)] == loc for other in found):
            del found[loc]
    problems = [_explain_one(loc, items, tree) for loc, items in list(found.items())[:_MOST]]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return problems + more


def _within(tree: Tree, loc: Loc) -> Loc:
    """The part of `loc` that is written in the tree; pydantic adds names of union members."""
    for depth, step in enumerate(loc):
        child = tree.child(step)
        if child is None:
            return loc[:depth]
        tree = child
    return loc


def _at(tree: Tree, loc: Loc) -> Tree:
    for step in _within(tree, loc):
        tree = tree.child(step) or tree
    return tree


def _explain_one(loc: Loc, items: list[Any], tree: Tree) -> str:
    path, kind = ".".join(map(str, loc)), items[0]["type"]
    if kind == "extra_forbidden":
        return f"{_at(tree, loc).where}  {_given(path, tree, loc)}\n    {unknown(path)}"
    messages = list(dict.fromkeys(str(item["msg"]) for item in items))
    if kind == "value_error":
        said = " ".join(message.removeprefix("Value error, ") for message in messages)
        return _explain_section(said, loc, tree)
    setting = _setting(path)
    head = f"{path}: missing" if kind == "missing" else _given(path, tree, loc)
    lines = [f"{_at(tree, loc).where}  {head or 'the whole'}"]
    if kind != "missing":
        lines.append("    " + " or ".join(message.removeprefix("Input ") for message in messages))
    if setting is not None:
        about = f" ({setting.description})" if setting.description else ""
        lines.append(f"    allowed: {setting.allowed}{about}")
    return "\n".join(lines)


def _explain_section(said: str, loc: Loc, tree: Tree) -> str:
    """A rule between settings: every setting it names, where that is written down."""
    named: list[Loc] = []
    for word in _WORD.findall(said):
        steps = tuple(word.split("."))
        for path in (steps, (*loc, *steps)):
            written = _within(tree, path) == path
            if written and path not in named and not isinstance(_at(tree, path).value, dict):
                named.append(path)
    places = [f"{_at(tree, at).where}  {_given('.'.join(map(str, at)), tree, at)}" for at in named]
    section = f"{_at(tree, loc).where}  {'.'.join(map(str, loc)) or 'the whole'}"
    head, *others = places or [section]
    return "\n    ".join([head, said, *(f"and {other}" for other in others)])


def _given(path: str, tree: Tree, loc: Loc) -> str:
    path, value = path[:200], show(_at(tree, loc).plain())
    return f"{path} = {value if len(value) <= 80 else value[:77] + '...'}"


def _setting(path: str) -> Setting | None:
    """The setting at `path`, or, for a name in an open mapping, that mapping."""
    known: Mapping[str, Setting] = settings()
    path = _general(path)
    if path in known:
        return known[path]
    return next((known[s] for s in known if known[s].open and path.startswith(f"{s}.")), None)


def _general(path: str) -> str:
    return ".".join(ITEM if step.isdigit() else step for step in path.split("."))


def unknown(path: str) -> str:
    """What to say of a key that is not in the schema."""
    if path.rsplit(".", 1)[-1] == "extends":
        return "unknown key; extends stands at the top of a file"
    near = nearest(path)
    if near == path:
        return f"unknown key; write it nested, not with dots: {path.replace('.', ': {', 1)}: ...}}"
    if near:
        return f"unknown key; did you mean {near}?"
    section = _general(path.rpartition(".")[0])
    here = [known.rpartition(".")[2] for known in settings() if known.rpartition(".")[0] == section]
    return f"unknown key; known here: {', '.join(key for key in here if key)}"


def nearest(path: str) -> str | None:
    """The known key most like `path`, by the whole of it and by its last name."""
    wanted = _general(path)[:200]
    scored = [(_likeness(wanted, known), known) for known in settings() if known]
    score, best = max(scored, key=lambda pair: pair[0])
    if score < _NEAR:
        return None
    indices = iter([step for step in path.split(".") if step.isdigit()])
    return ".".join(next(indices, step) if step == ITEM else step for step in best.split("."))


def _likeness(one: str, other: str) -> float:
    whole = difflib.SequenceMatcher(None, one, other).ratio()
    last = difflib.SequenceMatcher(None, one.rsplit(".", 1)[-1], other.rsplit(".", 1)[-1]).ratio()
    return whole + last
