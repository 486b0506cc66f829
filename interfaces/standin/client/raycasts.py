"""Raycasts of the avatar (VRChat's VRCRaycast): what they hit, and which parameters changed."""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from configs.standin import AvatarConfig
from configs.world.standin_rays import single_rays
from interfaces.standin.client.parameters import Value
from interfaces.standin.client.ray_messages import RayMessages
from interfaces.standin.geometry.level_rays import LevelRayCaster
from interfaces.standin.geometry.ray_casting import RayCaster, unit_directions
from interfaces.standin.geometry.ray_fans import AvatarPose, Cylinder, Floats, LevelRays
from interfaces.standin.geometry.solids import PERSON_HEIGHT_M, PERSON_RADIUS_M
from interfaces.standin.places.place import Place


class StandingBody(Protocol):
    """Where the feet of a person are, in metres."""

    @property
    def x(self) -> float:
        """Metres east."""
        ...

    @property
    def y(self) -> float:
        """Metres above the zero of the place."""
        ...

    @property
    def z(self) -> float:
        """Metres north."""
        ...


class Raycasts:
    """All rays of one avatar. Falsy if it has none.

    Each ray sets NAME_Hit, NAME_Ratio and NAME_Distance. They are 0 until the first cast, and only
    changes are sent. On a miss Hit is false; the setting `miss` gives the other two.
    """

    def __init__(self, avatar: AvatarConfig) -> None:
        rays = single_rays(avatar.rays)
        self._names = [ray.name for ray in rays]
        self._eye_m = avatar.eye_height_m
        self._messages = RayMessages(self._names)
        right, self._height, front = (
            np.array([getattr(ray, part) for ray in rays], np.float64)
            for part in ("right_m", "height_m", "forward_m")
        )
        # Of origins and directions, x and z at heading 0, and what heading 90 adds: both (2, 1, R).
        self._offsets = None
        if right.any() or front.any():
            self._offsets = np.stack([right, front])[:, None], np.stack([front, -right])[:, None]
        to_right, self._slope, to_front = unit_directions(
            [ray.yaw_deg for ray in rays], [ray.pitch_deg for ray in rays]
        )
        self._directions = np.stack([to_right, to_front])[:, None]
        self._across = np.stack([to_front, -to_right])[:, None]
        self._sees_world = np.array([ray.hits != "players" for ray in rays], np.bool_)
        self._sees_people = np.array([ray.hits != "world" for ray in rays], np.bool_)
        self._max_m = np.array([ray.max_distance_m for ray in rays], np.float64)
        at_miss = {"do_nothing": math.nan, "snap_to_start": 0.0, "snap_to_end": 1.0}
        self._miss_m = self._max_m * np.array([at_miss[ray.miss] for ray in rays], np.float64)
        self.keeps_last = bool(np.isnan(self._miss_m).any())
        self._place: Place | None = None
        self._level: LevelRays | None = None
        if not self._slope.any():
            self._level = LevelRays(
                *(to_right, to_front, right, self._height, front),
                *(self._sees_world, self._sees_people, self._max_m),
            )
        self.reset()

    def __bool__(self) -> bool:
        return bool(self._names)

    @property
    def values(self) -> dict[str, Value]:
        """The newest value of each parameter of the rays."""
        ratios, distances = self._newest.tolist()
        values: dict[str, Value] = {}
        for i, name in enumerate(self._names):
            values[f"{name}_Hit"] = bool(self._hits[i])
            values[f"{name}_Ratio"], values[f"{name}_Distance"] = ratios[i], distances[i]
        return values

    def reset(self) -> None:
        """Set every parameter to 0, as after the load of an avatar."""
        self._hits = np.zeros(len(self._names), np.bool_)
        self._newest = np.zeros((2, len(self._names)), np.float32)  # ratio and distance
        self._pose: object = None  # that of the last cast, with what moves

    def advance(
        self,
        place: Place,
        body: StandingBody,
        heading_deg: float,
        eye_m: float,
        others: Sequence[StandingBody],
        time_s: float,
    ) -> list[bytes]:
        """Cast all rays from the avatar's pose. Returns one datagram for each changed parameter."""
        if place is not self._place:
            self._place, self._caster, self._pose = place, self._caster_in(place), None
        movers: list[Cylinder] = []
        for mover in place.movers:
            if mover.radius is not None:
                x, y, z, _ = mover.at(time_s)
                movers.append((x, z, mover.radius, y, y + mover.height))
        people = [
            (each.x, each.z, PERSON_RADIUS_M, each.y, each.y + PERSON_HEIGHT_M) for each in others
        ]
        pose = (body.x, body.y, body.z, heading_deg, eye_m, movers, people)
        if pose == self._pose:
            return []
        self._pose = pose
        return self._changes(self._cast(body, heading_deg, eye_m, movers, people))

    def snapshot(self) -> dict[str, object]:
        return {"hits": self._hits.tolist(), "newest": self._newest.tolist()}

    def restore(self, snapshot: dict[str, list[object]]) -> None:
        """Continue from a snapshot; an empty one, of an older version, resets all values."""
        self.reset()
        if snapshot:
            self._hits = np.array(snapshot["hits"], np.bool_)
            self._newest = np.array(snapshot["newest"], np.float32)

    def _caster_in(self, place: Place) -> RayCaster | LevelRayCaster:
        if self._level is not None:
            return LevelRayCaster(
                *(place.ground, self._level),
                out_of_reach=place.out_of_reach,
                wall_top_m=place.wall_top_m,
            )
        return RayCaster(
            place.ground,
            out_of_reach=place.out_of_reach,
            wall_top_m=place.wall_top_m,
            ceiling_m=place.ceiling_m,
            sees_world=self._sees_world,
            sees_people=self._sees_people,
            slope=self._slope,
            max_m=self._max_m,
        )

    def _cast(
        self,
        body: StandingBody,
        heading_deg: float,
        eye_m: float,
        movers: list[Cylinder],
        people: list[Cylinder],
    ) -> Floats:
        """Distances, metres, float (R,); infinity for a miss. The origins scale with the eyes."""
        heading, scale = math.radians(heading_deg), eye_m / self._eye_m
        sine, cosine = math.sin(heading), math.cos(heading)
        caster = self._caster
        if isinstance(caster, LevelRayCaster):
            pose = AvatarPose(body.x, body.y, body.z, heading, sine, cosine, scale)
            return caster.cast(pose, movers, people)
        turned = self._directions * cosine + self._across * sine
        height = body.y + scale * self._height
        origin = np.array([[[body.x]], [[body.z]]])
        if self._offsets is not None:
            shift, across = self._offsets
            origin = origin + scale * (shift * cosine + across * sine)
        return caster.cast(origin, height, turned, movers, people)

    def _changes(self, distance_m: Floats) -> list[bytes]:
        hits = distance_m <= self._max_m
        reached_m = np.where(hits, distance_m, self._miss_m)
        newest = np.empty_like(self._newest)
        np.divide(reached_m, self._max_m, out=newest[0], casting="same_kind")
        newest[1] = reached_m
        if self.keeps_last:
            newest = np.where(np.isnan(newest), self._newest, newest)
        messages: list[bytes] = []
        if hits.tobytes() != self._hits.tobytes():
            messages = self._messages.hits(hits, hits != self._hits)
        changed = newest != self._newest
        messages += self._messages.floats(newest.reshape(-1), changed.reshape(-1))
        self._hits, self._newest = hits, newest
        return messages
