"""Settings of the stand-in: the place, the simulated client and its avatars, people, faults."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.strict import Name, ParameterName, Port, StrictModel
from configs.world.rooms import RoomsConfig
from configs.world.standin_rays import RayConfig, check_rays

AVATAR_ID = "avtr_00000000-0000-4000-8000-79756d650000"
OTHER_AVATAR_ID = "avtr_00000000-0000-4000-8000-79756d650001"
ParameterType = Literal["bool", "int", "float"]
Sender = Literal["head", "torso", "hand"]  # contact senders that VRChat puts on every humanoid
# The client writes these itself, so an avatar cannot define a parameter with such a name.
BUILT_IN: dict[str, ParameterType] = {
    "VelocityX": "float",
    "VelocityY": "float",
    "VelocityZ": "float",
    "VelocityMagnitude": "float",
    "AngularY": "float",
    "Upright": "float",
    "Voice": "float",
    "GestureLeftWeight": "float",
    "GestureRightWeight": "float",
    "ScaleFactor": "float",
    "ScaleFactorInverse": "float",
    "EyeHeightAsMeters": "float",
    "EyeHeightAsPercent": "float",
    "Viseme": "int",
    "GestureLeft": "int",
    "GestureRight": "int",
    "TrackingType": "int",
    "VRMode": "int",
    "AvatarVersion": "int",
    "PreviewMode": "int",
    "Grounded": "bool",
    "Seated": "bool",
    "InStation": "bool",
    "AFK": "bool",
    "MuteSelf": "bool",
    "Earmuffs": "bool",
    "ScaleModified": "bool",
    "IsLocal": "bool",
    "IsOnFriendsList": "bool",
    "IsAnimatorEnabled": "bool",
}


class ContactConfig(StrictModel):
    """A contact receiver on an avatar, as the author of the avatar adds it in Unity."""

    kind: Literal["constant", "on_enter", "proximity"] = Field(
        default="constant",
        description="Kind of receiver. `constant`: true while touched. `on_enter`: true for one "
        "update of the client. `proximity`: 0..1, 1 at the centre.",
    )
    part: Literal["head", "nose", "chest", "feet"] = Field(
        default="head", description="Part of the avatar where the receiver is."
    )
    position_m: tuple[float, float, float] | None = Field(
        default=None,
        description="Place of the receiver on the avatar instead of `part`, in metres: right, up "
        "and forward of the point between the feet. Place and radius scale with the eye height; "
        "the scaled radius is at most 3 m.",
    )
    by: Literal["hand", "head", "any"] | tuple[Sender, ...] = Field(
        default="hand",
        description="Senders that the receiver reacts to. `any`: hand and head. Or a list of "
        "head, torso and hand.",
    )
    allow_self: bool = Field(
        default=False, description="The receiver reacts to the senders of its own avatar."
    )
    allow_others: bool = Field(
        default=True, description="The receiver reacts to the senders of other avatars."
    )
    radius_m: float = Field(
        default=0.3, gt=0, le=3, description="Radius in metres. VRChat allows at most 3 m."
    )

    @property
    def senders(self) -> tuple[Sender, ...]:
        """The senders that the receiver reacts to."""
        if isinstance(self.by, tuple):
            return self.by
        return ("hand", "head") if self.by == "any" else (self.by,)


class AvatarConfig(StrictModel):
    """An avatar of the simulated client: what it adds to the built-in parameters."""

    id: Name = Field(description="Id that /avatar/change reports.")
    eye_height_m: float = Field(
        default=1.6, ge=0.2, le=5, description="Height of the eyes above the ground, in metres."
    )
    parameters: dict[ParameterName, ParameterType] = Field(
        default={"VRCEmote": "int", "Mood": "float", "Hat": "bool"},
        description="The avatar's own parameters, which OSC can set.",
    )
    contacts: dict[ParameterName, ContactConfig] = Field(
        default={
            "HeadPat": ContactConfig(),
            "HeadPat_Prox": ContactConfig(kind="proximity", radius_m=0.8),
            "Boop": ContactConfig(kind="on_enter", part="nose", radius_m=0.12),
        },
        description="Contact receivers, each by the name of the parameter that it sets.",
    )
    rays: tuple[RayConfig, ...] = Field(
        default=(),
        description="Raycasts (VRCRaycast): single rays and fans, at most 80 rays in all.",
    )

    @model_validator(mode="after")
    def _check_names(self) -> "AvatarConfig":
        for name in (*self.parameters, *self.contacts):
            if name in BUILT_IN:
                raise ValueError(f"{name} is VRChat's own parameter; choose another name")
        twice = sorted(set(self.parameters) & set(self.contacts))
        if twice:
            raise ValueError(f"both a parameter and a contact: {', '.join(twice)}")
        check_rays(self.rays, (*BUILT_IN, *self.parameters, *self.contacts))
        return self


class FaultsConfig(StrictModel):
    """Faults of the stand-in from its start. Most can also be changed over HTTP while it runs."""

    loss: float = Field(
        default=0.0, ge=0, le=1, description="Share of OSC datagrams lost, in each direction."
    )
    delay_ms: float = Field(
        default=0.0, ge=0, le=5000, description="Delay of every datagram, in milliseconds."
    )
    jitter_ms: float = Field(
        default=0.0, ge=0, le=5000, description="Largest random extra delay, in milliseconds."
    )
    osc: bool = Field(
        default=True,
        description="OSC is enabled. `false`: it is switched off in the action menu, and OSCQuery "
        "no longer advertises the client.",
    )
    menu: bool = Field(default=False, description="The menu is open and blocks movement.")
    afk: bool = Field(default=False, description="The headset is off, and AFK is true.")
    video: Literal["good", "frozen", "black", "missing"] = Field(
        default="good", description="State of the picture. `missing`: the stream stalls."
    )
    port_taken: bool = Field(
        default=False, description="Another program listens on the port that the client sends to."
    )
    advertised_port: Port | None = Field(
        default=None,
        ge=1,
        description="Wrong OSC port that OSCQuery reports, as VRChat's bug reports 9000. `null`: "
        "the real port.",
    )
    change_last: bool = Field(
        default=False,
        description="/avatar/change follows the parameters of a new avatar instead of preceding "
        "them.",
    )
    late_values: bool = Field(
        default=False,
        description="OSCQuery lists 0 or false for a parameter until it changes for the first time "
        "after the avatar has loaded.",
    )
    lan_only: bool = Field(
        default=False,
        description="A receiver that is announced on loopback alone gets nothing; it has to be "
        "announced on another network interface too.",
    )
    goodbye_s: float = Field(
        default=0.0,
        ge=0,
        le=600,
        description="Seconds for which a receiver still gets messages after it has left.",
    )

    @property
    def disturb_messages(self) -> bool:
        """Whether datagrams are lost or delayed."""
        return bool(self.loss or self.delay_ms or self.jitter_ms)


class RandomiseConfig(StrictModel):
    """Random variation of the client in each episode. Factors are drawn log-uniformly."""

    gain: float = Field(
        default=1.0,
        ge=1,
        le=4,
        description="Speeds and turning speed are multiplied by 1/gain to gain. `1`: unchanged; 2 "
        "is a wide range.",
    )
    delay: float = Field(
        default=1.0,
        ge=1,
        le=10,
        description="Dead times are multiplied by 1 to delay. `1`: unchanged.",
    )


Speed = Annotated[float | None, Field(gt=0, le=10)]


class StandinConfig(StrictModel):
    """The stand-in, a simulated VRChat client: a process in a live run, a function in lockstep."""

    place: Literal["room", "gallery", "plaza", "garden", "maze"] = Field(
        default="room", description="The simulated place; docs/standin.md shows all of them."
    )
    size_m: float = Field(
        default=8.0, ge=4, le=40, description="Side length of the room, in metres. Place room only."
    )
    people: int | None = Field(
        default=None,
        ge=0,
        le=16,
        description="Number of other people. `null`: as usual for the place; where rooms change, "
        "drawn for each room.",
    )
    rooms: RoomsConfig = RoomsConfig()
    hour: float | None = Field(
        default=12.0,
        ge=0,
        lt=24,
        description="Time of day at the start, in hours. `null`: random, from the seed.",
    )
    day_s: float = Field(
        default=0.0,
        ge=0,
        le=86400,
        description="Length of a day in seconds. `0`: the time of day does not change.",
    )
    width: int = Field(
        default=128, ge=16, le=1024, description="Width of the video stream, in pixels."
    )
    height: int = Field(
        default=128, ge=16, le=1024, description="Height of the video stream, in pixels."
    )
    fps: float = Field(
        default=30.0, gt=0, le=60, description="Frames per second of the video stream."
    )
    fov_deg: float = Field(
        default=75.0, ge=20, le=120, description="Vertical field of view, in degrees."
    )
    timestamp: bool = Field(
        default=False,
        description="Draw the time of drawing into a strip of pixels at the top, to measure "
        "latency.",
    )
    profile: Literal["prefab", "client", "bare"] = Field(
        default="prefab",
        description="Response to inputs. `prefab`: VRChat's VRCWorld (walk 2, run 4, strafe 2, "
        "jump 3 m/s). `client`: measured in a real client (walk 3, run 6, strafe 3 m/s, a dead "
        "time per axis). `bare`: prefab without jump.",
    )
    walk_m_s: Speed = Field(
        default=None, description="Walking speed, in metres per second. `null`: of the profile."
    )
    run_m_s: Speed = Field(
        default=None,
        description="Running speed, in metres per second, with Run or a full axis. `null`: of the "
        "profile.",
    )
    strafe_m_s: Speed = Field(
        default=None, description="Sideways speed, in metres per second. `null`: of the profile."
    )
    turn_deg_s: float = Field(
        default=200.0,
        gt=0,
        le=720,
        description="Turning speed at full LookHorizontal, in degrees per second.",
    )
    dead_time_ms: float | None = Field(
        default=None,
        ge=0,
        le=500,
        description="Time from a packet to the movement, in milliseconds. `null`: of the profile.",
    )
    randomise: RandomiseConfig = RandomiseConfig()
    voice: Literal["toggle", "push_to_talk", "push_to_mute"] = Field(
        default="toggle", description="What /input/Voice does, which is a setting of the client."
    )
    vr_inputs: bool = Field(
        default=False, description="Inputs of VR (use, grab) have an effect, unlike in Desktop."
    )
    pat_distance_m: float = Field(
        default=1.2,
        gt=0,
        le=5,
        description="Distance in metres within which people pat. Smaller makes the task harder.",
    )
    without_senders: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of people whose avatars have no contact senders: blocked, a fallback "
        "or changed by the author. No contact reacts to them, head-pats included.",
    )
    speech: str | None = Field(
        default=None, description="WAV file that people speak. `null`: synthetic voices."
    )
    speaker: str | int | None = Field(
        default=None,
        description="Output device that plays the sound of the place, by name or index. `null`: "
        "none.",
    )
    microphone: str | int | None = Field(
        default=None,
        description="Input device of the agent's voice, by name or index. `null`: none.",
    )
    oscquery: bool = Field(
        default=False,
        description="Advertise the client by mDNS as VRChat-Client-XXXXXX, on loopback. The "
        "command `standin` does so by default.",
    )
    avatars: tuple[AvatarConfig, ...] = Field(
        default=(
            AvatarConfig(id=AVATAR_ID),
            AvatarConfig(id=OTHER_AVATAR_ID, eye_height_m=1.1, parameters={}, contacts={}),
        ),
        min_length=1,
        description="Avatars that the client can use; the first one is used at the start.",
    )
    faults: FaultsConfig = FaultsConfig()

    @model_validator(mode="after")
    def _check_avatars_and_timestamp(self) -> "StandinConfig":
        ids = [avatar.id for avatar in self.avatars]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"avatars named twice: {', '.join(twice)}")
        if self.timestamp and self.width < 64:
            raise ValueError(f"timestamp needs a width of at least 64 pixels, not {self.width}")
        return self
