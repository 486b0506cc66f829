"""The world model's loss: excluded Steps, and a world with sound."""

import numpy as np
import pytest
import torch

from agent.acting.brain import Brain
from agent.networks.agent_networks import build_networks, flatten_acting, view_acting
from agent.networks.noise import TorchNoise
from configs.load import load_config
from interfaces.core.step import StepLayout
from interfaces.core.world import Observation
from interfaces.journal import JournalReader, JournalWriter
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT
from tests.trainer.batches import spaces_of, training_batch
from trainer.data.replay_buffer import ReplayBuffer
from trainer.learners.dreamer import DreamerLearner
from trainer.objectives.filtering import filter_batch
from trainer.objectives.world_model_loss import world_model_loss

CONFIG = load_config(ROOT / "configs" / "tiny.yaml", ["world.audio_input.device=CABLE"])
SPACES = vrchat_spaces(CONFIG.world)


@pytest.mark.parametrize("latent", ["gaussian", "categorical"])
def test_an_excluded_last_step_does_not_change_the_total(tiny, latent):
    config = tiny.model_copy(update={"model": tiny.model.model_copy(update={"latent": latent})})
    spaces, batch = spaces_of(config), training_batch(config)
    networks = build_networks(spaces, config)
    loss_mask = torch.ones(batch.reward.shape, dtype=torch.bool)
    loss_mask[:, -1] = False  # no later state depends on the last step
    other = batch._replace(reward=batch.reward.clone(), is_terminal=batch.is_terminal.clone())
    other.reward[:, -1], other.is_terminal[:, -1] = 50.0, True

    def total(given):
        noise = TorchNoise(torch.device("cpu"))
        noise.begin(0, 0)
        scale = torch.tensor(1.0)
        return world_model_loss(networks, given, spaces.num_actions, config, scale, noise).total

    assert total(batch) != total(other)
    masked, other_masked = (each._replace(loss_mask=loss_mask) for each in (batch, other))
    assert total(masked) == total(other_masked)


def test_the_first_step_of_a_window_has_a_kl_only_if_it_begins_an_episode(tiny):
    spaces, batch = spaces_of(tiny), training_batch(tiny)
    batch.is_first[1, 0] = True
    networks = build_networks(spaces, tiny)

    def noise():
        drawn = TorchNoise(torch.device("cpu"))
        drawn.begin(0, 0)
        return drawn

    def loss(weight):
        changed = {"kl_dynamics": weight, "kl_representation": weight, "free_nats": 0.0}
        config = tiny.model_copy(update={"trainer": tiny.trainer.model_copy(update=changed)})
        return world_model_loss(
            networks, batch, spaces.num_actions, config, torch.tensor(1.0), noise()
        )

    counted = torch.ones_like(batch.is_first)
    counted[:, 0] = batch.is_first[:, 0]
    assert counted[1, 0]
    assert not counted[0, 0]
    observed = filter_batch(networks, batch, noise())
    kl = networks.dynamics.surprise(observed).detach()[counted]
    expected = 2.0 * kl.sum() / counted.numel()
    torch.testing.assert_close(loss(1.0).total - loss(0.0).total, expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(loss(1.0).terms["loss_kl"], kl.mean())


def test_the_sound_loss_falls_to_a_fifth(tmp_path):
    """A tone switches between two bands in every step."""
    writer = JournalWriter(tmp_path, StepLayout(SPACES), segment_steps=256, max_steps=1024)
    step, rng = np.zeros((), StepLayout(SPACES).dtype), np.random.default_rng(0)
    for i in range(200):
        step["is_first"] = i == 0
        step["sound"] = -1.0
        step["sound"][..., 5 if i % 2 else 20] = 0.8
        step["image"] = rng.integers(0, 255, SPACES.image_shape, np.uint8)
        writer.append(step)
    writer.close()
    replay = ReplayBuffer(JournalReader(tmp_path), SPACES, CONFIG, torch.device("cpu"))
    learner = DreamerLearner(SPACES, CONFIG, torch.device("cpu"))
    first = last = 0.0
    for update in range(60):
        last = float(learner.update(replay.sample(update))["loss_sound"])
        first = first or last
    assert last < 0.2 * first


def test_the_state_of_the_body_depends_on_sound():
    networks = build_networks(SPACES, CONFIG)
    acting = view_acting(SPACES, CONFIG, flatten_acting(networks))
    brain = Brain(CONFIG, acting)
    observation = Observation(
        np.zeros(SPACES.image_shape, np.uint8),
        np.zeros(SPACES.vector_size, np.float32),
        is_first=True,
        sound=np.full(SPACES.sound_shape, -1.0, np.float32),
    )
    quiet, _ = brain.step(brain.initial(), observation, 0)
    observation.sound = np.full(SPACES.sound_shape, 1.0, np.float32)
    loud, _ = brain.step(brain.initial(), observation, 0)
    assert not torch.equal(quiet.stoch, loud.stoch)
