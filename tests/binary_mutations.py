"""Damaged copies of a binary file, from a fixed seed: bits, cuts, sizes, moved records."""

import random
from collections.abc import Iterator, Sequence

_SIZES = (0, 1, 2**31, 2**32 - 1, 2**43, 2**62, 2**63, 2**64 - 1)


def damaged_copies(
    content: bytes, parts: Sequence[tuple[int, int]], count: int, seed: int = 0
) -> Iterator[bytes]:
    """`count` damaged copies.

    `parts`: (start, end) of records, which are swapped, repeated and removed, and whose first bytes
    get absurd sizes.
    """
    some = random.Random(seed)
    for _ in range(count):
        copy = bytearray(content)
        for _ in range(some.choice((1, 1, 1, 2, 5))):
            _damage(copy, parts, some)
        yield bytes(copy)


def _damage(copy: bytearray, parts: Sequence[tuple[int, int]], some: random.Random) -> None:
    if not copy:
        return
    kind, at = some.randrange(8), some.randrange(len(copy))
    start, end = some.choice(parts)
    other_start, other_end = some.choice(parts)
    if kind == 0:
        copy[at] ^= 1 << some.randrange(8)
    elif kind == 1:
        del copy[at:]
    elif kind == 2:  # a size or a number at the start of a record
        at = start + some.randrange(80)
        copy[at : at + 8] = some.choice(_SIZES).to_bytes(8, "little")
    elif kind == 3:  # a page that was not written
        copy[at : at + 4096] = bytes(len(copy[at : at + 4096]))
    elif kind == 4:
        copy[start:end], copy[other_start:other_end] = (
            copy[other_start:other_end],
            copy[start:end],
        )
    elif kind == 5:
        copy[start:start] = copy[other_start:other_end]
    elif kind == 6:
        del copy[start:end]
    else:
        copy[at : at + 16] = some.randbytes(16)
