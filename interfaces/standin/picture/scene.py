"""All that a picture depends on, apart from the place."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DrawnAvatar:
    """An avatar in the picture: metres, degrees. `look` selects hair and shirt.

    `arm` is 0 hanging .. 1 raised by `swing_deg`; `bubble` is its chat text.
    """

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
    """The eye (metres; heading clockwise from north, pitch upwards) and all drawn avatars.

    `zoom` is the focal length of the user camera; 0 means the avatar's own eyes. `me` is the
    agent's avatar, which only the user camera sees.
    """

    x: float
    y: float
    z: float
    heading_deg: float
    pitch_deg: float
    people: tuple[DrawnAvatar, ...]
    time_s: float
    hour: float
    roll_deg: float = 0.0
    zoom: float = 0.0
    me: DrawnAvatar | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "View":
        """The view of which to_json() gave `fields`."""
        people = tuple(DrawnAvatar(**each) for each in fields["people"])
        me = None if fields["me"] is None else DrawnAvatar(**fields["me"])
        plain: dict[str, float] = {k: v for k, v in fields.items() if k not in ("people", "me")}
        return cls(people=people, me=me, **plain)
