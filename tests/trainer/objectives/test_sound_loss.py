"""What is heard is learned from: it reaches the state, and the state tells it back."""

import numpy as np
import torch

from agent.acting.brain import Brain
from agent.networks.agent_networks import build_networks, flatten_acting, view_acting
from configs.load import load_config
from interfaces.core.step import step_dtype
from interfaces.core.world import Observation
from interfaces.journal import JournalReader, JournalWriter
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT
from trainer.data.replay_buffer import Replay
from trainer.learners.dreamer import DreamerLearner

CONFIG = load_config(ROOT / "configs" / "tiny.yaml", ["world.ears.device=CABLE"])
SPACES = vrchat_spaces(CONFIG.world)


def test_the_model_learns_to_tell_what_it_hears(tmp_path):
    """A tone that comes and goes every other step: from its start the loss falls to a fifth."""
    writer = JournalWriter(tmp_path, SPACES, segment_steps=256, max_steps=1024)
    step, rng = np.zeros((), step_dtype(SPACES)), np.random.default_rng(0)
    for i in range(200):
        step["is_first"] = i == 0
        step["sound"] = -1.0
        step["sound"][..., 5 if i % 2 else 20] = 0.8
        step["image"] = rng.integers(0, 255, SPACES.image_shape, np.uint8)
        writer.append(step)
    writer.close()
    replay = Replay(JournalReader(tmp_path), SPACES, CONFIG, torch.device("cpu"))
    learner = DreamerLearner(SPACES, CONFIG, torch.device("cpu"))
    first = last = 0.0
    for update in range(60):
        last = float(learner.update(replay.sample(update))["loss_sound"])
        first = first or last
    assert last < 0.2 * first


def test_the_ears_cross_to_the_body():
    networks = build_networks(SPACES, CONFIG)
    acting = view_acting(SPACES, CONFIG, flatten_acting(networks))
    brain = Brain(CONFIG, acting)
    quiet = Observation(
        np.zeros(SPACES.image_shape, np.uint8),
        np.zeros(SPACES.vector_size, np.float32),
        is_first=True,
        sound=np.full(SPACES.sound_shape, -1.0, np.float32),
    )
    state, _ = brain.step(brain.initial(), quiet, 0)
    quiet.sound = np.full(SPACES.sound_shape, 1.0, np.float32)
    loud, _ = brain.step(brain.initial(), quiet, 0)
    assert not torch.equal(state.stoch, loud.stoch)
