"""A small configuration of method world_models without pictures, and its networks' noise."""

import torch

from agent.networks.noise import TorchNoise
from configs.load import load_config
from configs.schema import Config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.data.batch import Batch
from trainer.learners.registry import make_learner

CPU = torch.device("cpu")
SMALL = [
    "method=world_models",
    "world_models={hidden: 8, latent: 3, mixtures: 2, population: 6, generations: 3, dreams: 4, "
    "dream_steps: 7, fit: 2}",
]


def small_config() -> Config:
    actions = "world.actions=[{name: Vertical}, {name: Jump, kind: press}]"
    return load_config(ROOT / "tests" / "point.yaml", [*SMALL, actions])


def make_noise(seed: int = 0) -> TorchNoise:
    noise = TorchNoise(CPU)
    noise.begin(seed, 0)
    return noise


def batch_of(config: Config, seed: int) -> Batch:
    """A random batch (8, 16) without pictures."""
    batch = random_batch(spaces_of(config), (8, 16), (0, 3), seed)
    return batch._replace(image=torch.zeros(8, 16, 0, 0, 3, dtype=torch.uint8))


def learner_of(config: Config):
    spaces = spaces_of(config)
    return make_learner(type(spaces)((0, 0, 3), spaces.features, spaces.actions), config, CPU)
