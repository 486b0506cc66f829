"""Settings of the proximity contacts, and what all senses of the avatar share.

Contacts are receivers around the avatar that say how near people are.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from configs.strict import ParameterName, StrictModel

MIN_CONTACTS, MAX_CONTACTS = 4, 8  # of a ring
MAX_RADIUS_M = 3.0  # of a contact in VRChat, after scaling
_NUMBER = "{i}"
_PREFIX = re.compile(r"VF\d+_")  # VRCFury puts it before the names that it merges into an avatar


def _word(mode: object) -> object:
    """YAML reads the words `on` and `off` as bools."""
    return {True: "on", False: "off"}[mode] if isinstance(mode, bool) else mode


def _checked_pattern(name: str) -> str:
    if name.count(_NUMBER) != 1:
        raise ValueError(f"{name} must contain {{i}} once, such as YumeNear{{i}}")
    try:
        return str(_PARAMETER.validate_python(name.replace(_NUMBER, "0"))) and name
    except ValidationError:
        raise ValueError(f"{name} is not the name of an avatar parameter") from None


_PARAMETER: TypeAdapter[str] = TypeAdapter(ParameterName)
SenseMode = Annotated[Literal["off", "on", "auto"], BeforeValidator(_word)]
NamePattern = Annotated[str, Field(max_length=64), AfterValidator(_checked_pattern)]


def numbered_names(pattern: str, count: int) -> tuple[str, ...]:
    """The names of a pattern with the numbers 0 to count - 1."""
    return tuple(pattern.replace(_NUMBER, str(i)) for i in range(count))


def with_known_flags(names: Sequence[str]) -> tuple[str, ...]:
    """The entries of the observation of a sense: each closeness, then whether each is known.

    Closeness is 0..1, and 1 is nearest. Known is 0 or 1.
    """
    return (*names, *(f"{name}_Known" for name in names))


def without_prefix(name: str) -> str:
    """The name of an avatar parameter without the prefix VF<digits>_ of VRCFury."""
    return _PREFIX.sub("", name, count=1) if _PREFIX.match(name) else name


class ContactsConfig(StrictModel):
    """Proximity contacts as a sense: a ring of receivers around the avatar's body."""

    mode: SenseMode = Field(
        default="off",
        description="`on`: observe the contacts, and warn if the avatar lacks them. `auto`: use "
        "those that the avatar has. `off`: none. Contacts that the avatar lacks are unknown.",
    )
    count: int = Field(
        default=4, ge=MIN_CONTACTS, le=MAX_CONTACTS, description="Number of contacts in the ring."
    )
    ring_m: float = Field(
        default=1.0,
        ge=0,
        le=MAX_RADIUS_M,
        description="Distance of the contacts from the axis of the body, in metres. The stand-in "
        "builds its ring by it.",
    )
    radius_m: float = Field(
        default=3.0,
        gt=0,
        le=MAX_RADIUS_M,
        description="Radius of each contact in metres. VRChat allows at most 3 m.",
    )
    name: NamePattern = Field(
        default="YumeNear{i}",
        description="Names of the avatar parameters. {i} is the number: 0 is ahead, then "
        "clockwise seen from above. A prefix VF<digits>_ of VRCFury is recognised.",
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The parameter of each contact; none if the sense is off."""
        return numbered_names(self.name, 0 if self.mode == "off" else self.count)

    @property
    def features(self) -> tuple[str, ...]:
        """The closeness of each contact, then whether it is known; see with_known_flags."""
        return with_known_flags(self.names)
