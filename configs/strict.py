"""What every part of the configuration is made of."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f/#*,?\[\]{}]+$")]
# Of an avatar: slashes may part it, as in Contact/Receiver/Pat; VRChat makes spaces to underlines.
_WORD = r"[^\s\x00-\x1f/#*,?\[\]{}]+"
ParameterName = Annotated[
    str,
    BeforeValidator(lambda name: name.replace(" ", "_") if isinstance(name, str) else name),
    Field(min_length=1, max_length=128, pattern=f"^{_WORD}(/{_WORD})*$"),
]
Weight = Annotated[float, Field(ge=-1e6, le=1e6)]


class Strict(BaseModel):
    """Frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
