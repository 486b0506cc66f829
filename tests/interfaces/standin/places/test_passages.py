"""Random passages connect all cells of a grid."""

import numpy as np
import pytest

from interfaces.standin.places.passages import carve, distances


@pytest.mark.parametrize("size", [2, 3, 7])
def test_passages_are_a_spanning_tree_plus_the_requested_extra(size: int) -> None:
    for seed in range(5):
        passages = carve(size, np.random.default_rng(seed))
        assert len(passages) == size * size - 1  # a tree has no loop
        assert len(distances(size, passages, (0, 0))) == size * size
        more = carve(size, np.random.default_rng(seed), extra=2)
        assert len(more) == min(size * size - 1 + 2, 2 * size * (size - 1))
