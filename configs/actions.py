"""Settings of what the policy controls: VRChat inputs, avatar parameters, chat and voice."""

from typing import Any, Literal

from pydantic import Field, model_validator

from configs.strict import Name, ParameterName, Strict

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
