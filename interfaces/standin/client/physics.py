"""How the agent's avatar moves: a capsule that slides along walls, turns, looks, jumps and falls.

On the ground VRChat has no acceleration ramp: speed is at its steady value at once. In the air what
one had at take-off is carried on, and steered with an acceleration of five times the speed wished
for (VRChat's ClientSim).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from interfaces.standin.client.input import DT_S, Intent
from interfaces.standin.places.solids import STEP_M, Solid, Solids

GRAVITY_M_S2 = 9.81
PITCH_LIMIT_DEG = 80.0
AIR_PER_S = 5.0


@dataclass(slots=True)
class Avatar:
    """Pose (metres, degrees) and what really moved in the last substep (avatar-local m/s, deg/s).

    `heading_deg` is clockwise from north, `pitch_deg` is positive when looking up, `y` is at the
    feet.
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
    touches: list[str] = field(default_factory=list[str])
    drift_x: float = 0.0  # speed over ground, in the world's axes
    drift_z: float = 0.0
    seat: int = -1  # which one it sits on; -1: none

    @property
    def ground_speed_m_s(self) -> float:
        return math.hypot(self.velocity_x, self.velocity_z)

    def advance(
        self, intent: Intent, ground: Solids, jump_m_s: float, moving: Sequence[Solid] = ()
    ) -> None:
        """One substep of 1/60 s: turn, then jump, then move."""
        self.turn(intent)
        if jump_m_s and self.grounded and "Jump" in intent.pressed:
            self.fall_m_s, self.grounded = jump_m_s, False
        before_y = self.y
        heading = math.radians(self.heading_deg)
        sine, cosine = math.sin(heading), math.cos(heading)
        self._walk(intent, ground, moving, sine, cosine)
        self._rise_or_fall(ground, moving)
        self.velocity_y = (self.y - before_y) / DT_S

    def turn(self, intent: Intent) -> None:
        self.turn_deg_s = intent.turn_deg_s
        if intent.turn_deg_s:
            self.heading_deg = (self.heading_deg + intent.turn_deg_s * DT_S) % 360.0
        if intent.pitch_deg_s:
            pitch = self.pitch_deg + intent.pitch_deg_s * DT_S
            self.pitch_deg = min(PITCH_LIMIT_DEG, max(-PITCH_LIMIT_DEG, pitch))

    def put(self, x: float, y: float, z: float, heading_deg: float) -> None:
        """Somewhere else, standing still."""
        self.x, self.y, self.z, self.heading_deg = x, y, z, heading_deg
        self.pitch_deg = self.fall_m_s = 0.0
        self.grounded, self.seat = True, -1
        self.stop()

    def stop(self) -> None:
        self.velocity_x = self.velocity_y = self.velocity_z = self.turn_deg_s = 0.0
        self.drift_x = self.drift_z = 0.0
        self.touches = []

    def _walk(
        self, intent: Intent, ground: Solids, moving: Sequence[Solid], sine: float, cosine: float
    ) -> None:
        right, forward = intent.right_m_s, intent.forward_m_s
        wish_x, wish_z = right * cosine + forward * sine, forward * cosine - right * sine
        if not self.grounded:
            wish_x, wish_z = self._steered(wish_x, wish_z)
        self.drift_x, self.drift_z = wish_x, wish_z
        if not (wish_x or wish_z or moving):
            self.velocity_x = self.velocity_z = 0.0
            if self.touches:
                self.touches = ground.slide(self.x, self.y, self.z, 0.0, 0.0)[2]
            return
        step_x, step_z = wish_x * DT_S, wish_z * DT_S
        x, z, self.touches = ground.slide(self.x, self.y, self.z, step_x, step_z, moving)
        moved_x, moved_z = (x - self.x) / DT_S, (z - self.z) / DT_S
        if self.touches:  # a wall takes the speed that goes into it
            self.drift_x, self.drift_z = moved_x, moved_z
        self.x, self.z = x, z
        self.velocity_x = moved_x * cosine - moved_z * sine
        self.velocity_z = moved_x * sine + moved_z * cosine

    def _steered(self, wish_x: float, wish_z: float) -> tuple[float, float]:
        """Speed over ground one substep later, in the air."""
        wish = math.hypot(wish_x, wish_z)
        away_x, away_z = wish_x - self.drift_x, wish_z - self.drift_z
        away, most = math.hypot(away_x, away_z), AIR_PER_S * wish * DT_S
        share = 1.0 if away <= most else most / away
        return self.drift_x + share * away_x, self.drift_z + share * away_z

    def _rise_or_fall(self, ground: Solids, moving: Sequence[Solid]) -> None:
        floor = ground.floor(self.x, self.y, self.z, moving)
        if self.grounded:
            if self.y - floor <= STEP_M:  # VRChat sticks to the ground it walks down on
                self.y = floor
                return
            self.grounded, self.fall_m_s = False, 0.0
        # Constant acceleration integrated exactly: the apex is v^2 / 2g whatever the substep.
        self.y += self.fall_m_s * DT_S - 0.5 * GRAVITY_M_S2 * DT_S * DT_S
        self.fall_m_s -= GRAVITY_M_S2 * DT_S
        if self.y <= floor:
            self.y, self.fall_m_s, self.grounded = floor, 0.0, True
