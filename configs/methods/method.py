"""What a learning method declares about itself. Everything else asks these, never for its name."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from configs.errors import BadInput
from configs.strict import StrictModel


def _no_check(config: Any) -> None:
    """Every combination of settings is allowed."""


def _never(config: Any) -> bool:
    return False


def _batch_steps(config: Any) -> int:
    return config.trainer.batch * config.trainer.length


@dataclass(frozen=True)
class LearningMethod:
    """A learning method. The module that holds it must not import torch: light processes read it.

    A reference is "module:name"; it is imported only where the named object is needed.

    `name`: the value of the setting `method`, and the name of its section.
    `learner`: reference of the Learner; called with (spaces, config, device).
    `settings`: the class of its section, or of `method_settings` for a method outside the project;
    None without settings. Every setting must have a default.
    `has_world_model`: its networks include a world model, so that it can dream.
    `off_policy`: it can learn from steps that another policy recorded.
    `uses_world_model_loss`: its world model is trained with `world_model_loss`.
    `adapts_value`: called with the whole Config; whether its Learner calls `adapt` of the value
    head, which may then be normalised.
    `has_slow_policy`: a slow average of the learning policy can act (`actor.slow_rate`).
    `dynamics`: reference of its own dynamics, called with (config, token_size, num_actions). "":
    those that `model.core` selects.
    `decoder`: reference of its own decoder, called with (spaces, config). "": as `model.codec`.
    `needs`: settings by dotted path with the value that it needs. Methods without this need must
    not have the value.
    `defaults`: settings by dotted path (section.key) with the value that they get if not given.
    `ignores`: dotted paths of settings that it does not use, for the manual.
    `notes`: by dotted path, a sentence about a setting, for the manual. Defaults, ignores and
    notes are used only for methods of the table.
    `check`: called with the whole Config. It raises ValueError, with the path of each setting, for
    settings that do not fit together.
    `replayed_per_update`: replayed steps per update of a Config; a step counts once for each time
    that it is used.
    """

    name: str
    learner: str
    has_world_model: bool
    off_policy: bool
    settings: type[StrictModel] | None = None
    uses_world_model_loss: bool = False
    adapts_value: Callable[[Any], bool] = _never
    has_slow_policy: bool = False
    dynamics: str = ""
    decoder: str = ""
    needs: Mapping[str, object] = field(default_factory=dict[str, object])
    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    ignores: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    check: Callable[[Any], None] = _no_check
    replayed_per_update: Callable[[Any], int] = _batch_steps


def imported(reference: str) -> Any:
    """The object "module:name". Raises BadInput if there is none; errors of the module pass."""
    module, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BadInput(f"{reference}: {error}") from error
