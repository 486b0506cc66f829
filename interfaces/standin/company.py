"""The other avatar: it wanders, notices the agent, walks up to it and pats its head.

1. It wanders from one random point to the next at 1 m/s.
2. Once the agent has been near (2.5 m) for half a second, it walks up to it; it gives up after
   four seconds, or when the agent is far away.
3. Within the pat distance it raises its arms (a quarter second) and pats for as long as the agent
   stays there and is not faster than 2.5 m/s.
4. After three seconds of patting it has had enough: it leaves for a place away from the agent, and
   notices nobody for two seconds.

So who follows it, or seeks it, is patted about half of the time; who does not, much less.
"""

import math
from dataclasses import asdict, dataclass, fields

import numpy as np

from interfaces.standin.geometry import Room
from interfaces.standin.input import DT_S
from interfaces.standin.physics import Avatar

WANDER_M_S = 1.0
APPROACH_M_S = 1.2
NEAR_M = 2.5
NOTICE_S = 0.5
PATIENCE_S = 4.0
PAT_S = 3.0
REST_S = 2.0
RAISE_S = 0.25
FAST_M_S = 2.5
REACH_M = 0.6  # of the raised arms
_TURN_DEG_S = 240.0
_ARRIVED_M = 0.3
_STUCK_S = 0.5
_PLACES = 4  # it leaves for the farthest of so many random ones


@dataclass(slots=True)
class Company:
    """Where the other is, what it is doing ("wander", "approach", "pat"), and for how long."""

    x: float = 0.0
    z: float = 0.0
    heading_deg: float = 0.0
    goal_x: float = 0.0
    goal_z: float = 0.0
    mode: str = "wander"
    noticed_s: float = 0.0  # the agent has been near for so long
    approached_s: float = 0.0
    patted_s: float = 0.0
    rest_s: float = 0.0  # still notices nobody for so long
    stuck_s: float = 0.0
    arm: float = 0.0  # 0 hanging .. 1 raised
    stride_m: float = 0.0
    patting: bool = False
    proximity: float = 0.0  # 0..1, as a VRChat proximity contact on the agent's head tells it

    def advance(
        self, agent: Avatar, pat_distance_m: float, room: Room, rng: np.random.Generator
    ) -> None:
        """One substep of 1/60 s."""
        distance_m = math.hypot(agent.x - self.x, agent.z - self.z)
        near_m = max(NEAR_M, pat_distance_m)
        if self.mode == "wander":
            self._wander(distance_m < near_m, room, rng)
        else:
            self.mode = "pat" if distance_m <= pat_distance_m else "approach"
            self._seek(agent, distance_m, near_m, pat_distance_m, room, rng)
        self._pat(agent, distance_m, pat_distance_m, room, rng)

    def snapshot(self) -> dict[str, object]:
        return asdict(self)

    def restore(self, snapshot: dict[str, object]) -> None:
        for each in fields(self):
            setattr(self, each.name, snapshot[each.name])

    def _wander(self, is_near: bool, room: Room, rng: np.random.Generator) -> None:
        self.rest_s = max(0.0, self.rest_s - DT_S)
        self.noticed_s = self.noticed_s + DT_S if is_near and self.rest_s == 0.0 else 0.0
        if self.noticed_s >= NOTICE_S:
            self.mode, self.noticed_s, self.approached_s = "approach", 0.0, 0.0
            return
        self._walk_to(self.goal_x, self.goal_z, WANDER_M_S, room)
        arrived = math.hypot(self.goal_x - self.x, self.goal_z - self.z) < _ARRIVED_M
        if arrived or self.stuck_s > _STUCK_S:
            self._new_goal(room, rng)

    def _seek(
        self,
        agent: Avatar,
        distance_m: float,
        near_m: float,
        pat_distance_m: float,
        room: Room,
        rng: np.random.Generator,
    ) -> None:
        if distance_m > 0.8 * pat_distance_m:
            self._walk_to(agent.x, agent.z, APPROACH_M_S, room)
        else:
            self._face(agent.x, agent.z)
        self.approached_s = 0.0 if self.mode == "pat" else self.approached_s + DT_S
        if self.approached_s > PATIENCE_S or distance_m > near_m + 1.5:
            self._leave(agent, room, rng)

    def _pat(
        self,
        agent: Avatar,
        distance_m: float,
        pat_distance_m: float,
        room: Room,
        rng: np.random.Generator,
    ) -> None:
        raising = DT_S / RAISE_S if self.mode == "pat" else -DT_S / RAISE_S
        self.arm = min(1.0, max(0.0, self.arm + raising))
        gap_m = max(0.0, distance_m - REACH_M)
        self.proximity = self.arm * max(0.0, 1.0 - gap_m / pat_distance_m)
        self.patting = self.mode == "pat" and self.arm == 1.0 and agent.ground_speed_m_s <= FAST_M_S
        if self.patting:
            self.patted_s += DT_S
            if self.patted_s >= PAT_S:
                self._leave(agent, room, rng)

    def _leave(self, agent: Avatar, room: Room, rng: np.random.Generator) -> None:
        self.mode, self.patted_s, self.noticed_s, self.rest_s = "wander", 0.0, 0.0, REST_S
        places = [room.free_point(rng) for _ in range(_PLACES)]
        away = [math.hypot(x - agent.x, z - agent.z) for x, z in places]
        self.goal_x, self.goal_z = places[away.index(max(away))]
        self.stuck_s = 0.0

    def _new_goal(self, room: Room, rng: np.random.Generator) -> None:
        self.goal_x, self.goal_z = room.free_point(rng)
        self.stuck_s = 0.0

    def _walk_to(self, x: float, z: float, speed_m_s: float, room: Room) -> None:
        away_x, away_z = x - self.x, z - self.z
        distance_m = math.hypot(away_x, away_z)
        if distance_m < 1e-6:
            return
        step = min(1.0, speed_m_s * DT_S / distance_m)
        new_x, new_z, _ = room.slide(self.x, self.z, away_x * step, away_z * step)
        moved_m = math.hypot(new_x - self.x, new_z - self.z)
        self.stuck_s = self.stuck_s + DT_S if moved_m < 0.3 * speed_m_s * DT_S else 0.0
        self.stride_m += moved_m
        self.x, self.z = new_x, new_z
        self._face(x, z)

    def _face(self, x: float, z: float) -> None:
        wanted = math.degrees(math.atan2(x - self.x, z - self.z))
        off = (wanted - self.heading_deg + 180.0) % 360.0 - 180.0
        limit = _TURN_DEG_S * DT_S
        self.heading_deg = (self.heading_deg + min(limit, max(-limit, off))) % 360.0
