"""Damaged copies of a file, from a fixed seed: changed bits, cuts, repeats, inserted tokens."""

import random
import time
from collections.abc import Callable, Iterator, Sequence

SLOWEST_S = 3.0  # processor time that one damaged file may take


def mutations(
    content: bytes, tokens: Sequence[bytes], count: int, seed: int = 0
) -> Iterator[bytes]:
    """`count` damaged copies, each with one to four changes."""
    rng = random.Random(seed)
    for _ in range(count):
        damaged = bytearray(content)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            _change(damaged, tokens, rng)
        yield bytes(damaged)


def _change(damaged: bytearray, tokens: Sequence[bytes], rng: random.Random) -> None:
    at, kind = rng.randrange(len(damaged) + 1), rng.randrange(8)
    other = rng.randrange(len(damaged) + 1)
    begin, end = min(at, other), max(at, other)
    if kind == 0 and at < len(damaged):
        damaged[at] ^= 1 << rng.randrange(8)
    elif kind == 1 and at < len(damaged):
        damaged[at] = rng.randrange(256)
    elif kind == 2:
        del damaged[at:]
    elif kind == 3:
        del damaged[begin : min(end, begin + 40)]
    elif kind == 4:
        damaged[at:at] = damaged[begin : begin + 40]
    elif kind == 5:
        damaged[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20)))
    else:
        damaged[at : at + rng.choice((0, 0, 1, 5))] = rng.choice(tokens)


def only_raises(
    errors: type[Exception] | tuple[type[Exception], ...],
    read: Callable[[bytes], object],
    files: Iterator[bytes],
) -> tuple[int, int]:
    """Reads every file. Returns how many were read and how many raised one of `errors`.

    Any other exception fails the test, and so does one file that takes more than SLOWEST_S.
    """
    accepted = refused = 0
    for number, content in enumerate(files):
        before = time.process_time()
        try:
            read(content)
            accepted += 1
        except errors:
            refused += 1
        except Exception as other:
            raise AssertionError(f"file {number}: {other!r} for {content[:300]!r}") from other
        assert time.process_time() - before < SLOWEST_S, (number, content[:300])
    return accepted, refused
