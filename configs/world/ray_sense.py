"""Settings of the raycasts as a sense: fans of rays that say how near people and things are."""

from typing import Annotated

from pydantic import Field, model_validator

from configs.strict import StrictModel
from configs.world.senses import NamePattern, SenseMode, numbered_names, with_known_flags
from configs.world.standin_rays import MAX_RAYS, RAY_PARAMETERS

MAX_REACH_M = 1000.0  # of a ray in VRChat
_Count = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_RAYS,
        description=f"Number of rays. VRChat allows {MAX_RAYS} for players and world together.",
    ),
]
_Name = Annotated[
    NamePattern,
    Field(
        description="Names of the rays, to which VRChat adds _Hit, _Ratio and _Distance. {i} is "
        "the number, from 0. A prefix VF<digits>_ of VRCFury is recognised."
    ),
]


class RayFanConfig(StrictModel):
    """Level rays from the axis of the avatar's body."""

    count: _Count
    spread_deg: float = Field(
        default=360.0,
        gt=0,
        le=360,
        description="Angle of the fan, in degrees. `360`: a ring, whose ray 0 points ahead, the "
        "others follow clockwise. Less: from left to right, with ahead in the middle.",
    )
    reach_m: float = Field(
        default=10.0,
        gt=0,
        le=MAX_REACH_M,
        description="Length of each ray in metres. VRChat allows at most 1000 m.",
    )
    height_m: float = Field(
        default=1.28,
        ge=0,
        le=5,
        description="Height above the feet in metres; it scales with the avatar. `1.28`: the chest "
        "where the eyes are at 1.6 m. The stand-in builds its rays by it.",
    )
    name: _Name

    @property
    def ray_names(self) -> tuple[str, ...]:
        """The name of each ray, in the order of the fan."""
        return numbered_names(self.name, self.count)


class PlayerRaysConfig(RayFanConfig):
    """Rays at players; they pass through the world."""

    count: _Count = 40
    name: _Name = "YumeRayP{i}"


class WorldRaysConfig(RayFanConfig):
    """Rays at the world; they pass through players."""

    count: _Count = 24
    name: _Name = "YumeRayW{i}"


class RaysConfig(StrictModel):
    """Raycasts (VRCRaycast) as a sense: how near people and things are in each direction."""

    mode: SenseMode = Field(
        default="off",
        description="`on`: observe the rays, and warn if the avatar lacks them. `auto`: use those "
        "that the avatar has. `off`: none. Rays that the avatar lacks are unknown.",
    )
    players: PlayerRaysConfig = PlayerRaysConfig()
    world: WorldRaysConfig = WorldRaysConfig()

    @model_validator(mode="after")
    def _check_rays(self) -> "RaysConfig":
        players, world = self.players, self.world
        total = players.count + world.count
        if total > MAX_RAYS:
            raise ValueError(
                f"players.count {players.count} and world.count {world.count} are {total} rays; "
                f"VRChat allows at most {MAX_RAYS} an avatar"
            )
        if self.mode != "off" and not total:
            raise ValueError(f"mode {self.mode} needs a ray: players.count and world.count are 0")
        if twice := sorted(set(players.ray_names) & set(world.ray_names)):
            raise ValueError(f"players.name and world.name both give {twice[0]}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each ray, first those at players; none if the sense is off."""
        return () if self.mode == "off" else (*self.players.ray_names, *self.world.ray_names)

    @property
    def features(self) -> tuple[str, ...]:
        """The closeness of each ray, 1 - ratio, then whether it is known; see with_known_flags."""
        return with_known_flags(self.names)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every avatar parameter that the rays set: NAME_Hit, NAME_Ratio and NAME_Distance."""
        return tuple(name + ending for name in self.names for ending in RAY_PARAMETERS)
