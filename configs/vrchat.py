"""Settings of VRChat as a world: what the agent moves, feels, sees and hears, and its limits."""

import difflib
import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from configs.strict import Name, ParameterName, Port, Strict

# Every /input address of the client: axes are sticky, buttons act on their edge or while held.
INPUT_AXES = (
    *("Vertical", "Horizontal", "LookHorizontal", "LookVertical"),
    *("UseAxisRight", "GrabAxisRight"),
    *("MoveHoldFB", "SpinHoldCwCcw", "SpinHoldUD", "SpinHoldLR"),
)
HELD_BUTTONS = (
    *("MoveForward", "MoveBackward", "MoveLeft", "MoveRight"),
    *("LookLeft", "LookRight", "LookUp", "LookDown", "Run"),
)
# These act once, when pressed. "Voice" does either, by a setting of the client.
PRESSED_BUTTONS = (
    *("Jump", "Voice", "AFKToggle", "ToggleSitStand"),
    *("QuickMenuToggleLeft", "QuickMenuToggleRight", "Menu", "Menu2", "Back", "PanicButton"),
)
VR_BUTTONS = (
    *("ComfortLeft", "ComfortRight", "DropRight", "UseRight", "GrabRight"),
    *("DropLeft", "UseLeft", "GrabLeft", "GrabUIRight", "GrabUILeft", "Reset Orientation"),
)
DEBUG_BUTTONS = tuple(f"ShowDebugInfo{i}" for i in range(10))
INPUT_BUTTONS = (*HELD_BUTTONS, *PRESSED_BUTTONS, *VR_BUTTONS, *DEBUG_BUTTONS)
# As measured in a desktop client: what lies within moves nothing.
DEAD_ZONES = {"Vertical": 0.1, "Horizontal": 0.1, "LookHorizontal": 0.5, "LookVertical": 0.1}
CHAT_CHARACTERS = 144
SCREEN_REGION = re.compile(r"screen:(-?\d{1,5}),(-?\d{1,5}),(\d{1,5})x(\d{1,5})")

Fraction = Annotated[float, Field(ge=0, le=1)]


