"""Parses YAML into a tree in which every value has its file, line and column."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from configs.loading.misread_numbers import misread_number

MAX_NODES = 10_000  # with aliases expanded, against a "billion laughs" file
MAX_DEPTH = 32
_MAX_NUMBER = 100  # characters of a number: Python's base 60 takes quadratic time
_MAX_OPEN_BRACKETS = 4 * MAX_DEPTH

_TAG = "tag:yaml.org,2002:"
_SCALARS = frozenset(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "str"))
_EXPONENT = re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")


class _Loader(yaml.SafeLoader):
    """YAML 1.1, except that 1e-3 is a number (1.1 requires 1.0e-3) and a date stays text.

    It stops early at a text with too many values or brackets: PyYAML needs seconds for such a one.
    """

    composed = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As PyYAML does, up to MAX_NODES."""
        self.composed += 1
        if self.composed > 2 * MAX_NODES:  # a key is a node too
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem=f"more than {MAX_NODES} values", problem_mark=mark)
        return super().compose_node(parent, index)

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:
        """As PyYAML does, up to a depth that no accepted document has."""
        if self.flow_level > _MAX_OPEN_BRACKETS:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=self.get_mark())
        super().fetch_flow_collection_start(TokenClass)

    yaml_implicit_resolvers = {  # noqa: RUF012 - the name is PyYAML's; nothing writes to it
        first: [(tag, pattern) for tag, pattern in pairs if tag != f"{_TAG}timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class Dumper(yaml.SafeDumper):
    """Writes YAML that the loader reads back unchanged: the text '1e-3' gets quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always true: no anchors and aliases are written."""
        return True


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    # PyYAML turns a lone U+0085 into a space unless it is escaped
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar(f"{_TAG}str", text, style)


_Loader.add_implicit_resolver(f"{_TAG}float", _EXPONENT, list("-+0123456789"))
Dumper.add_implicit_resolver(f"{_TAG}float", _EXPONENT, list("-+0123456789"))
Dumper.add_representer(str, _text)


@dataclass(frozen=True)
class Tree:
    """A mapping, a list or a scalar.

    `where`: its place in the form FILE:LINE:COLUMN. An entry of a mapping has the place of its key.
    `word`: how a true or false was written, if as yes, no, on or off.
    """

    value: "dict[str, Tree] | list[Tree] | str | int | float | bool | None"
    where: str
    word: str = ""

    def plain(self) -> Any:
        """The same value as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, step: str | int) -> "Tree | None":
        """The entry of this key or index; None if there is none."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def at(self, steps: Sequence[str | int]) -> "Tree | None":
        """The node that these keys and indices lead to; None if there is none."""
        node: Tree | None = self
        for step in steps:
            node = None if node is None else node.child(step)
        return node


class InvalidYaml(ValueError):
    """Text that is not YAML, or uses parts of YAML that are not supported.

    The message starts with the place.
    """


@dataclass
class _Reader:
    """Converts PyYAML's nodes into a Tree. Errors that do not stop the reader go to `problems`."""

    loader: _Loader
    origin: str
    lines: bool
    problems: list[str]
    nodes: int = 0

    def where(self, mark: Any) -> str:
        """The place of a mark: the origin, and line and column where there are any."""
        if not self.lines or mark is None:
            return self.origin
        return f"{self.origin}:{mark.line + 1}:{mark.column + 1}"

    def tree(self, node: yaml.Node, where: str, depth: int = 0, key: str = "") -> Tree:
        """The Tree of a node. Raises InvalidYaml for too many or too deep values and for tags."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise InvalidYaml(
                f"{where}  more than {MAX_NODES} values or {MAX_DEPTH} levels (aliases expanded)"
            )
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return Tree(self._mapping(node, depth), where)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            items = [self.tree(item, self.where(item.start_mark), depth + 1) for item in node.value]
            return Tree(items, where)
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            try:
                if node.tag != f"{_TAG}str" and len(node.value) > _MAX_NUMBER:
                    raise ValueError
                value = self.loader.construct_object(node)
                str(value).encode()  # fails for a lone surrogate and for too many digits
            except (ValueError, LookupError, OverflowError, yaml.YAMLError):
                raise InvalidYaml(f"{where}  cannot read {node.value[:60]!r}") from None
            if node.style is None and (advice := misread_number(node.value, value)):
                name = f"{key} = " if key else ""
                self.problems.append(f"{where}  {name}{node.value[:60]}\n    {advice}")
            is_word = isinstance(value, bool) and node.value.lower() not in ("true", "false")
            return Tree(value, where, node.value if is_word else "")
        raise InvalidYaml(f"{where}  the tag {node.tag.replace(_TAG, '!!')[:60]} is not supported")

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Tree]:
        entries: dict[str, Tree] = {}
        for key_node, value_node in node.value:
            where = self.where(key_node.start_mark)
            if key_node.tag != f"{_TAG}str" or not isinstance(key_node, yaml.ScalarNode):
                given = key_node.value if isinstance(key_node, yaml.ScalarNode) else "a list"
                hint = "use extends" if given == "<<" else "a key must be text; put it in quotes"
                self.problems.append(f"{where}  key {given}\n    {hint}")
                continue
            key, child = key_node.value, self.tree(value_node, where, depth + 1, key_node.value)
            if key in entries:
                first = entries[key].where
                self.problems.append(f"{where}  {key}\n    written twice; the first is at {first}")
                continue
            entries[key] = child
        return entries


def parse(text: str, origin: str, problems: list[str], *, lines: bool = True) -> Tree:
    """The tree of one YAML document; an empty document is null.

    Duplicate keys and keys that are not text are left out and go to `problems`. With `lines=False`
    a place is only the origin, for text that is not in a file. Raises InvalidYaml.
    """
    try:
        loader = _Loader(text)
        reader = _Reader(loader, origin, lines, problems)
        node = loader.get_single_node()
        if node is None:
            return Tree(None, origin)
        return reader.tree(node, reader.where(node.start_mark))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{origin}:{mark.line + 1}:{mark.column + 1}" if mark and lines else origin
        raise InvalidYaml(f"{where}  not YAML: {error.problem or error.context}") from None
    except RecursionError:
        raise InvalidYaml(f"{origin}  nested too deeply") from None
    except InvalidYaml:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidYaml(f"{origin}  not YAML: {first_line}") from None


def merge(under: Tree, over: Tree) -> Tree:
    """Merge `over` into `under`: mappings merge, any other value of `over` replaces."""
    if not (isinstance(under.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(under.value)
    for key, child in over.value.items():
        merged[key] = merge(merged[key], child) if key in merged else child
    return Tree(merged, over.where)
