"""Dataclasses as JSON and back, for snapshots."""

import copy
from dataclasses import fields
from typing import Any


def fields_of(instance: Any) -> dict[str, Any]:
    """The fields of a flat dataclass, by name. Lists are copied."""
    return {each.name: copy.deepcopy(getattr(instance, each.name)) for each in fields(instance)}


def restore_fields(instance: Any, state: dict[str, Any]) -> None:
    """Set every field to its value from fields_of(). Raises KeyError for a missing one."""
    for each in fields(instance):
        setattr(instance, each.name, copy.deepcopy(state[each.name]))
