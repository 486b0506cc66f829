"""The table of learning methods, and how a configuration names a method outside the project."""

import json
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, JsonValue, ValidationError, WithJsonSchema, create_model
from pydantic_core import PydanticKnownError

from configs.errors import BadInput
from configs.methods.dreamer_method import DREAMER
from configs.methods.method import LearningMethod
from configs.methods.ppo_method import PPO
from configs.methods.world_models_method import WORLD_MODELS
from configs.plugin_reference import PLUGIN_REFERENCE
from configs.strict import StrictModel

METHODS: Mapping[str, LearningMethod] = {
    method.name: method for method in (DREAMER, WORLD_MODELS, PPO)
}
_PREFIX = "plugin:"
S = TypeVar("S", bound=StrictModel)


def method_plugin(method: str) -> str | None:
    """The plugin that `method` names as plugin:REFERENCE; None for a method of the table."""
    return method.removeprefix(_PREFIX) if method.startswith(_PREFIX) else None


def _known(method: str) -> str:
    """Raises PydanticKnownError. Loads no plugin: a recorded configuration is data."""
    plugin = method_plugin(method)
    if method not in METHODS and not (plugin and PLUGIN_REFERENCE.fullmatch(plugin)):
        names = ", ".join(f"'{name}'" for name in METHODS)
        expected = f"{names} or plugin:MODULE:NAME"
        raise PydanticKnownError("literal_error", {"expected": expected})
    return method


MethodName = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(METHODS)},
                {"type": "string", "pattern": f"^{_PREFIX}"},
            ]
        }
    ),
]


def with_method_sections(base: type[S]) -> type[S]:
    """A subclass of `base` that has the section of each method in the table, sorted by name."""
    sections = {
        method.name: (method.settings, method.settings())
        for method in sorted(METHODS.values(), key=lambda each: each.name)
        if method.settings is not None
    }
    return create_model("ConfigWithMethods", __base__=base, **sections)  # pyright: ignore


def settings_of_plugin(kind: type[S], given: Mapping[str, JsonValue]) -> S:
    """The setting `method_settings` as the settings class of a method outside the project.

    Raises BadInput, which names each setting that the class does not allow.
    """
    try:
        return kind.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        problems = [
            f"method_settings.{'.'.join(map(str, item['loc']))} = {json.dumps(item['input'])}: "
            f"{item['msg'].removeprefix('Input ')}"
            for item in error.errors(include_url=False, include_context=False)
        ]
        known = ", ".join(kind.model_fields)
        raise BadInput(f"{'; '.join(problems)} (allowed here: {known})") from None
