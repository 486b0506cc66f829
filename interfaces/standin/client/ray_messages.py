"""The datagrams of raycasts: their bytes are prepared, and only the values are written in."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from interfaces.osc.message import encode
from interfaces.standin.client.parameters import PREFIX

_FLOAT = np.dtype(">f4")  # as in OSC


class RayMessages:
    """Encodes the parameters of the rays with these names.

    Floats are in the order of `names`: first every NAME_Ratio, then every NAME_Distance. R rays.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._hits = [
            tuple(encode(f"{PREFIX}{name}_Hit", value) for value in (False, True)) for name in names
        ]
        floats = [
            encode(f"{PREFIX}{name}{ending}", 0.0)
            for ending in ("_Ratio", "_Distance")
            for name in names
        ]
        # Neighbours of equal length share a table, whose rows are datagrams and whose last column
        # holds the values: begin, end, column, rows.
        self._tables: list[tuple[int, int, NDArray[np.float32], NDArray[np.void]]] = []
        begin = 0
        for length, group in groupby(floats, len):
            raw = b"".join(group)
            words = np.frombuffer(bytearray(raw), _FLOAT).reshape(-1, length // _FLOAT.itemsize)
            rows = words.view(np.dtype((np.void, length)))[:, 0]
            self._tables.append((begin, begin + len(words), words[:, -1], rows))
            begin += len(words)

    def hits(self, values: NDArray[np.bool_], changed: NDArray[np.bool_]) -> list[bytes]:
        """NAME_Hit of the changed rays; both arrays bool (R,)."""
        return [self._hits[i][bool(values[i])] for i in changed.nonzero()[0].tolist()]

    def floats(self, values: NDArray[np.float32], changed: NDArray[np.bool_]) -> list[bytes]:
        """The changed floats; `values` float32 and `changed` bool, both (2 R,)."""
        datagrams: list[bytes] = []
        for begin, end, column, rows in self._tables:
            column[:] = values[begin:end]
            datagrams += rows[changed[begin:end]].tolist()
        return datagrams
