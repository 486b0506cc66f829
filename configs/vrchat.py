"""Settings of VRChat as a world: connection, voice, situations, limits and control."""

import difflib
from typing import Literal

from pydantic import Field

from configs.actions import CHAT_CHARACTERS, KINDS, ActionConfig
from configs.strict import Name, ParameterName, Port, StrictModel


class VoiceConfig(StrictModel):
    """Voice output: sounds for VRChat's microphone, through a virtual cable."""

    device: str | int | None = Field(
        default=None,
        description="Output device by index or a part of its name (CABLE Input). `null`: no voice.",
    )
    unmute: Literal["toggle", "push_to_talk", "push_to_mute", "never"] = Field(
        default="toggle",
        description="How /input/Voice works, as set in VRChat. `never`: leave it alone. MuteSelf "
        "tells whether the microphone is open.",
    )


class OscConfig(StrictModel):
    """The OSC connection to the client: addresses, ports and OSCQuery."""

    host: str = Field(
        default="127.0.0.1",
        description="Machine where VRChat runs. If it is another machine, start VRChat there with "
        "--osc=9000:ADDRESS:9001, where ADDRESS is the address of this machine.",
    )
    send_port: Port = Field(
        default=0,
        description="OSC input port of VRChat. `0`: as OSCQuery reports, or 9000 without an answer "
        "(stand-in: a free port).",
    )
    receive_port: Port = Field(
        default=0,
        description="Port of this machine that receives VRChat's OSC output. `0`: a free port, "
        "advertised by OSCQuery, or 9001 without an answer.",
    )
    oscquery: bool = Field(
        default=False,
        description="Find the client by mDNS, read its current parameters, and advertise the "
        "receive port to it.",
    )
    client: str | None = Field(
        default=None,
        description="Name of the client, such as VRChat-Client-XXXXXX. Needed if several run.",
    )
    interfaces: tuple[str, ...] = Field(
        default=(),
        description="Own addresses of the networks that OSCQuery uses. Empty: all networks.",
    )
    copies: int = Field(
        default=2,
        ge=1,
        le=5,
        description="How often each tick sends its state, because UDP may lose a packet. Increase "
        "it on a bad network. Chat lines are sent once.",
    )


Response = Literal["rest", "wait", "first", "unlearned"]
_Responses = tuple[Response, ...]


class SituationsConfig(StrictModel):
    """Responses to unusual situations.

    `rest`: release inputs while it lasts. `wait`: the same, and a new episode afterwards. `first`:
    a new episode when it begins. `unlearned`: its Steps are recorded but not trained on.
    """

    no_frame: _Responses = Field(
        default=("rest", "unlearned"),
        description="The camera has no frame newer than world.camera.stale_s.",
    )
    black: _Responses = Field(
        default=("wait", "unlearned"), description="The picture is black: a world is loading."
    )
    frozen: _Responses = Field(
        default=("rest", "unlearned"),
        description="The picture does not change while the avatar moves.",
    )
    menu: _Responses = Field(
        default=("wait", "unlearned"), description="Inputs have no effect: the menu is open."
    )
    afk: _Responses = Field(default=("wait", "unlearned"), description="AFK is true.")
    stuck: _Responses = Field(
        default=(), description="Move inputs have no effect: something blocks the avatar."
    )
    muted: _Responses = Field(default=(), description="MuteSelf is true.")
    avatar_change: _Responses = Field(
        default=("first",), description="The client has changed to another avatar."
    )
    world_change: _Responses = Field(default=("first",), description="Another world has loaded.")
    respawn: _Responses = Field(
        default=("first",), description="The avatar is suddenly at another place."
    )
    stuck_s: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="Seconds of move inputs without effect that count as stuck.",
    )
    menu_s: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="Seconds of turn inputs without effect that count as an open menu.",
    )
    frozen_s: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="Seconds of movement with the same picture that count as frozen.",
    )
    black_below: float = Field(
        default=6.0,
        ge=0,
        le=64,
        description="Mean brightness (0..255) below which a picture counts as black. Lower it for "
        "dark worlds.",
    )


class LimitsConfig(StrictModel):
    """Limits that hold whatever the policy chooses."""

    multi_line = frozenset({"introduction"})  # of the chatbox

    jumps_per_minute: float | None = Field(
        default=None, gt=0, le=3600, description="Most jumps per minute. `null`: no limit."
    )
    chats_per_minute: float = Field(
        default=10.0, gt=0, le=35, description="Most chat lines per minute."
    )
    spins_per_minute: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Most full turns in one direction per minute. `null`: no limit.",
    )
    avatars: tuple[Name, ...] = Field(
        default=(),
        description="Avatars (avtr_...) in which the agent may act; in others it releases all "
        "inputs. Empty: all avatars.",
    )
    worlds: tuple[Name, ...] = Field(
        default=(),
        description="Worlds (wrld_...) in which the agent may act; in others it releases all "
        "inputs. Empty: all worlds. The world is read from VRChat's log.",
    )
    log_folder: str | None = Field(
        default=None,
        description="Folder where VRChat writes output_log_*.txt. `null`: the usual one.",
    )
    introduction: str = Field(
        default="",
        max_length=CHAT_CHARACTERS,
        description="Chat line sent when the agent starts to act, such as: I am an AI avatar "
        "(Yume).",
    )


class MeasuredConfig(StrictModel):
    """Results of `calibrate` for this client and world; `doctor` shows them.

    Only turn_deg_s changes the behaviour.
    """

    turn_deg_s: float = Field(
        default=200.0,
        gt=0,
        le=3600,
        description="Turning speed at full LookHorizontal, in degrees per second. It is used to "
        "count full turns.",
    )
    forward_m_s: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="Speed at full Vertical, in metres per second. `null`: not measured.",
    )
    right_m_s: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="Speed at full Horizontal, in metres per second. `null`: not measured.",
    )
    dead_time_s: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Seconds from sending an input to the change of the parameter. `null`: not "
        "measured.",
    )
    loop_s: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Seconds from sending an input to the changed picture. `null`: not measured.",
    )


class ControlConfig(StrictModel):
    """How a person stops and pauses the agent."""

    stop_parameter: ParameterName | None = Field(
        default="YumeOff",
        description="Avatar parameter that stops the agent while it is true, such as a toggle in "
        "the expression menu. `null`: none.",
    )
    stop_key: str | None = Field(
        default=None,
        description="Global key that stops the agent, such as <ctrl>+<alt>+y (extra [hotkey]). "
        "`null`: none.",
    )
    idle: Literal["rest", "look_around"] = Field(
        default="rest",
        description="What the agent does while it is paused: release all inputs, or look around.",
    )


def check_input_names(actions: tuple[ActionConfig, ...]) -> None:
    """Raises ValueError for an input that VRChat lacks: VRChat ignores it without an error."""
    for action in actions:
        if action.target != "input":
            continue
        kind = KINDS[action.kind]
        if action.name in kind.inputs:
            continue
        near = difflib.get_close_matches(action.name, kind.inputs, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(kind.inputs)}"
        raise ValueError(f"actions: VRChat has no input {kind.noun} {action.name}{hint}")
