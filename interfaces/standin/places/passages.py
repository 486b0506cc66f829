"""Random passages between the cells of a grid, so that every cell can be reached."""

from itertools import chain

import numpy as np

Cell = tuple[int, int]
Passage = tuple[Cell, Cell]  # the lower cell first


def carve(size: int, rng: np.random.Generator, extra: int = 0) -> set[Passage]:
    """A random depth-first spanning tree over size x size cells, plus `extra` passages."""
    start = (int(rng.integers(size)), int(rng.integers(size)))
    path, visited, passages = [start], {start}, set[Passage]()
    while path:
        fresh = [cell for cell in neighbours(path[-1], size) if cell not in visited]
        if not fresh:
            path.pop()
            continue
        following = fresh[int(rng.integers(len(fresh)))]
        passages.add(ordered(path[-1], following))
        visited.add(following)
        path.append(following)
    cells = [(i, j) for i in range(size) for j in range(size)]
    closed = sorted(
        set(chain.from_iterable([ordered(a, b) for b in neighbours(a, size)] for a in cells))
        - passages
    )
    for index in rng.permutation(len(closed))[:extra]:
        passages.add(closed[int(index)])
    return passages


def distances(size: int, passages: set[Passage], start: Cell) -> dict[Cell, int]:
    """The smallest number of passages from `start` to each cell."""
    counts, edge = {start: 0}, [start]
    while edge:
        following: list[Cell] = []
        for cell in edge:
            for other in neighbours(cell, size):
                if other not in counts and ordered(cell, other) in passages:
                    counts[other] = counts[cell] + 1
                    following.append(other)
        edge = following
    return counts


def neighbours(cell: Cell, size: int) -> list[Cell]:
    """The cells beside, before and behind a cell."""
    i, j = cell
    near = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
    return [(a, b) for a, b in near if 0 <= a < size and 0 <= b < size]


def ordered(a: Cell, b: Cell) -> Passage:
    """The passage between two cells, whichever comes first."""
    return (a, b) if a < b else (b, a)
