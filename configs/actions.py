"""Settings of what the policy controls: VRChat inputs, avatar parameters, chat and voice."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticKnownError

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


@dataclass(frozen=True)
class KindRules:
    """What the settings of an action may be, by its kind.

    `description`: a phrase for the documentation. `noun`: the client's word for such an input, and
    `inputs`: all of their names. `settings`: settings that only some kinds have, among them this
    one. `targets`: what an action of this kind can set.
    """

    description: str
    noun: str
    inputs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("input", "parameter")


KINDS: dict[str, KindRules] = {
    "axis": KindRules(
        "a value in -1..1",
        "axis",
        INPUT_AXES,
        settings=("dead_zone", "levels", "slew_per_s", "smooth_s"),
    ),
    "press": KindRules(
        "a button that acts once and is down for two ticks",
        "button",
        INPUT_BUTTONS,
        settings=("per_minute",),
        targets=("input", "parameter", "chat", "voice"),
    ),
    "hold": KindRules(
        "a button that is down for as long as the policy says",
        "button",
        INPUT_BUTTONS,
        settings=("group",),
    ),
}


def _check_kind(given: Any) -> Any:
    if isinstance(given, str) and given in KINDS:
        return given
    *others, last = (f"'{kind}'" for kind in KINDS)
    expected = f"{', '.join(others)} or {last}" if others else last
    raise PydanticKnownError("literal_error", {"expected": expected})


def _kinds_with(field: str, value: str) -> str:
    """The names of the kinds whose rules list `value`, for a message."""
    return " or ".join(kind for kind, rules in KINDS.items() if value in getattr(rules, field))


class ActionConfig(StrictModel):
    """One number that the policy chooses in each tick, and what it controls."""

    multi_line = frozenset({"text"})  # of the chatbox

    name: ParameterName = Field(
        description="Name of the VRChat input or avatar parameter; for chat and voice any name."
    )
    kind: Annotated[str, BeforeValidator(_check_kind)] = Field(
        default="axis",
        description="Kind of the action. "
        + " ".join(f"`{kind}`: {rules.description}." for kind, rules in KINDS.items()),
        json_schema_extra={"enum": list(KINDS)},
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
        rules = KINDS.get(str(given.get("kind", "axis")))
        plain = rules is not None and "dead_zone" in rules.settings
        if not plain or given.get("target", "input") != "input":
            return given
        return given | {"dead_zone": DEAD_ZONES.get(given.get("name", ""), 0.0)}

    @model_validator(mode="after")
    def _check_kind_and_target(self) -> "ActionConfig":
        own, fields = KINDS[self.kind], type(self).model_fields
        for name in dict.fromkeys(name for rules in KINDS.values() for name in rules.settings):
            if name not in own.settings and getattr(self, name) != fields[name].default:
                needed = _kinds_with("settings", name)
                raise ValueError(f"{self.name}: {name} needs kind {needed}, not {self.kind}")
        if self.target not in own.targets:
            needed = _kinds_with("targets", self.target)
            raise ValueError(
                f"{self.name}: target {self.target} needs kind {needed}, not {self.kind}"
            )
        for name, needed in (("text", "chat"), ("sound", "voice")):
            if bool(getattr(self, name)) != (self.target == needed):
                raise ValueError(f"{self.name}: target {needed} and {name} need each other")
        if self.target == "input" and not -1 <= self.rest <= 1:
            raise ValueError(f"{self.name}: rest of an input must be -1..1, not {self.rest}")
        return self
