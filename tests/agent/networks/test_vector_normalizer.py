"""model.normalize: each number of the vector is divided by its own standard deviation."""

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import build_method_networks
from agent.networks.layers import symlog
from agent.networks.patch_codec import VectorNormalizer
from configs.load import load_config
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT

DEVIATION = torch.tensor([0.02, 0.5, 3.0])


def vector_batches(count):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        yield torch.randn(8, 16, 3, generator=generator) * DEVIATION + 0.1


def test_small_and_large_numbers_get_mean_0_and_deviation_1():
    normalizer, seen = VectorNormalizer(3, normalize=True), []
    first = next(vector_batches(1))
    torch.testing.assert_close(normalizer(first), symlog(first), rtol=0, atol=0)
    for batch in vector_batches(50):
        normalizer.update_moments(batch)
        seen.append(symlog(batch).flatten(0, -2).numpy())
    everything = np.concatenate(seen)
    out = normalizer(torch.cat(list(vector_batches(50)))).flatten(0, -2).numpy()
    expected = (everything - everything.mean(0)) / everything.std(0)
    np.testing.assert_allclose(out, expected, atol=0.1)
    np.testing.assert_allclose(out.std(0), 1.0, atol=0.05)


def test_constant_and_extreme_numbers_stay_finite_and_bounded():
    normalizer = VectorNormalizer(2, normalize=True)
    normalizer.update_moments(torch.tensor([1.0, 0.0]).expand(4, 8, 2))
    out = normalizer(torch.tensor([[1.0, 0.0], [1.0, 1e30], [0.0, -1e30]]))
    assert out.isfinite().all()
    assert out.abs().max() <= 10
    torch.testing.assert_close(out[0], torch.zeros(2), atol=1e-2, rtol=0)


def test_excluded_and_non_finite_steps_do_not_change_the_moments():
    normalizer, plain = VectorNormalizer(3, normalize=True), VectorNormalizer(3, normalize=True)
    batch = next(vector_batches(1))
    plain.update_moments(batch[:, :8])
    loss_mask = torch.arange(16).expand(8, 16) < 9
    batch[:, 8:] = 1e6
    batch[:, 8] = torch.tensor([1.0, -torch.inf, torch.nan])
    normalizer.update_moments(batch, loss_mask)
    for one, other in zip(normalizer.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    before = [moment.clone() for moment in normalizer.parameters()]
    normalizer.update_moments(torch.full((2, 4, 3), torch.inf))
    for one, other in zip(normalizer.parameters(), before, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_without_normalize_it_is_symlog_without_parameters():
    normalizer = VectorNormalizer(3, normalize=False)
    vector = next(vector_batches(1))
    normalizer.update_moments(vector)
    torch.testing.assert_close(normalizer(vector), symlog(vector), rtol=0, atol=0)
    assert not list(normalizer.parameters())


@pytest.mark.parametrize("preset", ["ppo", "world_models"])
def test_a_method_that_does_not_update_the_moments_uses_symlog(preset):
    config = load_config(ROOT / "configs" / f"{preset}.yaml", ["model.normalize=true"])
    spaces = vrchat_spaces(config.world)
    vector = 100.0 * torch.randn(4, spaces.vector_size)
    normalizer = build_method_networks(spaces, config).encoder.felt
    torch.testing.assert_close(normalizer(vector), symlog(vector))


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("updates", [0, 3])
def test_the_inverse_restores_the_vector_for_display(normalize, updates):
    normalizer = VectorNormalizer(3, normalize)
    vectors = torch.tensor([[[0.0, 0.5, -90.0], [1.0, 0.25, 120.0]]])
    for _ in range(updates):
        normalizer.update_moments(vectors)
    torch.testing.assert_close(normalizer.inverse(normalizer(vectors)), vectors)
