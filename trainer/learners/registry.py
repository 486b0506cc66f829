"""Makes the learner of a configuration. configs/methods/table.py lists the methods."""

from collections.abc import Callable

import torch

from configs.errors import BadInput
from configs.methods.method import imported
from configs.methods.table import METHODS
from configs.schema import Config
from interfaces.core.learning_methods import learning_method
from interfaces.core.spaces import Spaces
from trainer.learners.learner import Learner

_MEMBERS = (
    *("networks", "surprise_scale", "counted_updates", "ready_at_step", "optimizers"),
    *("extra_state", "noise", "updates", "guarded_step", "publish_updates", "learn", "published"),
)


def make_learner(spaces: Spaces, config: Config, device: torch.device) -> Learner:
    """The learner of `method`.

    Only its own module is imported: world_models needs the optional package cma. Raises BadInput
    if that package is missing, or if a method outside the project has no usable learner.
    """
    method = learning_method(config)
    make: Callable[[Spaces, Config, torch.device], Learner] = imported(method.learner)
    if method.name in METHODS:
        return make(spaces, config, device)
    try:
        learner = make(spaces, config, device)
    except TypeError as error:  # most often: other parameters
        raise BadInput(
            f"method {config.method}: {method.learner}(spaces, config, device) failed: {error}"
        ) from error
    if missing := [name for name in _MEMBERS if not hasattr(learner, name)]:
        raise BadInput(
            f"method {config.method}: {method.learner} lacks {', '.join(missing)}; "
            "trainer/learners/learner.py says what a Learner has"
        )
    return learner
