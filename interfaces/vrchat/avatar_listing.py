"""What a client lists about its avatar by OSCQuery: names, types and values of its parameters."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from interfaces.osc.oscquery import Json
from interfaces.osc.values import Value, plain_value

PREFIX = "/avatar/parameters/"
TYPE_WORDS = {"f": "float", "i": "int", "T": "bool", "F": "bool", "s": "text"}  # by OSC type tag


@dataclass(frozen=True)
class Avatar:
    """The current avatar as the client reports it.

    values: by parameter name, None for one that cannot be read. writable: parameters that OSC may
    set. types: the OSC type tags of each parameter; T is a bool.

    ignored: how many values were unusable, such as NaN or a number of 400 digits.
    """

    id: str = ""
    values: dict[str, object] = field(default_factory=dict[str, object])
    writable: frozenset[str] = frozenset()
    types: dict[str, str] = field(default_factory=dict[str, str])
    ignored: int = 0


def avatar_of(root: object) -> Avatar:
    """The avatar in the JSON of the OSCQuery node /avatar, or of one above it.

    Raises ValueError if it is not a JSON object.
    """
    if not isinstance(root, dict):
        raise ValueError("/avatar is not a JSON object")
    nodes = {path: node for node in _nodes(root) if isinstance(path := node.get("FULL_PATH"), str)}
    parameters = {
        path.removeprefix(PREFIX): nodes[path] for path in nodes if path.startswith(PREFIX)
    }
    types = {
        name: kind for name, node in parameters.items() if isinstance(kind := node.get("TYPE"), str)
    }
    values: dict[str, object] = {name: _value(parameters[name]) for name in types}
    avatar_id = _value(nodes.get("/avatar/change", {}))
    return Avatar(
        id="" if avatar_id is None else str(avatar_id),
        values=values,
        writable=frozenset(
            name for name, node in parameters.items() if node.get("ACCESS") in (2, 3)
        ),
        types=types,
        ignored=sum(
            value is None and bool(parameters[name].get("VALUE")) for name, value in values.items()
        ),
    )


def _nodes(node: Json) -> Iterator[Json]:
    """The node and all nodes below it. Not recursive: an unknown program may send a deep tree."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        contents = current.get("CONTENTS")
        if isinstance(contents, dict):
            waiting += [each for each in contents.values() if isinstance(each, dict)]


def _value(node: Json) -> Value | None:
    value = node.get("VALUE")
    return plain_value(value[0]) if isinstance(value, list) and value else None
