"""Settings of VRChat as a world: what the agent moves, feels, sees and hears, and its limits."""

import difflib
from typing import Literal

from pydantic import Field

from configs.actions import CHAT_CHARACTERS, INPUT_AXES, INPUT_BUTTONS, ActionConfig
from configs.strict import Name, ParameterName, Port, Strict


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
