"""The base class and the value types of all settings."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from configs.visible_text import hidden_character

Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f/#*,?\[\]{}]+$")]
# Name of an avatar parameter. Slashes may separate its parts, as in Contact/Receiver/Pat. VRChat
# replaces spaces by underscores.
_WORD = r"[^\s\x00-\x1f/#*,?\[\]{}]+"
ParameterName = Annotated[
    str,
    BeforeValidator(lambda name: name.replace(" ", "_") if isinstance(name, str) else name),
    Field(min_length=1, max_length=128, pattern=f"^{_WORD}(/{_WORD})*$"),
]
Weight = Annotated[float, Field(ge=-1e6, le=1e6)]


class StrictModel(BaseModel):
    """A group of settings. Instances are frozen, and unknown keys are errors.

    A text may have no control characters: it is shown in terminals and logs. `multi_line` names the
    settings whose text may have tabs and line ends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    multi_line: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_control_characters(cls, value: Any, info: ValidationInfo) -> Any:
        for text in _texts(value):
            found = hidden_character(text, multi_line=info.field_name in cls.multi_line)
            if found is not None:
                raise PydanticCustomError(
                    "control_character", "the control character {found}", {"found": found}
                )
        return value


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys included. Groups of settings in it check their own."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in (*value.keys(), *value.values()):
            yield from _texts(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _texts(each)
