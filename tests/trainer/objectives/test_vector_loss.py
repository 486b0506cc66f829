"""model.normalize: each number that is felt counts by its own spread."""

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import build_for, flatten_acting, view_acting
from agent.networks.layers import symlog
from agent.networks.patch_codec import Felt, to_patches
from configs.load import load_config
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner
from trainer.running.checkpoints import Checkpoint, learner_tensors, restore_learner

SPREAD = torch.tensor([0.02, 0.5, 3.0])


def batches(count):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        yield torch.randn(8, 16, 3, generator=generator) * SPREAD + 0.1


def learner(*words):
    config = load_config(ROOT / "configs" / "tiny.yaml", ["model.normalize=true", *words])
    return DreamerLearner(spaces_of(config), config, torch.device("cpu"))


def test_small_and_large_numbers_come_out_alike():
    felt, seen = Felt(3, normalize=True), []
    first = next(batches(1))
    torch.testing.assert_close(felt(first), symlog(first), rtol=0, atol=0)
    for batch in batches(50):
        felt.measure(batch)
        seen.append(symlog(batch).flatten(0, -2).numpy())
    everything = np.concatenate(seen)
    out = felt(torch.cat(list(batches(50)))).flatten(0, -2).numpy()
    expected = (everything - everything.mean(0)) / everything.std(0)
    np.testing.assert_allclose(out, expected, atol=0.1)
    np.testing.assert_allclose(out.std(0), 1.0, atol=0.05)


def test_what_never_moves_and_what_is_absurd_stay_numbers():
    felt = Felt(2, normalize=True)
    felt.measure(torch.tensor([1.0, 0.0]).expand(4, 8, 2))
    out = felt(torch.tensor([[1.0, 0.0], [1.0, 1e30], [0.0, -1e30]]))
    assert out.isfinite().all()
    assert out.abs().max() <= 10
    torch.testing.assert_close(out[0], torch.zeros(2), atol=1e-2, rtol=0)


def test_what_is_only_remembered_or_no_number_does_not_count():
    felt, plain = Felt(3, normalize=True), Felt(3, normalize=True)
    batch = next(batches(1))
    plain.measure(batch[:, :8])
    learned = torch.arange(16).expand(8, 16) < 9
    batch[:, 8:] = 1e6
    batch[:, 8] = torch.tensor([1.0, -torch.inf, torch.nan])
    felt.measure(batch, learned)
    for one, other in zip(felt.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    before = [moment.clone() for moment in felt.parameters()]
    felt.measure(torch.full((2, 4, 3), torch.inf))
    for one, other in zip(felt.parameters(), before, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_off_it_is_symlog_and_has_nothing_to_carry():
    felt = Felt(3, normalize=False)
    vector = next(batches(1))
    felt.measure(vector)
    torch.testing.assert_close(felt(vector), symlog(vector), rtol=0, atol=0)
    assert not list(felt.parameters())


def test_the_body_feels_as_the_learner_does():
    one = learner()
    spaces, config = spaces_of(one._config), one._config
    for seed in range(3):
        one.update(random_batch(spaces, (2, 8), (0, 3), seed))
    assert one.networks.encoder.felt.weight > 0
    moments = {id(p) for p in one.networks.encoder.felt.parameters()}
    stepped = {id(p) for each in one.optimizers.values() for p in each.parameters}
    assert not moments & stepped, "no optimiser moves them"
    acting = view_acting(spaces, config, flatten_acting(one.networks))
    batch = random_batch(spaces, (2, 8), (0, 3), 9)
    seen = [each.encoder(to_patches(batch.image), batch.vector) for each in (one.networks, acting)]
    torch.testing.assert_close(seen[0], seen[1], rtol=0, atol=0)
    another = learner()
    restore_learner(another, Checkpoint(learner_tensors(one), 0, one.updates, 1))
    torch.testing.assert_close(
        another.networks.encoder.felt(batch.vector),
        one.networks.encoder.felt(batch.vector),
        rtol=0,
        atol=0,
    )


def test_a_number_that_is_none_does_not_spoil_them():
    one = learner()
    spaces = spaces_of(one._config)
    one.update(random_batch(spaces, (2, 8), (0, 3), 0))
    before = one.networks.encoder.felt.mean.clone()
    bad = random_batch(spaces, (2, 8), (0, 3), 1)
    bad.vector[0, 4, 0] = float("nan")
    one.update(bad)
    assert one.descent.left_out == 1
    torch.testing.assert_close(one.networks.encoder.felt.mean, before, rtol=0, atol=0)


@pytest.mark.parametrize("preset", ["ppo", "world_models"])
def test_who_does_not_measure_feels_as_without(preset):
    config = load_config(ROOT / "configs" / f"{preset}.yaml", ["model.normalize=true"])
    spaces = vrchat_spaces(config.world)
    vector = 100.0 * torch.randn(4, spaces.vector_size)
    felt = build_for(spaces, config).encoder.felt
    torch.testing.assert_close(felt(vector), symlog(vector))