class ActionConfig(Strict):
    """One number the policy chooses, and what it moves."""

    name: ParameterName = Field(description="VRChat input or avatar parameter; chat, voice: any")
    kind: Literal["axis", "press", "hold"] = Field(
        default="axis",
        description="axis: -1..1, sticky; press: button acting on its edge, held two beats; "
        "hold: button that is down while the policy says so",
    )
    target: Literal["input", "parameter", "chat", "voice"] = Field(
        default="input",
        description="input: /input/NAME; parameter: /avatar/parameters/NAME (expressions, emotes); "
        "chat: a press says `text`; voice: a press plays `sound`",
    )
    dead_zone: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="part of the axis VRChat ignores; mapped away. Not given: as measured for "
        "LookHorizontal (0.5), LookVertical, Vertical and Horizontal (0.1)",
    )
    rest: float = Field(default=0.0, ge=-255, le=255, description="value at rest, in wire units")
    down: float = Field(
        default=1.0, ge=-255, le=255, description="value of a button while down, in wire units"
    )
    wire: Literal["auto", "float", "int", "bool"] = Field(
        default="auto",
        description="what is sent: auto is float for axes, int for input buttons, bool for "
        "buttons that are parameters",
    )
    levels: int | None = Field(
        default=None, ge=2, le=101, description="an axis of so many steps only; 3: -1, 0, 1"
    )
    slew_per_s: float | None = Field(
        default=None, gt=0, le=1000, description="an axis moves at most so far in a second"
    )
    smooth_s: float = Field(
        default=0.0, ge=0, le=5, description="time constant by which an axis follows the policy"
    )
    group: Name | None = Field(
        default=None,
        description="of holds that exclude each other: exactly one of a group is down at a time",
    )
    per_minute: float | None = Field(
        default=None, gt=0, le=3600, description="presses a minute at most; more are not sent"
    )
    text: str = Field(default="", max_length=CHAT_CHARACTERS, description="line a chat press says")
    sound: str = Field(default="", description="WAV file a voice press plays")

    @model_validator(mode="before")
    @classmethod
    def _measured(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "dead_zone" in given:
            return given
        plain = given.get("kind", "axis") == "axis" and given.get("target", "input") == "input"
        return given | {"dead_zone": DEAD_ZONES.get(given.get("name", ""), 0.0)} if plain else given

    @model_validator(mode="after")
    def _fits(self) -> "ActionConfig":
        axis = self.kind == "axis"
        for name, given in (
            ("dead_zone", self.dead_zone > 0),
            ("levels", self.levels is not None),
            ("slew_per_s", self.slew_per_s is not None),
            ("smooth_s", self.smooth_s > 0),
        ):
            if given and not axis:
                raise ValueError(f"{self.name}: {name} is for an axis, not for a {self.kind}")
        if self.group is not None and self.kind != "hold":
            raise ValueError(f"{self.name}: group is for a hold, not for a {self.kind}")
        if self.per_minute is not None and self.kind != "press":
            raise ValueError(f"{self.name}: per_minute is for a press, not for a {self.kind}")
        if self.target in ("chat", "voice") and self.kind != "press":
            raise ValueError(f"{self.name}: {self.target} is done by a press, not by a {self.kind}")
        for name, needed in (("text", "chat"), ("sound", "voice")):
            if bool(getattr(self, name)) != (self.target == needed):
                raise ValueError(f"{self.name}: target {needed} and {name} go together")
        if self.target == "input" and not -1 <= self.rest <= 1:
            raise ValueError(f"{self.name}: rest of an input is -1..1, not {self.rest}")
        return self


class CameraConfig(Strict):
    source: str | int = Field(
        default="auto",
        description="auto (the stand-in's own stream), a device's index or name (part of it: "
        "OBS Virtual Camera), a URL, a video file, screen, screen:LEFT,TOP,WIDTHxHEIGHT, or "
        "window:TITLE",
    )
    width: int = Field(
        default=64, ge=16, le=512, multiple_of=16, description="pixels the model sees"
    )
    height: int = Field(
        default=64, ge=16, le=512, multiple_of=16, description="pixels the model sees"
    )
    crop: tuple[Fraction, Fraction, Fraction, Fraction] = Field(
        default=(0.0, 0.0, 1.0, 1.0),
        description="left, top, right, bottom of what is looked at, as shares of the picture",
    )
    fps: float = Field(
        default=30.0, gt=0, le=240, description="frames a second asked of a device or a screen"
    )
    stale_s: float = Field(
        default=0.3, gt=0, le=60, description="no newer frame for so long: the camera is gone"
    )

    @field_validator("source")
    @classmethod
    def _source(cls, source: str | int) -> str | int:
        if isinstance(source, int):
            if source < 0:
                raise ValueError(f"a device has an index of 0 or more, not {source}")
            return source
        if not source.strip():
            raise ValueError("an empty source; auto, or a device, a URL, a file, screen, window")
        if source == "window:":
            raise ValueError("window: needs a part of its title, such as window:VRChat")
        if source.startswith("screen:"):
            region = SCREEN_REGION.fullmatch(source)
            if region is None or not int(region[3]) or not int(region[4]):
                raise ValueError(
                    f"{source}: a part of the screen is screen:LEFT,TOP,WIDTHxHEIGHT, in pixels, "
                    "such as screen:0,0,1280x720"
                )
        return source

    @model_validator(mode="after")
    def _crop(self) -> "CameraConfig":
        left, top, right, bottom = self.crop
        if right - left < 0.01 or bottom - top < 0.01:
            raise ValueError(
                f"crop {list(self.crop)}: left and top lie before right and bottom, each 0..1"
            )
        return self


class EarsConfig(Strict):
    """What is heard, as log-mel bands of the newest window."""

    device: str | int | None = Field(
        default=None,
        description="input by name (part of it: CABLE Output) or index; none: no ears",
    )
    rate_hz: int = Field(default=16000, ge=8000, le=48000, description="samples a second")
    channels: Literal[1, 2] = Field(default=1, description="1: mono, 2: stereo")
    window_s: float = Field(
        default=0.2, ge=0.05, le=2, description="how much of the newest sound is heard at a beat"
    )
    hop_s: float = Field(default=0.02, ge=0.005, le=0.1, description="between two spectra")
    mels: int = Field(default=32, ge=8, le=128, description="bands of a spectrum")
    keep_raw: bool = Field(default=False, description="write the raw window into the journal too")


class VoiceConfig(Strict):
    """What is said: sounds into VRChat's microphone, which is a virtual cable."""

    device: str | int | None = Field(
        default=None, description="output by name (part of it: CABLE Input) or index; none: mute"
    )
    unmute: Literal["toggle", "push_to_talk", "push_to_mute", "never"] = Field(
        default="toggle",
        description="how /input/Voice is set in VRChat; MuteSelf is read back, never assumed",
    )


class OscConfig(Strict):
    host: str = Field(
        default="127.0.0.1",
        description="where VRChat listens. Another machine: VRChat needs --osc=9000:OURS:9001 "
        "there, and we listen at that address of ours",
    )
    send_port: Port = Field(
        default=0,
        description="VRChat's OSC input port; 0: asked by OSCQuery, 9000 if nobody answers or it "
        "is off (stand-in: a free one)",
    )
    receive_port: Port = Field(
        default=0,
        description="our port, VRChat's OSC output; 0: a free one, told by OSCQuery; 9001 if "
        "nobody answers or it is off",
    )
    oscquery: bool = Field(
        default=False,
        description="find the client by mDNS, seed parameters from it, be found by it",
    )
    client: str | None = Field(
        default=None,
        description="which client, where several run: VRChat-Client-XXXXXX",
    )
    interfaces: tuple[str, ...] = Field(
        default=(), description="own addresses whose networks OSCQuery speaks on; none: all"
    )
    copies: int = Field(
        default=2,
        ge=1,
        le=5,
        description="how often each beat's state is sent: UDP may lose one. Chat lines go once",
    )


Response = Literal["rest", "wait", "first", "unlearned"]
_Responses = tuple[Response, ...]


class SituationsConfig(Strict):
    """What to do when something is unusual. rest: inputs at rest while it lasts; wait: the same,
    and a new beginning (is_first) after it; first: a new beginning when it comes; unlearned: its
    Steps are recorded, but not learned from."""

    no_frame: _Responses = Field(
        default=("rest", "unlearned"), description="the camera is gone: no frame for stale_s"
    )
    black: _Responses = Field(
        default=("wait", "unlearned"), description="the picture is black: a world loads"
    )
    frozen: _Responses = Field(
        default=("rest", "unlearned"), description="the picture stands still while it moves"
    )
    menu: _Responses = Field(
        default=("wait", "unlearned"), description="inputs move nothing: the menu is open"
    )
    afk: _Responses = Field(default=("wait", "unlearned"), description="AFK is true")
    stuck: _Responses = Field(default=(), description="it pushes, and does not get on")
    muted: _Responses = Field(default=(), description="MuteSelf is true")
    avatar_change: _Responses = Field(default=("first",), description="another avatar is worn")
    world_change: _Responses = Field(default=("first",), description="another world has loaded")
    respawn: _Responses = Field(default=("first",), description="it is suddenly elsewhere")
    stuck_s: float = Field(default=1.0, gt=0, le=60, description="pushing so long without effect")
    menu_s: float = Field(
        default=1.0, gt=0, le=60, description="turning and moving so long without effect"
    )
    frozen_s: float = Field(
        default=1.0, gt=0, le=60, description="moving so long with the same picture"
    )
    black_below: float = Field(
        default=6.0, ge=0, le=64, description="mean brightness (0..255) of a black picture"
    )


class MannersConfig(Strict):
    """What it never does, whatever the policy wants."""

    jumps_per_minute: float | None = Field(
        default=None, gt=0, le=3600, description="jumps at most; none: no limit"
    )
    chats_per_minute: float = Field(default=10.0, gt=0, le=35, description="chat lines at most")
    spins_per_minute: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="full turns in one direction at most; none: no limit",
    )
    avatars: tuple[Name, ...] = Field(
        default=(), description="avatars (avtr_...) it acts in; elsewhere it rests. None: in any"
    )
    worlds: tuple[Name, ...] = Field(
        default=(),
        description="worlds (wrld_...) it acts in; elsewhere it rests. None: in any. Read from "
        "VRChat's log, which OSC does not tell",
    )
    log_folder: str | None = Field(
        default=None, description="where VRChat writes output_log_*.txt; none: its usual place"
    )
    introduction: str = Field(
        default="",
        max_length=CHAT_CHARACTERS,
        description="chat line said when it begins to act, such as: I am an AI avatar (Yume)",
    )


