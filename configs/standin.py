"""Settings of the stand-in VRChat: the place, the client and its avatar, people, faults."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.strict import Name, ParameterName, Port, Strict

AVATAR_ID = "avtr_00000000-0000-4000-8000-79756d650000"
OTHER_AVATAR_ID = "avtr_00000000-0000-4000-8000-79756d650001"
ParameterType = Literal["bool", "int", "float"]
# Written by the client itself; no avatar can have one of its own by these names.
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


class ContactConfig(Strict):
    """A contact receiver on the avatar, as its maker would put it there."""

    kind: Literal["constant", "on_enter", "proximity"] = Field(
        default="constant",
        description="constant: true while touched; on_enter: true for one tick; "
        "proximity: 0..1, 1 at the centre",
    )
    part: Literal["head", "nose", "chest", "feet"] = Field(
        default="head", description="where on the avatar"
    )
    by: Literal["hand", "head", "any"] = Field(
        default="hand", description="which part of another avatar it answers to"
    )
    radius_m: float = Field(default=0.3, gt=0, le=3, description="VRChat allows 3 m at most")


class AvatarConfig(Strict):
    """An avatar the client can wear: what it adds to the built-in parameters."""

    id: Name = Field(description="as in /avatar/change")
    eye_height_m: float = Field(default=1.6, ge=0.2, le=5, description="eyes above the ground")
    parameters: dict[ParameterName, ParameterType] = Field(
        default={"VRCEmote": "int", "Mood": "float", "Hat": "bool"},
        description="its own parameters, writable by OSC",
    )
    contacts: dict[ParameterName, ContactConfig] = Field(
        default={
            "HeadPat": ContactConfig(),
            "HeadPat_Prox": ContactConfig(kind="proximity", radius_m=0.8),
            "Boop": ContactConfig(kind="on_enter", part="nose", radius_m=0.12),
        },
        description="contact receivers: the parameter each one drives",
    )

    @model_validator(mode="after")
    def _names(self) -> "AvatarConfig":
        for name in (*self.parameters, *self.contacts):
            if name in BUILT_IN:
                raise ValueError(f"{name} is VRChat's own parameter; choose another name")
        twice = sorted(set(self.parameters) & set(self.contacts))
        if twice:
            raise ValueError(f"both a parameter and a contact: {', '.join(twice)}")
        return self


class FaultsConfig(Strict):
    """What goes wrong, from the first moment on; also over HTTP while it lives."""

    loss: float = Field(default=0.0, ge=0, le=1, description="share of datagrams lost, each way")
    delay_ms: float = Field(default=0.0, ge=0, le=5000, description="every datagram comes so late")
    jitter_ms: float = Field(default=0.0, ge=0, le=5000, description="and up to so much later")
    osc: bool = Field(default=True, description="false: OSC is switched off in the menu")
    menu: bool = Field(default=False, description="the menu is open, and blocks movement")
    afk: bool = Field(default=False, description="headset off: AFK")
    video: Literal["good", "frozen", "black", "missing"] = Field(
        default="good", description="what becomes of the picture; missing: the stream stalls"
    )
    port_taken: bool = Field(
        default=False, description="another program listens on the port the client sends to"
    )
    advertised_port: Port | None = Field(
        default=None, ge=1, description="OSC port that OSCQuery tells wrongly; VRChat's bug: 9000"
    )


class RandomiseConfig(Strict):
    """Every episode another client: factors are drawn log-uniformly, 1 leaves all as it is."""

    gain: float = Field(
        default=1.0, ge=1, le=4, description="speeds and turn times 1/gain..gain; 2 is a lot"
    )
    delay: float = Field(default=1.0, ge=1, le=10, description="dead times times 1..delay")


Speed = Annotated[float | None, Field(gt=0, le=10)]


class StandinConfig(Strict):
    """The stand-in VRChat world, a process of its own in life, a function call in lockstep."""

    place: Literal["room", "gallery", "plaza", "garden", "maze"] = Field(
        default="room", description="which world; docs/standin.md shows them"
    )
    size_m: float = Field(default=8.0, ge=4, le=40, description="side of the room, metres")
    people: int | None = Field(
        default=None, ge=0, le=16, description="how many others; none: as the place has them"
    )
    hour: float | None = Field(
        default=12.0, ge=0, lt=24, description="time of day at the start; none: drawn by the seed"
    )
    day_s: float = Field(
        default=0.0, ge=0, le=86400, description="seconds a day takes; 0: time of day stands still"
    )
    width: int = Field(default=128, ge=16, le=1024, description="pixels of the stream")
    height: int = Field(default=128, ge=16, le=1024, description="pixels of the stream")
    fps: float = Field(default=30.0, gt=0, le=60, description="frames per second of the stream")
    fov_deg: float = Field(
        default=75.0, ge=20, le=120, description="vertical field of view, degrees"
    )
    timestamp: bool = Field(
        default=False, description="when it was drawn, in a strip of pixels on top of the picture"
    )
    profile: Literal["prefab", "client", "bare"] = Field(
        default="prefab",
        description="prefab: VRChat's VRCWorld (walk 2, run 4, strafe 2 m/s, jump 3); client: as "
        "measured in a live one (run 6, strafe 3, dead times by axis); bare: no jump",
    )
    walk_m_s: Speed = Field(default=None, description="walk speed; none: as the profile has it")
    run_m_s: Speed = Field(default=None, description="run speed (also of the full stick)")
    strafe_m_s: Speed = Field(default=None, description="strafe speed")
    turn_deg_s: float = Field(
        default=200.0, gt=0, le=720, description="yaw speed at full deflection"
    )
    dead_time_ms: float | None = Field(
        default=None, ge=0, le=500, description="from packet to movement; none: as the profile"
    )
    randomise: RandomiseConfig = RandomiseConfig()
    voice: Literal["toggle", "push_to_talk", "push_to_mute"] = Field(
        default="toggle", description="what /input/Voice does, a setting of the client"
    )
    vr_inputs: bool = Field(
        default=False, description="inputs of VR (use, grab) act; in Desktop they do nothing"
    )
    pat_distance_m: float = Field(default=1.2, gt=0, le=5, description="others pat within this")
    speech: str | None = Field(
        default=None, description="a WAV file the people speak; none: voices made by the seed"
    )
    speaker: str | int | None = Field(
        default=None, description="output the place is heard from, by name or index; none: silent"
    )
    microphone: str | int | None = Field(
        default=None, description="input the agent speaks into, by name or index; none: no voice"
    )
    oscquery: bool = Field(
        default=False,
        description="found by mDNS as VRChat-Client-XXXXXX, on loopback; `standin` alone is",
    )
    avatars: tuple[AvatarConfig, ...] = Field(
        default=(
            AvatarConfig(id=AVATAR_ID),
            AvatarConfig(id=OTHER_AVATAR_ID, eye_height_m=1.1, parameters={}, contacts={}),
        ),
        min_length=1,
        description="avatars to wear; the first is worn at the start",
    )
    faults: FaultsConfig = FaultsConfig()

    @model_validator(mode="after")
    def _unique(self) -> "StandinConfig":
        ids = [avatar.id for avatar in self.avatars]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"avatars named twice: {', '.join(twice)}")
        if self.timestamp and self.width < 64:
            raise ValueError(f"timestamp needs a picture of 64 pixels or wider, not {self.width}")
        return self
