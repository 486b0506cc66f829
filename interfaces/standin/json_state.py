"""Dataclasses as JSON and back, for snapshots."""

import copy
from dataclasses import fields
from typing import Any


def remember(thing: Any) -> dict[str, Any]:
    """The fields of a flat dataclass; lists are copied."""
    return {each.name: copy.deepcopy(getattr(thing, each.name)) for each in fields(thing)}


def recall(thing: Any, state: dict[str, Any]) -> None:
    """Set the fields to what remember() gave. Raises KeyError for one that is missing."""
    for each in fields(thing):
        setattr(thing, each.name, copy.deepcopy(state[each.name]))
