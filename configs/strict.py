"""The base class and the value types of all settings."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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
    """A group of settings. Instances are frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
