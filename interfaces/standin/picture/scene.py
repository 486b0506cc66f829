"""All that a picture of a place depends on."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Look:
    """Another avatar: metres, degrees; `arm` 0 hanging .. 1 raised by `swing_deg`."""

    name: str
    look: int
    x: float
    y: float
    z: float
    heading_deg: float
    arm: float
    swing_deg: float
    stride_m: float
    bubble: str


@dataclass(frozen=True, slots=True)
class View:
    """The eye (metres; heading clockwise from north, pitch up) and everybody in the picture.

    `zoom` is the focal length of the user camera; 0: the avatar's own eye.
    """

    x: float
    y: float
    z: float
    heading_deg: float
    pitch_deg: float
    people: tuple[Look, ...]
    time_s: float
    hour: float
    roll_deg: float = 0.0
    zoom: float = 0.0
    me: Look | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, known: dict[str, Any]) -> "View":
        """Of what to_json gave."""
        people = tuple(Look(**look) for look in known["people"])
        me = None if known["me"] is None else Look(**known["me"])
        plain: dict[str, float] = {k: v for k, v in known.items() if k not in ("people", "me")}
        return cls(people=people, me=me, **plain)
