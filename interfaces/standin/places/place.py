"""What a place consists of: solids, surfaces, moving things, seats, and the spawn area."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from interfaces.standin.geometry.landmarks import Landmark
from interfaces.standin.geometry.meshes import Mesh
from interfaces.standin.geometry.solids import Circle, Colour, Solid, Solids, Terrain, flat
from interfaces.standin.geometry.textures import Picture

Pose = tuple[float, float, float, float]  # x, y, z (metres), heading (degrees)
_WITHIN_M = 1.0  # more than a person's radius plus the longest step


@dataclass(frozen=True, slots=True)
class Surface:
    """A drawn mesh, with a repeated picture (uint8 (H, W, 3)) or in the mesh's own colours.

    A surface that glows is as bright at night as by day.
    """

    name: str
    mesh: Mesh
    picture: Picture | None = None
    glows: bool = False


def separate_surfaces(
    name: str, meshes: Iterable[Mesh], picture: Picture | None = None
) -> list[Surface]:
    """One surface per mesh: the renderer skips whole surfaces that are not in view."""
    return [Surface(f"{name} {i}", mesh, picture) for i, mesh in enumerate(meshes)]


@dataclass(frozen=True, slots=True)
class Mover:
    """A thing whose motion depends on time only. `track`: its pose at a time in seconds.

    `track` gives the height above `terrain`. Its solid part is a cylinder of `radius` and `height`;
    with radius None avatars walk through it.
    """

    name: str
    surface: Surface
    track: Callable[[float], Pose]
    radius: float | None = None
    height: float = 1.0
    terrain: Terrain = flat

    def at(self, time_s: float) -> Pose:
        """The pose, with the height of the terrain."""
        x, y, z, heading_deg = self.track(time_s)
        return x, y + self.terrain(x, z), z, heading_deg

    def solid(self, time_s: float, x: float, z: float) -> Circle | None:
        """Its solid part, if a person at (x, z) can reach it within one step."""
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
    """A chair. A seated avatar is at (x, y, z) and first faces `heading_deg`."""

    x: float
    y: float
    z: float
    heading_deg: float


@dataclass(frozen=True, slots=True)
class Place:
    """One world of the stand-in. The same version, settings and seed make the same place.

    With `sky` it is outdoors, and its light depends on the hour. Indoors the light is constant.
    `light` multiplies all colours. `names` are those of the people; without them, as usual.
    `out_of_reach`: solids that no person can touch, but rays hit them. Rays pass above the walls
    around the place, of the height `wall_top_m`, and end at the ceiling.
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
    out_of_reach: tuple[Solid, ...] = ()
    wall_top_m: float = math.inf
    ceiling_m: float = math.inf
    phrases: tuple[str, ...] = field(default=("Hello!", "Hi there", "Nice to meet you"))
    light: Colour = (1.0, 1.0, 1.0)
    names: tuple[str, ...] = ()

    @property
    def half_m(self) -> float:
        """Half the side of the place, metres."""
        return self.ground.half_m

    @property
    def solids(self) -> tuple[Solid, ...]:
        """All solids that do not move."""
        return self.ground.solids

    def moving(self, time_s: float, x: float, z: float) -> Sequence[Solid]:
        """The moving solids that a person at (x, z) can reach within one step."""
        if not self.movers:
            return ()
        solids = (mover.solid(time_s, x, z) for mover in self.movers)
        return [solid for solid in solids if solid is not None]

    def spawn(self, rng: np.random.Generator) -> Pose:
        """A random free pose in the spawn area."""
        x, z = self.ground.free_point(rng, within_m=self.spawn_within_m)
        return x, self.ground.terrain(x, z), z, float(rng.uniform(0.0, 360.0))


def circuit(
    x: float, z: float, radius_x: float, radius_z: float, period_s: float, phase: float, y: float
) -> Callable[[float], Pose]:
    """A track around an ellipse, clockwise, heading forward. `phase` in periods."""

    def at(time_s: float) -> Pose:
        angle = 2.0 * math.pi * (time_s / period_s + phase)
        sine, cosine = math.sin(angle), math.cos(angle)
        ahead = math.degrees(math.atan2(radius_x * cosine, -radius_z * sine))
        return x + radius_x * sine, y, z + radius_z * cosine, ahead % 360.0

    return at
