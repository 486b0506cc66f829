"""How the agent's avatar moves: a capsule that slides along walls, turns, looks and jumps.

VRChat has no acceleration ramp: speed is at its steady value at once, in the air as well.
"""

import math
from dataclasses import asdict, dataclass, field, fields

from interfaces.standin.geometry import Room
from interfaces.standin.input import DT_S, Intent

EYE_HEIGHT_M = 1.6
JUMP_M_S = 3.0
GRAVITY_M_S2 = 9.81
PITCH_LIMIT_DEG = 80.0


@dataclass(slots=True)
class Avatar:
    """Pose (metres, degrees) and what really moved in the last substep (avatar-local m/s, deg/s).

    `heading_deg` is clockwise from north, `pitch_deg` is positive when looking up.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    heading_deg: float = 0.0
    pitch_deg: float = 0.0
    fall_m_s: float = 0.0  # vertical speed at the end of the substep
    grounded: bool = True
    velocity_x: float = 0.0
    velocity_y: float = 0.0
    velocity_z: float = 0.0
    turn_deg_s: float = 0.0
    touches: list[str] = field(default_factory=list)

    @property
    def ground_speed_m_s(self) -> float:
        return math.hypot(self.velocity_x, self.velocity_z)

    def advance(self, intent: Intent, room: Room) -> None:
        """One substep of 1/60 s: turn, then jump, then move."""
        self.turn_deg_s = intent.turn_deg_s
        self.heading_deg = (self.heading_deg + intent.turn_deg_s * DT_S) % 360.0
        self.pitch_deg = min(
            PITCH_LIMIT_DEG,
            max(-PITCH_LIMIT_DEG, self.pitch_deg + intent.pitch_deg_s * DT_S),
        )
        if "Jump" in intent.pressed and self.grounded:
            self.fall_m_s, self.grounded = JUMP_M_S, False
        self._rise_or_fall()
        self._walk(intent, room)

    def snapshot(self) -> dict[str, object]:
        return asdict(self)

    def restore(self, snapshot: dict[str, object]) -> None:
        for each in fields(self):
            value = snapshot[each.name]
            setattr(self, each.name, list(value) if isinstance(value, list) else value)

    def _rise_or_fall(self) -> None:
        if self.grounded:
            self.velocity_y = 0.0
            return
        # Constant acceleration integrated exactly: the apex is v^2 / 2g whatever the substep.
        before = self.y
        self.y += self.fall_m_s * DT_S - 0.5 * GRAVITY_M_S2 * DT_S * DT_S
        self.fall_m_s -= GRAVITY_M_S2 * DT_S
        if self.y <= 0.0:
            self.y, self.fall_m_s, self.grounded = 0.0, 0.0, True
        self.velocity_y = (self.y - before) / DT_S

    def _walk(self, intent: Intent, room: Room) -> None:
        heading = math.radians(self.heading_deg)
        sine, cosine = math.sin(heading), math.cos(heading)
        step_x = (intent.right_m_s * cosine + intent.forward_m_s * sine) * DT_S
        step_z = (intent.forward_m_s * cosine - intent.right_m_s * sine) * DT_S
        x, z, self.touches = room.slide(self.x, self.z, step_x, step_z)
        moved_x, moved_z = (x - self.x) / DT_S, (z - self.z) / DT_S
        self.x, self.z = x, z
        self.velocity_x = moved_x * cosine - moved_z * sine
        self.velocity_z = moved_x * sine + moved_z * cosine
