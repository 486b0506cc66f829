"""Takes the wanted messages out of an OSC bundle by sizes and address prefixes alone.

A flood of bundles must not delay the body. So nothing in a bundle is parsed here. The work is
bounded by the number of elements, by the depth, and by the bytes of all bundles within a window.
"""

import struct
from collections.abc import Callable

from interfaces.osc.message import BUNDLE, BUNDLE_HEADER, MAX_DEPTH

MAX_ELEMENTS = 256  # of one bundle, nested ones included
# VRChat sends its parameters one by one. A program that forwards them in bundles needs 15 kB in
# this time: 100 parameters in each of 60 frames per second.
_WINDOW_S, _WINDOW_BYTES = 0.05, 65_536
_SIZE_AT = struct.Struct(">i").unpack_from


def split_bundle(bundle: bytes, prefix: bytes) -> list[bytes] | None:
    """The messages whose address has this prefix, in order; of nested bundles too.

    None for a bundle that is malformed, nested deeper than MAX_DEPTH levels, or larger than
    MAX_ELEMENTS elements. Such a bundle counts as a whole: none of its messages is used.
    """
    if len(bundle) < BUNDLE_HEADER:
        return None
    found: list[bytes] = []
    ends, at, elements = [len(bundle)], BUNDLE_HEADER, 0
    while ends:
        end = ends[-1]
        if at == end:
            ends.pop()
            continue
        if at + 4 > end:
            return None
        size = _SIZE_AT(bundle, at)[0]
        at += 4
        elements += 1
        if size <= 0 or size > end - at or elements > MAX_ELEMENTS:
            return None
        if bundle.startswith(prefix, at):
            found.append(bundle[at : at + size])
            at += size
        elif bundle.startswith(BUNDLE, at):
            if size < BUNDLE_HEADER or len(ends) >= MAX_DEPTH:
                return None
            ends.append(at + size)
            at += BUNDLE_HEADER
        else:
            at += size
    return found


class BundleReader:
    """Splits bundles, and drops those that come faster than any program needs.

    `prefix`: of the addresses that are wanted. `now`: a clock, in seconds.
    """

    def __init__(self, prefix: bytes, now: Callable[[], float]) -> None:
        self._prefix, self._now = prefix, now
        self._window_ends_s, self._left_bytes = 0.0, _WINDOW_BYTES

    def messages(self, bundle: bytes) -> list[bytes]:
        """The wanted messages of a bundle. None of them if the bundle is dropped."""
        if bundle.find(self._prefix) < 0:
            return []
        now = self._now()
        if not 0.0 < self._window_ends_s - now <= _WINDOW_S:
            self._window_ends_s, self._left_bytes = now + _WINDOW_S, _WINDOW_BYTES
        self._left_bytes -= len(bundle)
        if self._left_bytes < 0:
            return []
        return split_bundle(bundle, self._prefix) or []
