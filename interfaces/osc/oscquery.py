"""OSCQuery: the JSON tree of the OSC methods of a program.

Sources: the OSCQuery proposal (Vidvox) and VRChat's vrc-oscquery-lib.
"""

import math
import random
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

CLIENT_NAME = re.compile(r"VRChat-Client-[A-Za-z0-9]{6}\Z")


def client_name(rng: random.Random | int) -> str:
    """A service name of the form that VRChat uses: VRChat-Client-XXXXXX. `rng` may be a seed."""
    rng = random.Random(rng) if isinstance(rng, int) else rng
    return "VRChat-Client-" + "".join(rng.choices(string.ascii_uppercase + string.digits, k=6))


@dataclass(frozen=True, slots=True)
class Node:
    """One OSC method.

    `access`: 0 none, 1 read, 2 write, 3 both.
    `types`: OSC type tags. The tag of a bool is T for both values.
    `value` and `range`: one entry for each type tag, or empty. `range` entries are (min, max).

    Raises ValueError for an invalid path or access.
    """

    full_path: str
    types: str
    access: int
    value: tuple[bool | int | float | str, ...] = ()
    range: tuple[tuple[float, float], ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        slash, *names = self.full_path.split("/")
        if slash or not names or not all(names):
            raise ValueError(f"{self.full_path!r} is not the full path of an OSC method")
        if self.access not in (0, 1, 2, 3):
            raise ValueError(f"{self.full_path}: access is 0, 1, 2 or 3, not {self.access!r}")


def node_tree(nodes: Iterable[Node]) -> Json:
    """The nested JSON of all nodes from / down. A number that is not finite becomes null."""
    root: Json = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}}
    for node in nodes:
        here, path = root, ""
        for name in node.full_path.split("/")[1:]:
            path += f"/{name}"
            inside = here.setdefault("CONTENTS", {})
            here = inside.setdefault(name, {"FULL_PATH": path, "ACCESS": 0})
        here |= _attributes(node)
    return root


def find_node(root: Json, path: str) -> Json | None:
    """The node at `path` with all nodes below it; None when there is none."""
    here = root
    for name in filter(None, path.split("/")):
        here = here.get("CONTENTS", {}).get(name)
        if here is None:
            return None
    return here


def host_info(name: str, osc_port: int, osc_ip: str = "127.0.0.1") -> Json:
    """The answer to ?HOST_INFO: the address for OSC, and the attributes that nodes can have."""
    extensions = {name: True for name in ("ACCESS", "RANGE", "TYPE", "VALUE")} | {"CLIPMODE": False}
    where = {"OSC_IP": osc_ip, "OSC_PORT": osc_port, "OSC_TRANSPORT": "UDP"}
    return {"NAME": name, **where, "EXTENSIONS": extensions}


def _attributes(node: Node) -> Json:
    attributes: Json = {"ACCESS": node.access, "TYPE": node.types.replace("F", "T")}
    if node.access and node.value:  # VRChat gives one for nodes that can only be written, too
        attributes["VALUE"] = [_finite_or_none(value) for value in node.value]
    if node.range:
        attributes["RANGE"] = [
            {"MIN": _finite_or_none(low), "MAX": _finite_or_none(high)} for low, high in node.range
        ]
    if node.description:
        attributes["DESCRIPTION"] = node.description
    return attributes


def _finite_or_none(value: bool | int | float | str) -> bool | int | float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
