"""The learning methods: one table of their learners and capabilities."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import torch

from configs.methods import Method
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.learners.learner import Learner


@dataclass(frozen=True)
class LearningMethod:
    """`learner`: module and class.

    `has_world_model`: its networks include a world model, so that it can dream.
    `uses_world_model_loss`: its world model is trained with `world_model_loss`.
    `off_policy`: it can learn from steps that another policy recorded.
    """

    learner: str
    has_world_model: bool
    uses_world_model_loss: bool
    off_policy: bool


METHODS: dict[Method, LearningMethod] = {
    "dreamer": LearningMethod(
        "trainer.learners.dreamer:DreamerLearner",
        has_world_model=True,
        uses_world_model_loss=True,
        off_policy=True,
    ),
    "world_models": LearningMethod(
        "trainer.learners.world_models:WorldModelsLearner",
        has_world_model=True,
        uses_world_model_loss=False,
        off_policy=True,
    ),
    "ppo": LearningMethod(
        "trainer.learners.ppo:PPOLearner",
        has_world_model=False,
        uses_world_model_loss=False,
        off_policy=False,
    ),
}


def make_learner(spaces: Spaces, config: Config, device: torch.device) -> Learner:
    """The learner of `method`.

    Only its own module is imported: world_models needs the optional package cma. Raises BadInput
    if that package is missing.
    """
    module, name = METHODS[config.method].learner.split(":")
    make: Callable[[Spaces, Config, torch.device], Learner]
    make = getattr(importlib.import_module(module), name)
    return make(spaces, config, device)
