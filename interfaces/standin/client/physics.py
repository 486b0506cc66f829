"""How the agent's avatar moves: a capsule that slides along walls, turns, looks, jumps and falls.

On the ground VRChat has no acceleration: the speed reaches its steady value at once. In the air the
avatar keeps the speed of its take-off. Inputs change it with an acceleration of five times the
requested speed per second (VRChat's ClientSim).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from interfaces.standin.client.input import DT_S, MoveCommand
from interfaces.standin.geometry.solids import STEP_M, Solid, Solids

GRAVITY_M_S2 = 9.81
PITCH_LIMIT_DEG = 80.0
AIR_PER_S = 5.0  # acceleration in the air, in requested speeds per second


@dataclass(slots=True)
class AvatarPhysics:
    """Pose (metres, degrees) and the real motion of the last substep (avatar-local m/s, deg/s).

    `heading_deg` is clockwise from north, `pitch_deg` is positive upwards, `y` is at the feet.
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
    seat: int = -1  # index of the seat it sits on; -1: none

    @property
    def ground_speed_m_s(self) -> float:
        """Horizontal speed."""
        return math.hypot(self.velocity_x, self.velocity_z)

    def advance(
        self, command: MoveCommand, ground: Solids, jump_m_s: float, moving: Sequence[Solid] = ()
    ) -> None:
        """One substep of 1/60 s: turn, then jump, then move."""
        self.turn(command)
        if jump_m_s and self.grounded and "Jump" in command.pressed:
            self.fall_m_s, self.grounded = jump_m_s, False
        before_y = self.y
        heading = math.radians(self.heading_deg)
        sine, cosine = math.sin(heading), math.cos(heading)
        self._walk(command, ground, moving, sine, cosine)
        self._rise_or_fall(ground, moving)
        self.velocity_y = (self.y - before_y) / DT_S

    def turn(self, command: MoveCommand) -> None:
        """Turn and look up or down for one substep."""
        self.turn_deg_s = command.turn_deg_s
        if command.turn_deg_s:
            self.heading_deg = (self.heading_deg + command.turn_deg_s * DT_S) % 360.0
        if command.pitch_deg_s:
            pitch = self.pitch_deg + command.pitch_deg_s * DT_S
            self.pitch_deg = min(PITCH_LIMIT_DEG, max(-PITCH_LIMIT_DEG, pitch))

    def put(self, x: float, y: float, z: float, heading_deg: float) -> None:
        """Move to another pose, at rest, on the ground and not seated."""
        self.x, self.y, self.z, self.heading_deg = x, y, z, heading_deg
        self.pitch_deg = self.fall_m_s = 0.0
        self.grounded, self.seat = True, -1
        self.stop()

    def stop(self) -> None:
        """Set all speeds to 0."""
        self.velocity_x = self.velocity_y = self.velocity_z = self.turn_deg_s = 0.0
        self.drift_x = self.drift_z = 0.0
        self.touches = []

    def _walk(
        self,
        command: MoveCommand,
        ground: Solids,
        moving: Sequence[Solid],
        sine: float,
        cosine: float,
    ) -> None:
        right, forward = command.right_m_s, command.forward_m_s
        wish_x, wish_z = right * cosine + forward * sine, forward * cosine - right * sine
        if not self.grounded:
            wish_x, wish_z = self._steered_in_air(wish_x, wish_z)
        self.drift_x, self.drift_z = wish_x, wish_z
        if not (wish_x or wish_z or moving):
            self.velocity_x = self.velocity_z = 0.0
            if self.touches:
                self.touches = ground.slide(self.x, self.y, self.z, 0.0, 0.0)[2]
            return
        step_x, step_z = wish_x * DT_S, wish_z * DT_S
        x, z, self.touches = ground.slide(self.x, self.y, self.z, step_x, step_z, moving)
        moved_x, moved_z = (x - self.x) / DT_S, (z - self.z) / DT_S
        if self.touches:  # a wall removes the part of the speed that points into it
            self.drift_x, self.drift_z = moved_x, moved_z
        self.x, self.z = x, z
        self.velocity_x = moved_x * cosine - moved_z * sine
        self.velocity_z = moved_x * sine + moved_z * cosine

    def _steered_in_air(self, wish_x: float, wish_z: float) -> tuple[float, float]:
        """Speed over ground one substep later, in the air."""
        wish = math.hypot(wish_x, wish_z)
        away_x, away_z = wish_x - self.drift_x, wish_z - self.drift_z
        away, limit = math.hypot(away_x, away_z), AIR_PER_S * wish * DT_S
        share = 1.0 if away <= limit else limit / away
        return self.drift_x + share * away_x, self.drift_z + share * away_z

    def _rise_or_fall(self, ground: Solids, moving: Sequence[Solid]) -> None:
        floor = ground.floor(self.x, self.y, self.z, moving)
        if self.grounded:
            if self.y - floor <= STEP_M:  # VRChat keeps the avatar on ground that slopes down
                self.y = floor
                return
            self.grounded, self.fall_m_s = False, 0.0
        # Constant acceleration, integrated exactly: the apex is v^2 / 2g for any substep length.
        self.y += self.fall_m_s * DT_S - 0.5 * GRAVITY_M_S2 * DT_S * DT_S
        self.fall_m_s -= GRAVITY_M_S2 * DT_S
        if self.y <= floor:
            self.y, self.fall_m_s, self.grounded = floor, 0.0, True
