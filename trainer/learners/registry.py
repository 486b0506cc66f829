"""Makes the learner of a configuration. configs/methods/table.py lists the methods."""

from collections.abc import Callable

import torch

from configs.errors import BadInput
from configs.methods.method import imported
from configs.methods.table import method_plugin
from configs.schema import Config
from interfaces.core.learning_methods import check_learning_method, learning_method
from interfaces.core.plugins import PluginError, check_call, explain_failure, plugin_place
from interfaces.core.spaces import Spaces
from trainer.data.replay_buffer import ReplayBuffer
from trainer.learners.learner import Learner, Metrics

_MEMBERS = (
    *("networks", "surprise_scale", "counted_updates", "ready_at_step", "optimizers"),
    *("extra_state", "noise", "updates", "guarded_step", "publish_updates", "learn", "published"),
)
MakeLearner = Callable[[Spaces, Config, torch.device], Learner]


def make_learner(spaces: Spaces, config: Config, device: torch.device) -> Learner:
    """The learner of `method`.

    Only its own module is imported: world_models needs the optional package cma. Raises BadInput
    if that package is missing, and PluginError if a method outside the project has no usable
    learner. `learn` of such a learner raises PluginError for any error in it.
    """
    make: MakeLearner = imported(learning_method(config).learner)
    plugin = method_plugin(config.method)
    if plugin is None:
        return make(spaces, config, device)
    check_learning_method(config)
    return _plugin_learner(plugin_place("method", plugin), make, spaces, config, device)


def _plugin_learner(
    place: str, make: MakeLearner, spaces: Spaces, config: Config, device: torch.device
) -> Learner:
    check_call(make, ("spaces", "config", "device"), place)
    try:
        learner = make(spaces, config, device)
    except BadInput:
        raise
    except Exception as error:
        raise PluginError(explain_failure(place, make, "making its learner", error)) from error
    if missing := [name for name in _MEMBERS if not hasattr(learner, name)]:
        raise PluginError(
            f"{place}: its learner lacks {', '.join(missing)}; trainer/learners/learner.py says "
            "what a Learner has"
        )
    learn = learner.learn

    def reporting_learn(replay: ReplayBuffer) -> Metrics | None:
        try:
            return learn(replay)
        except BadInput:
            raise
        except Exception as error:
            raise PluginError(explain_failure(place, make, "an update", error)) from error

    learner.learn = reporting_learn  # pyright: ignore[reportAttributeAccessIssue]
    return learner