class MeasuredConfig(Strict):
    """What `calibrate` has measured in this client and world: a record for people, shown by
    `doctor`. Yume itself goes by turn_deg_s only."""

    turn_deg_s: float = Field(
        default=200.0,
        gt=0,
        le=3600,
        description="turning speed at full LookHorizontal; spins are counted by it",
    )
    forward_m_s: float | None = Field(
        default=None, gt=0, le=100, description="speed at full Vertical; none: not measured"
    )
    right_m_s: float | None = Field(
        default=None, gt=0, le=100, description="speed at full Horizontal; none: not measured"
    )
    dead_time_s: float | None = Field(
        default=None, ge=0, le=10, description="from an input sent to the parameter changed"
    )
    loop_s: float | None = Field(
        default=None, ge=0, le=10, description="from an input sent to the changed picture at hand"
    )


class ControlConfig(Strict):
    """How a person stops it, pauses it and takes over."""

    stop_parameter: ParameterName | None = Field(
        default="YumeOff",
        description="avatar parameter that stops it while true: a toggle in the expression menu",
    )
    stop_key: str | None = Field(
        default=None, description="global key that stops it, such as <ctrl>+<alt>+y (extra hotkey)"
    )
    idle: Literal["rest", "look_around"] = Field(
        default="rest", description="what it does while it is paused"
    )


def known_inputs(actions: tuple[ActionConfig, ...]) -> None:
    """Raises ValueError for an input VRChat does not have: it would silently do nothing."""
    for action in actions:
        if action.target != "input":
            continue
        axis = action.kind == "axis"
        allowed = INPUT_AXES if axis else INPUT_BUTTONS
        if action.name in allowed:
            continue
        near = difflib.get_close_matches(action.name, allowed, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(allowed)}"
        raise ValueError(
            f"actions: VRChat has no input {'axis' if axis else 'button'} {action.name}{hint}"
        )
