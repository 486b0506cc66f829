"""CMA-ES: it finds a maximum, and its tensor state restores it exactly."""

import pytest
import torch

from tests.trainer.learners.world_models_case import small_config
from trainer.learners.evolution.cma_es import CmaEs

CONFIG = small_config().world_models


def score(candidates):
    return -(candidates - 1.0).square().sum(1)


def tell_and_finish(search, scores):
    """Gives the scores of one generation; finishes the search after its last generation."""
    search.tell(scores)
    if search.generation == len(search.scores):
        search.finish()


def after_generations(search, generations):
    for _ in range(generations):
        tell_and_finish(search, score(search.ask()))
    return search


def test_the_solution_approaches_the_maximum_and_depends_only_on_the_seed():
    one, two = (after_generations(CmaEs(CONFIG, 5, seed=1), 40) for _ in range(2))
    assert torch.equal(one.ask(), two.ask())
    assert not torch.equal(one.ask(), after_generations(CmaEs(CONFIG, 5, 2), 40).ask())
    assert float(score(one.solution[None])) > -0.5 > float(score(torch.zeros(1, 5)))


@pytest.mark.parametrize("generations", [0, 1, 2, 3, 5])
def test_a_restored_search_continues_bit_identically(generations):
    whole = after_generations(CmaEs(CONFIG, 5, 1), generations)
    restored = CmaEs(CONFIG, 5, 1)
    after_generations(restored, 1)  # its own earlier generation must have no influence
    for name, tensor in restored.extra_state.items():
        tensor.copy_(whole.extra_state[name])
    for _ in range(4):
        candidates = whole.ask()
        assert torch.equal(candidates, restored.ask())
        for search in (whole, restored):
            tell_and_finish(search, score(candidates))
        assert torch.equal(whole.solution, restored.solution)


def test_non_finite_scores_count_as_the_worst():
    with_nan, with_worst = (CmaEs(CONFIG, 5, 1) for _ in range(2))
    scores = score(with_nan.ask())
    replaced = scores.clone()
    scores[2] = torch.nan
    with_worst.ask()
    replaced[2] = torch.cat([scores[:2], scores[3:]]).min()
    with_nan.tell(scores)
    with_worst.tell(replaced)
    assert torch.equal(with_nan.ask(), with_worst.ask())
    assert torch.isfinite(with_nan.solution).all()
