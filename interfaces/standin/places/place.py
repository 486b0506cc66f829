"""What a place is: what is solid, what is drawn, what moves, where one sits and appears."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from interfaces.standin.picture.meshes import Mesh
from interfaces.standin.picture.textures import Picture
from interfaces.standin.places.landmarks import Landmark
from interfaces.standin.places.solids import Circle, Solid, Solids, Terrain, flat

Pose = tuple[float, float, float, float]  # x, y, z (metres), heading (degrees)
_WITHIN_M = 1.0  # beyond a person's radius and the longest step together


@dataclass(frozen=True, slots=True)
class Surface:
    """Something drawn: with a picture on it (uint8 (H, W, 3), repeated), or in the mesh's colours.

    What glows is as bright by night as by day.
    """

    name: str
    mesh: Mesh
    picture: Picture | None = None
    glows: bool = False


def apart(name: str, meshes: Iterable[Mesh], picture: Picture | None = None) -> list[Surface]:
    """A surface each: the renderer leaves out whole ones that are not in view."""
    return [Surface(f"{name} {i}", mesh, picture) for i, mesh in enumerate(meshes)]


@dataclass(frozen=True, slots=True)
class Mover:
    """Something that moves by the clock alone: `track` gives its pose at a time in seconds, above
    the `terrain` under it.

    `radius` is that of what is solid about it (none: one walks through); from there `height` up.
    """

    name: str
    surface: Surface
    track: Callable[[float], Pose]
    radius: float | None = None
    height: float = 1.0
    terrain: Terrain = flat

    def at(self, time_s: float) -> Pose:
        x, y, z, heading_deg = self.track(time_s)
        return x, y + self.terrain(x, z), z, heading_deg

    def solid(self, time_s: float, x: float, z: float) -> Circle | None:
        """What is solid about it, if that is within a step of who stands at (x, z)."""
        if self.radius is None:
            return None
        own_x, y, own_z, _ = self.track(time_s)
        reach_m = self.radius + _WITHIN_M
        if abs(own_x - x) > reach_m or abs(own_z - z) > reach_m:
            return None
        y += self.terrain(own_x, own_z)
        return Circle(self.name, own_x, own_z, self.radius, y, y + self.height)


@dataclass(frozen=True, slots=True)
class Seat:
    """A chair. One who sits is at (x, y, z) and looks to `heading_deg` at first."""

    x: float
    y: float
    z: float
    heading_deg: float


@dataclass(frozen=True, slots=True)
class Place:
    """One world of the stand-in, made by its name, version and seed alone.

    `sky`: open to it, so that the hour is seen; else lamps light it day and night.
    """

    name: str
    version: int
    ground: Solids
    surfaces: tuple[Surface, ...]
    people: int
    sky: bool = False
    landmarks: tuple[Landmark, ...] = ()
    movers: tuple[Mover, ...] = ()
    seats: tuple[Seat, ...] = ()
    spawn_within_m: float | None = None
    respawn_below_m: float = -5.0
    phrases: tuple[str, ...] = field(default=("Hello!", "Hi there", "Nice to meet you"))

    @property
    def half_m(self) -> float:
        return self.ground.half_m

    @property
    def solids(self) -> tuple[Solid, ...]:
        return self.ground.solids

    def moving(self, time_s: float, x: float, z: float) -> Sequence[Solid]:
        """What moves, is solid, and is within a step of who stands at (x, z)."""
        if not self.movers:
            return ()
        found = (mover.solid(time_s, x, z) for mover in self.movers)
        return [solid for solid in found if solid is not None]

    def spawn(self, rng: np.random.Generator) -> Pose:
        x, z = self.ground.free_point(rng, within_m=self.spawn_within_m)
        return x, self.ground.terrain(x, z), z, float(rng.uniform(0.0, 360.0))


def circuit(
    x: float, z: float, radius_x: float, radius_z: float, period_s: float, phase: float, y: float
) -> Callable[[float], Pose]:
    """Around an ellipse, clockwise, nose first."""

    def at(time_s: float) -> Pose:
        angle = 2.0 * math.pi * (time_s / period_s + phase)
        sine, cosine = math.sin(angle), math.cos(angle)
        ahead = math.degrees(math.atan2(radius_x * cosine, -radius_z * sine))
        return x + radius_x * sine, y, z + radius_z * cosine, ahead % 360.0

    return at
