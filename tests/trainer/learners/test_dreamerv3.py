"""The preset dreamerv3 at a small size: every policy gradient, with and without pictures."""

from dataclasses import replace

import pytest
import torch

from agent.networks.agent_networks import build_networks, flatten_acting, view_acting
from agent.networks.patch_codec import to_patches
from configs.errors import BadInput
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner

SMALL = [
    "model.deter=32",
    "model.units=16",
    "model.stoch=8",
    "world.camera.width=32",
    "world.camera.height=32",
    "dream.horizon=4",
    "trainer.batch=3",
    "trainer.length=6",
    "dream.starts=18",
    "trainer.warmup=1",
]


def preset(*overrides):
    return load_config(ROOT / "configs" / "dreamerv3.yaml", [*SMALL, *overrides])


@pytest.mark.parametrize("gradient", ["reinforce", "dynamics", "mix"])
def test_two_updates_are_finite_and_change_every_network(gradient):
    config = preset(f"actor.gradient={gradient}")
    spaces = spaces_of(config)
    learner = DreamerLearner(spaces, config, torch.device("cpu"))
    before = {k: v.clone() for k, v in learner.networks.state_dict().items()}
    for seed in range(2):
        metrics = learner.update(random_batch(spaces, (3, 6), (0, 3), seed))
        assert all(torch.isfinite(metric).all() for metric in metrics.values())
    assert learner.guarded_step.skipped_updates == 0
    assert metrics["loss_replay_value"] > 0
    after = learner.networks.state_dict()
    assert all(value.isfinite().all() for value in after.values())
    changed = {k.split(".")[0] for k in after if not torch.equal(before[k], after[k])}
    heads = {"policy", "value", "slow_value", "reward", "continues"}
    assert changed == {"encoder", "decoder", "dynamics"} | heads


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_non_finite_reward_changes_neither_weights_nor_scales(reward):
    config = preset()
    spaces = spaces_of(config)
    learner = DreamerLearner(spaces, config, torch.device("cpu"))
    with torch.no_grad():  # the value starts at 0, and returns of 0 have no scale
        torch.nn.init.normal_(learner.networks.value.net[-1].weight, std=0.1)
    learner.update(random_batch(spaces, (3, 6), (0, 3), 1))
    assert learner.return_scale.high > learner.return_scale.low

    def all_tensors():
        return {**learner.networks.state_dict(), **learner.extra_state}

    before = {k: v.clone() for k, v in all_tensors().items()}
    batch = random_batch(spaces, (3, 6), (0, 3), 0)
    batch.reward[1, 4] = reward
    learner.update(batch)
    assert learner.guarded_step.skipped_updates == 1
    assert all(torch.equal(before[k], v) for k, v in all_tensors().items())


def test_the_first_update_has_a_learning_rate_of_0():
    config = preset("trainer.warmup=1000")
    spaces = spaces_of(config)
    learner = DreamerLearner(spaces, config, torch.device("cpu"))
    before = {k: v.clone() for k, v in learner.networks.state_dict().items()}
    learner.update(random_batch(spaces, (3, 6), (0, 3), 0))
    assert all(torch.equal(before[k], v) for k, v in learner.networks.state_dict().items())


@pytest.mark.parametrize("has_image", [True, False])
def test_the_acting_networks_compute_the_same_tokens(has_image):
    config = preset()
    spaces = spaces_of(config)
    if not has_image:
        spaces = replace(spaces, image_shape=(0, 0, 3))
    networks = build_networks(spaces, config)
    acting = view_acting(spaces, config, flatten_acting(networks))
    batch = random_batch(spaces, (2, 5), (0, 0), 0)
    tokens = [each.encoder(to_patches(batch.image), batch.vector) for each in (networks, acting)]
    torch.testing.assert_close(*tokens)
    assert tokens[0].shape == (2, 5, networks.encoder.size)
    decoded = networks.decoder(torch.zeros(2, 5, networks.dynamics.feature_size))
    assert decoded.patches.shape == ((2, 5, 8, 8, 48) if has_image else (2, 5, 0))
    assert decoded.vector.shape == batch.vector.shape


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 96), (16, 16), (128, 64), (32, 48)])
def test_each_convolution_halves_the_image_down_to_4_pixels(height, width):
    config = preset(f"world.camera.height={height}", f"world.camera.width={width}")
    spaces = spaces_of(config)
    networks = build_networks(spaces, config)
    batch = random_batch(spaces, (1, 2), (0, 0), 0)
    patches = to_patches(batch.image)
    shorter = min(height, width)
    rows, columns, deepest = 4 * height // shorter, 4 * width // shorter, 3 if shorter == 16 else 4
    tokens = networks.encoder(patches, batch.vector)
    assert tokens.shape[-1] == config.model.units + rows * columns * deepest * config.model.depth
    feature = torch.zeros(1, 2, networks.dynamics.feature_size)
    assert networks.decoder(feature).patches.shape == patches.shape


@pytest.mark.parametrize(("height", "width"), [(48, 48), (48, 64), (96, 80), (128, 144)])
def test_an_image_size_that_cannot_be_halved_is_refused(height, width):
    config = preset(f"world.camera.height={height}", f"world.camera.width={width}")
    with pytest.raises(BadInput, match=rf"world\.camera\.height {height} and width {width}"):
        build_networks(spaces_of(config), config)
