"""Settings of what the policy controls: VRChat inputs, avatar parameters, chat and voice."""

from typing import Any, Literal

from pydantic import Field, model_validator

from configs.strict import Name, ParameterName, StrictModel

# Every /input address of the client. An axis keeps its last value. A button acts when it is pressed
# or for as long as it is down.
INPUT_AXES = (
    *("Vertical", "Horizontal", "LookHorizontal", "LookVertical"),
    *("UseAxisRight", "GrabAxisRight"),
    *("MoveHoldFB", "SpinHoldCwCcw", "SpinHoldUD", "SpinHoldLR"),
)
HELD_BUTTONS = (
    *("MoveForward", "MoveBackward", "MoveLeft", "MoveRight"),
    *("LookLeft", "LookRight", "LookUp", "LookDown", "Run"),
)
# These act once, when they are pressed. "Voice" does either, by a setting of the client.
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
# Measured in a desktop client: smaller values have no effect.
DEAD_ZONES = {"Vertical": 0.1, "Horizontal": 0.1, "LookHorizontal": 0.5, "LookVertical": 0.1}
CHAT_CHARACTERS = 144


class ActionConfig(StrictModel):
    """One number that the policy chooses in each tick, and what it controls."""

    name: ParameterName = Field(
        description="Name of the VRChat input or avatar parameter; for chat and voice any name."
    )
    kind: Literal["axis", "press", "hold"] = Field(
        default="axis",
        description="Kind of the action. `axis`: a value in -1..1. `press`: a button that acts "
        "once and is down for two ticks. `hold`: a button that is down for as long as the policy "
        "says.",
    )
    target: Literal["input", "parameter", "chat", "voice"] = Field(
        default="input",
        description="What the action sets. `input`: /input/NAME. `parameter`: "
        "/avatar/parameters/NAME (expressions, emotes). `chat`: a press writes `text`. `voice`: a "
        "press plays `sound`.",
    )
    dead_zone: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Range around 0 that VRChat ignores; axis values are mapped beyond it. Default "
        "as measured: LookHorizontal 0.5; LookVertical, Vertical and Horizontal 0.1.",
    )
    rest: float = Field(
        default=0.0, ge=-255, le=255, description="Value at rest, in the units that are sent."
    )
    down: float = Field(
        default=1.0,
        ge=-255,
        le=255,
        description="Value of a button while it is down, in the units that are sent.",
    )
    wire: Literal["auto", "float", "int", "bool"] = Field(
        default="auto",
        description="OSC type that is sent. `auto`: float for axes, int for input buttons, bool "
        "for buttons that are avatar parameters.",
    )
    levels: int | None = Field(
        default=None,
        ge=2,
        le=101,
        description="Number of values that an axis can have; 3 means -1, 0 and 1. `null`: any "
        "value.",
    )
    slew_per_s: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="Largest change of an axis per second. Smaller moves more smoothly. `null`: no "
        "limit.",
    )
    smooth_s: float = Field(
        default=0.0,
        ge=0,
        le=5,
        description="Time constant of an axis's low-pass filter, in seconds. Larger moves more "
        "smoothly but reacts later.",
    )
    group: Name | None = Field(
        default=None,
        description="Name of a group of holds that exclude each other. Exactly one hold of a group "
        "is down at a time.",
    )
    per_minute: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Largest number of presses per minute; further presses are not sent. `null`: "
        "no limit.",
    )
    text: str = Field(
        default="", max_length=CHAT_CHARACTERS, description="Line that a chat press writes."
    )
    sound: str = Field(default="", description="WAV file that a voice press plays.")

    @model_validator(mode="before")
    @classmethod
    def _set_measured_dead_zone(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "dead_zone" in given:
            return given
        plain = given.get("kind", "axis") == "axis" and given.get("target", "input") == "input"
        return given | {"dead_zone": DEAD_ZONES.get(given.get("name", ""), 0.0)} if plain else given

    @model_validator(mode="after")
    def _check_kind_and_target(self) -> "ActionConfig":
        axis = self.kind == "axis"
        for name, given in (
            ("dead_zone", self.dead_zone > 0),
            ("levels", self.levels is not None),
            ("slew_per_s", self.slew_per_s is not None),
            ("smooth_s", self.smooth_s > 0),
        ):
            if given and not axis:
                raise ValueError(f"{self.name}: {name} needs kind axis, not {self.kind}")
        if self.group is not None and self.kind != "hold":
            raise ValueError(f"{self.name}: group needs kind hold, not {self.kind}")
        if self.per_minute is not None and self.kind != "press":
            raise ValueError(f"{self.name}: per_minute needs kind press, not {self.kind}")
        if self.target in ("chat", "voice") and self.kind != "press":
            raise ValueError(f"{self.name}: target {self.target} needs kind press, not {self.kind}")
        for name, needed in (("text", "chat"), ("sound", "voice")):
            if bool(getattr(self, name)) != (self.target == needed):
                raise ValueError(f"{self.name}: target {needed} and {name} need each other")
        if self.target == "input" and not -1 <= self.rest <= 1:
            raise ValueError(f"{self.name}: rest of an input must be -1..1, not {self.rest}")
        return self
