"""The table of learning methods, and how a method outside the project is found."""

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, WithJsonSchema, create_model
from pydantic_core import PydanticKnownError

from configs.errors import BadInput
from configs.methods.dreamer_method import DREAMER
from configs.methods.method import LearningMethod, imported
from configs.methods.ppo_method import PPO
from configs.methods.world_models_method import WORLD_MODELS
from configs.strict import StrictModel

METHODS: Mapping[str, LearningMethod] = {
    method.name: method for method in (DREAMER, WORLD_MODELS, PPO)
}
_PLUGIN = r"^[\w.]+:\w+$"
S = TypeVar("S", bound=StrictModel)


class UnknownMethod(BadInput, LookupError):
    """No method has this name, and it is not the reference of a plugin."""


def _import_plugin(name: str) -> object:
    if ":" not in name:
        raise UnknownMethod(name)
    try:
        return imported(name)
    except BadInput as error:
        raise BadInput(
            f"method {error}. It must be module:name of a LearningMethod that Python can import"
        ) from error
    except Exception as error:  # code of the plugin
        reason = f"{type(error).__name__}: {error}"
        raise BadInput(f"method {name} raises an error while it is imported: {reason}") from error


_load_plugin: Callable[[str], object] = _import_plugin
_plugins: dict[str, LearningMethod] = {}  # by the name in the configuration


def use_plugin_loader(load: Callable[[str], object]) -> None:
    """Find methods outside the project with `load`; the default imports "module:name".

    `load` gets the value of `method` and returns a LearningMethod. It raises UnknownMethod for a
    name that it does not know, and BadInput for a plugin that it cannot or must not load.
    """
    global _load_plugin
    _load_plugin = load


def find_method(name: str) -> LearningMethod:
    """The method of the setting `method`: a name of the table, or a plugin, loaded once.

    Raises UnknownMethod, and BadInput for a plugin that cannot be used.
    """
    if name in METHODS:
        return METHODS[name]
    if name not in _plugins:
        _plugins[name] = _checked(name, _load_plugin(name))
    return _plugins[name]


def loaded_plugins() -> tuple[LearningMethod, ...]:
    """The methods outside the project that were loaded so far."""
    return tuple(_plugins.values())


def _checked(reference: str, found: object) -> LearningMethod:
    if not isinstance(found, LearningMethod):
        raise BadInput(
            f"method {reference} is a {type(found).__name__}, but must be a LearningMethod of "
            "configs.methods.method"
        )
    if found.name in METHODS or not found.name.isidentifier():
        raise BadInput(
            f"method {reference} is called {found.name!r}: use a name like my_method that is not "
            f"{', '.join(METHODS)}"
        )
    return found


def _known(name: str) -> str:
    try:
        find_method(name)
    except UnknownMethod:
        names = ", ".join(f"'{each}'" for each in METHODS)
        expected = f"{names} or module:name of a method outside the project"
        raise PydanticKnownError("literal_error", {"expected": expected}) from None
    except BadInput as error:
        raise ValueError(str(error)) from error
    return name


MethodName = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(METHODS)},
                {"type": "string", "pattern": _PLUGIN},
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


def with_plugin_section(config: type[S], method: LearningMethod) -> type[S]:
    """A subclass of `config` that has the section of a plugin too.

    `config` itself for a method of the table or without settings. Raises BadInput if a section of
    this name exists.
    """
    if method.name in METHODS or method.settings is None:
        return config
    if method.name in config.model_fields:
        raise BadInput(f"method {method.name}: a section {method.name} exists; use another name")
    section = {method.name: (method.settings, method.settings())}
    return create_model(config.__name__, __base__=config, **section)  # pyright: ignore
