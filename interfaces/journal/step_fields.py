"""The fields of a Step as JSON, in layout.json and in every segment file."""

import re
from typing import Any

import numpy as np

_TYPE = re.compile(r"[<|]([iu][1248]|f[48]|b1)")
_MAX_BYTES = 2**30  # of one Step


def fields_to_json(step: np.dtype[np.void]) -> list[Any]:
    """[name, type] or [name, type, shape] of every field, in NumPy's notation."""
    return [[*field[:2], *(list(shape) for shape in field[2:])] for field in step.descr]


def fields_from_json(content: Any) -> np.dtype[np.void]:
    """The record type of these fields. Only numbers are accepted. Raises ValueError."""
    fields: list[tuple[str, str, tuple[int, ...]]] = []
    try:
        for name, kind, *shape in content:
            sides = tuple(int(side) for side in (shape[0] if shape else ()))
            if not isinstance(name, str) or not _TYPE.fullmatch(kind) or min(sides, default=0) < 0:
                raise ValueError(f"the field {name!r} of type {kind!r}")
            fields.append((name, kind, sides))
        step = np.dtype(fields)
    except (TypeError, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise ValueError(f"no list of fields: {error}") from error
    if not 0 < step.itemsize <= _MAX_BYTES:
        raise ValueError(f"Steps of {step.itemsize} bytes")
    return step
