"""The other people: they wander, come near, pat, boop, follow, talk, and leave.

1. Each person wanders from one random point to the next at 1 m/s, around obstacles.
2. When the agent was within 2.5 m for half a second, a person acts by its nature.
   The friend walks up and pats the agent's head. The tease walks up and boops its nose.
   The follower follows for a while. The talker stops and speaks. The shy one walks away.
   A person who walks up gives up after four seconds, or when the agent is far away.
3. Within the pat distance the friend raises its arms for a quarter second. It pats while the
   agent stays there and is not faster than 2.5 m/s, for three seconds at most.
4. Then it leaves for a point far from the agent, and ignores the agent for two seconds.

So an agent that follows or seeks a friend gets head-pats about half of the time; others much less.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from interfaces.standin.client.contact_senders import ContactSenders, Point
from interfaces.standin.client.input import DT_S
from interfaces.standin.client.physics import AvatarPhysics
from interfaces.standin.places.place import Place
from interfaces.standin.places.routes import Routes

PEOPLE_SUBSTEPS = 2  # substeps between two updates: people move at 30 Hz
WANDER_M_S = 1.0
APPROACH_M_S = 1.2
NEAR_M = 2.5
NOTICE_S = 0.5
GIVE_UP_S = 4.0
PAT_S = 3.0
TALK_S = 3.0
FOLLOW_S = 8.0
REST_S = 2.0
RAISE_S = 0.25
FAST_M_S = 2.5
SHOULDER_M, HEAD_M, TORSO_M = 1.27, 1.5, 1.15
ARM_M = 0.72
NATURES = ("friend", "talker", "follower", "shy", "tease", "friend")
NAMES = ("Aoi", "Ren", "Mio", "Sora", "Yuki", "Haru", "Rin", "Kai")
_DT_S = PEOPLE_SUBSTEPS * DT_S
_TURN_DEG_S = 240.0
_ARRIVED_M = 0.3
_STUCK_S = 0.5
_LEAVE_CANDIDATES = 4  # random points; the person leaves for the one farthest from the agent
_BOOP_S = 0.6
_SENDERS_STREAM = 34  # of random numbers, beside those of the place and the people


@dataclass(slots=True)
class Person:
    """Pose, activity and timers of one person. Metres, degrees, seconds.

    `mode`: wander, approach, pat, boop, follow, talk, leave.
    """

    name: str
    nature: str
    look: int  # selects hair and shirt
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    heading_deg: float = 0.0
    path: list[list[float]] = field(default_factory=list[list[float]])
    mode: str = "wander"
    noticed_s: float = 0.0  # how long the agent has been near
    mode_s: float = 0.0  # time in this mode
    patted_s: float = 0.0
    rest_s: float = 0.0  # time left in which the agent is ignored
    stuck_s: float = 0.0
    arm: float = 0.0  # 0 hanging .. 1 raised
    swing_deg: float = 0.0  # of the raised arm, from hanging down
    stride_m: float = 0.0
    patting: bool = False
    bubble: str = ""
    spoken: int = 0  # how many times the person has begun to speak

    def contact_senders(self) -> ContactSenders:
        """The positions of head, torso and hands; no hands while the arms hang down."""
        head, torso = (self.x, self.y + HEAD_M, self.z), (self.x, self.y + TORSO_M, self.z)
        if self.arm == 0.0:
            return ContactSenders(head, (), torso)
        swing = math.radians(self.arm * self.swing_deg)
        heading = math.radians(self.heading_deg)
        ahead, up = ARM_M * math.sin(swing), SHOULDER_M - ARM_M * math.cos(swing)
        hands: list[Point] = []
        for side in (-0.12, 0.12):
            hands.append(
                (
                    self.x + ahead * math.sin(heading) + side * math.cos(heading),
                    self.y + up,
                    self.z + ahead * math.cos(heading) - side * math.sin(heading),
                )
            )
        return ContactSenders(head, hands, torso)


class People:
    """All people of a place. They use the random generator of the world."""

    def __init__(self, place: Place, count: int, pat_distance_m: float, rng: np.random.Generator):
        self._place, self._pat_m, self._rng = place, pat_distance_m, rng
        self._routes: Routes | None = None
        self.members: list[Person] = []
        looks, names = rng.permutation(8), place.names or NAMES
        for i in range(count):
            x, y, z, heading = _random_pose(place, rng)
            self.members.append(
                Person(
                    names[i % len(names)] + ("" if i < len(names) else str(i // len(names) + 1)),
                    NATURES[i % len(NATURES)],
                    int(looks[i % 8]),
                    x,
                    y,
                    z,
                    heading,
                )
            )

    def advance(self, agent: AvatarPhysics, eye_m: float) -> None:
        """Advance by PEOPLE_SUBSTEPS of 1/60 s."""
        for person in self.members:
            self._advance_person(person, agent, eye_m)

    def with_senders(self, share_without: float, seed: int) -> list[Person]:
        """Those whose avatars have contact senders. Each lacks them with this probability."""
        rng = np.random.Generator(np.random.PCG64([seed, _SENDERS_STREAM]))
        draws = rng.random(len(self.members))
        return [
            each for each, draw in zip(self.members, draws, strict=True) if draw >= share_without
        ]

    def patting(self) -> str | None:
        """The name of the person patting the agent now."""
        return next((person.name for person in self.members if person.patting), None)

    def _advance_person(self, person: Person, agent: AvatarPhysics, eye_m: float) -> None:
        away_m = math.hypot(agent.x - person.x, agent.z - person.z)
        near_m = max(NEAR_M, self._pat_m)
        person.mode_s += _DT_S
        if person.mode in ("wander", "leave"):
            self._wander(person, agent, away_m < near_m)
        elif person.mode in ("approach", "pat", "boop"):
            self._approach(person, agent, away_m, near_m)
        elif person.mode == "follow":
            if away_m > 0.9:
                self._walk_to(person, agent.x, agent.z, APPROACH_M_S)
            if person.mode_s > FOLLOW_S or away_m > 2 * near_m:
                self._leave(person, agent)
        else:
            self._turn_to(person, agent.x, agent.z)
            if person.mode_s > TALK_S:
                self._leave(person, agent)
        self._move_arms(person, agent, away_m, eye_m)

    def _wander(self, person: Person, agent: AvatarPhysics, is_near: bool) -> None:
        person.rest_s = max(0.0, person.rest_s - _DT_S)
        person.noticed_s = person.noticed_s + _DT_S if is_near and not person.rest_s else 0.0
        if person.noticed_s >= NOTICE_S:
            self._react(person, agent)
            return
        if not person.path:
            self._new_goal(person)
        x, z = person.path[0]
        self._walk_to(person, x, z, WANDER_M_S)
        if math.hypot(x - person.x, z - person.z) < _ARRIVED_M:
            del person.path[0]
        elif person.stuck_s > _STUCK_S:
            self._new_goal(person)

    def _react(self, person: Person, agent: AvatarPhysics) -> None:
        """Begin what the person's nature does when the agent is near."""
        person.noticed_s = person.mode_s = 0.0
        if person.nature in ("friend", "tease"):
            person.mode = "approach"
        elif person.nature == "follower":
            person.mode = "follow"
        elif person.nature == "talker":
            person.mode = "talk"
            phrases = self._place.phrases
            person.bubble = phrases[int(self._rng.integers(len(phrases)))]
            person.spoken += 1
        else:
            self._leave(person, agent)

    def _approach(self, person: Person, agent: AvatarPhysics, away_m: float, near_m: float) -> None:
        close = away_m <= self._pat_m
        mode = ("pat" if person.nature == "friend" else "boop") if close else "approach"
        if mode != person.mode:
            person.mode, person.mode_s = mode, 0.0
        if away_m > 0.75 * self._pat_m:
            self._walk_to(person, agent.x, agent.z, APPROACH_M_S)
        else:
            self._turn_to(person, agent.x, agent.z)
        gives_up = person.mode == "approach" and person.mode_s > GIVE_UP_S
        done = person.mode == "boop" and person.mode_s > _BOOP_S
        if gives_up or done or away_m > near_m + 1.5:
            self._leave(person, agent)

    def _move_arms(self, person: Person, agent: AvatarPhysics, away_m: float, eye_m: float) -> None:
        reaching = person.mode in ("pat", "boop") and agent.ground_speed_m_s <= FAST_M_S
        if not reaching and person.arm == 0.0:
            return
        raising = _DT_S / RAISE_S if reaching else -_DT_S / RAISE_S
        person.arm = min(1.0, max(0.0, person.arm + raising))
        if reaching:
            target = agent.y + eye_m + (0.08 if person.mode == "pat" else -0.04)
            rise = target - person.y - SHOULDER_M
            person.swing_deg = math.degrees(math.atan2(max(0.05, away_m), -rise))
        person.patting = reaching and person.mode == "pat" and person.arm == 1.0
        if person.patting:
            person.patted_s += _DT_S
            if person.patted_s >= PAT_S:
                self._leave(person, agent)

    def _leave(self, person: Person, agent: AvatarPhysics) -> None:
        person.mode, person.mode_s, person.patted_s = "leave", 0.0, 0.0
        person.noticed_s, person.rest_s, person.bubble = 0.0, REST_S, ""
        person.patting = False
        ground = self._place.ground
        points = [ground.free_point(self._rng) for _ in range(_LEAVE_CANDIDATES)]
        away = [math.hypot(x - agent.x, z - agent.z) for x, z in points]
        self._plan_path(person, points[away.index(max(away))])

    def _new_goal(self, person: Person) -> None:
        person.mode = "wander"
        self._plan_path(person, self._place.ground.free_point(self._rng))

    def _plan_path(self, person: Person, goal: tuple[float, float]) -> None:
        if self._routes is None:
            self._routes = Routes(self._place.ground)
        points = self._routes.route((person.x, person.z), goal)
        person.path, person.stuck_s = [[x, z] for x, z in points], 0.0

    def _walk_to(self, person: Person, x: float, z: float, speed_m_s: float) -> None:
        away_x, away_z = x - person.x, z - person.z
        distance_m = math.hypot(away_x, away_z)
        if distance_m < 1e-6:
            return
        step, ground = min(1.0, speed_m_s * _DT_S / distance_m), self._place.ground
        new_x, new_z, _ = ground.slide(person.x, person.y, person.z, away_x * step, away_z * step)
        moved_m = math.hypot(new_x - person.x, new_z - person.z)
        person.stuck_s = person.stuck_s + _DT_S if moved_m < 0.3 * speed_m_s * _DT_S else 0.0
        person.stride_m += moved_m
        person.x, person.z = new_x, new_z
        person.y = ground.terrain(new_x, new_z)
        self._turn_to(person, x, z)

    def _turn_to(self, person: Person, x: float, z: float) -> None:
        wanted = math.degrees(math.atan2(x - person.x, z - person.z))
        off = (wanted - person.heading_deg + 180.0) % 360.0 - 180.0
        limit = _TURN_DEG_S * _DT_S
        person.heading_deg = (person.heading_deg + min(limit, max(-limit, off))) % 360.0


def _random_pose(place: Place, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """x, y, z (metres) and heading (degrees) of a free point."""
    x, z = place.ground.free_point(rng)
    return x, place.ground.terrain(x, z), z, float(rng.uniform(0.0, 360.0))
