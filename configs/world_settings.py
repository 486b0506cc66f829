"""Settings of the world: its kind, observations, actions, devices and limits."""

from typing import Literal

from pydantic import Field, model_validator

from configs.actions import ActionConfig
from configs.devices import AudioInputConfig, CameraConfig
from configs.plugin_reference import PluginReference
from configs.standin import BUILT_IN, StandinConfig
from configs.strict import ParameterName, StrictModel
from configs.vrchat import (
    ControlConfig,
    LimitsConfig,
    MeasuredConfig,
    OscConfig,
    SituationsConfig,
    VoiceConfig,
    check_input_names,
)
from configs.world.ray_sense import RaysConfig
from configs.world.senses import ContactsConfig
from configs.world.standin_rays import MAX_RAYS, ray_parameters, single_rays


class GymnasiumConfig(StrictModel):
    """A Gymnasium or DeepMind Control environment."""

    repeat: int = Field(
        default=1,
        ge=1,
        le=100,
        description="Environment steps that each action lasts. Larger makes control coarser and "
        "training faster.",
    )
    pixels: bool = Field(
        default=False,
        description="Observe the rendered picture. `false`: observe the environment's vector.",
    )
    worlds: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Environments that `train` steps in parallel. More collect steps faster.",
    )


class WorldConfig(StrictModel):
    """The world in which the agent acts, and its connection to it."""

    kind: Literal["standin", "vrchat", "gymnasium", "plugin"] = Field(
        default="standin",
        description="Kind of the world. `standin`: the simulated client. `vrchat`: a real client. "
        "`gymnasium`: the environment world.id. `plugin`: the code world.plugin.",
    )
    id: str | None = Field(
        default=None,
        min_length=1,
        description="Id of a gymnasium environment: Pendulum-v1 (extra [gym]), or "
        "dmc/cartpole_swingup for DeepMind Control (extra [dmc]).",
    )
    plugin: PluginReference | None = Field(
        default=None,
        description="Function that makes the world of kind plugin: MODULE:NAME, or the name of an "
        "installed entry point in the group yume.worlds. See docs/plugins.md.",
    )
    gymnasium: GymnasiumConfig = GymnasiumConfig()
    camera: CameraConfig = CameraConfig()
    osc: OscConfig = OscConfig()
    actions: tuple[ActionConfig, ...] = Field(
        default=(
            ActionConfig(name="Vertical"),
            ActionConfig(name="Horizontal"),
            ActionConfig(name="LookHorizontal"),
            ActionConfig(name="Jump", kind="press"),
            ActionConfig(name="Run", kind="hold"),
        ),
        min_length=1,
        description="What the policy controls, in this order.",
    )
    parameters: tuple[ParameterName, ...] = Field(
        default=("VelocityX", "VelocityY", "VelocityZ", "AngularY", "Grounded", "HeadPat"),
        description="Avatar parameters in the observation, in this order.",
    )
    ranges: dict[ParameterName, tuple[float, float]] = Field(
        default={},
        description="Lowest and highest value of a parameter; values beyond are clipped. Default: "
        "known ranges for VRChat's own parameters, -1..255 for others.",
    )
    contacts: ContactsConfig = ContactsConfig()
    rays: RaysConfig = RaysConfig()
    audio_input: AudioInputConfig = AudioInputConfig()
    voice: VoiceConfig = VoiceConfig()
    situations: SituationsConfig = SituationsConfig()
    limits: LimitsConfig = LimitsConfig()
    control: ControlConfig = ControlConfig()
    measured: MeasuredConfig = MeasuredConfig()
    standin: StandinConfig = StandinConfig()

    @property
    def has_own_reward(self) -> bool:
        """Whether the world brings reward and features of its own, not avatar parameters."""
        return self.kind in ("gymnasium", "plugin")

    @model_validator(mode="after")
    def _check_settings_together(self) -> "WorldConfig":
        for what, names in (
            ("actions", [action.name for action in self.actions]),
            ("parameters", list(self.parameters)),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} named twice: {', '.join(twice)}")
        check_input_names(self.actions)
        if (self.kind == "gymnasium") != (self.id is not None):
            raise ValueError("world.id and world.kind gymnasium need each other")
        if (self.kind == "plugin") != (self.plugin is not None):
            raise ValueError("world.plugin and world.kind plugin need each other")
        if self.kind != "gymnasium" and self.gymnasium.worlds > 1:
            raise ValueError(
                f"gymnasium.worlds {self.gymnasium.worlds}: only kind gymnasium runs in parallel; "
                f"for {self.kind} it must be 1"
            )
        if self.kind == "standin" and self.limits.worlds:
            raise ValueError("limits.worlds: the stand-in writes no log, only VRChat does")
        switched = self.voice.device is not None and self.voice.unmute != "never"
        if switched and any(a.target == "input" and a.name == "Voice" for a in self.actions):
            raise ValueError(
                f"actions: voice.unmute {self.voice.unmute} already uses the input Voice; with "
                "voice.unmute never the policy can control it"
            )
        self._check_senses()
        for name, (low, high) in self.ranges.items():
            if name not in self.parameters:
                raise ValueError(f"ranges.{name} is not among parameters")
            if not low < high:
                raise ValueError(f"ranges.{name}: {low} is not below {high}")
        if self.kind == "vrchat" and self.camera.source == "auto":
            raise ValueError(
                "world.kind vrchat needs camera.source: a device, a URL, a file, screen or window"
            )
        return self

    @property
    def sense_features(self) -> tuple[str, ...]:
        """The entries of the observation after the parameters: contacts, then rays."""
        return (*self.contacts.features, *self.rays.features)

    def _check_senses(self) -> None:
        """Raises ValueError where contacts or rays do not fit the other settings."""
        contacts, rays = self.contacts, self.rays
        own = {*self.parameters, *BUILT_IN, self.control.stop_parameter}
        for sense, mode, names in (
            ("contacts", contacts.mode, contacts.features),
            ("rays", rays.mode, (*rays.features, *rays.parameters)),
        ):
            if names and self.has_own_reward:
                raise ValueError(f"{sense}.mode {mode}: a world of kind {self.kind} has none")
            if twice := [name for name in names if name in own]:
                raise ValueError(f"{sense}: {twice[0]} is already another parameter")
            own.update(names)
        theirs = self.standin.avatars[0].rays
        total = len(rays.names) + len(single_rays(theirs))
        if total > MAX_RAYS and not set(rays.parameters) & set(ray_parameters(theirs)):
            raise ValueError(
                f"rays: {len(rays.names)} rays, and {total - len(rays.names)} of "
                f"standin.avatars.0.rays; VRChat allows at most {MAX_RAYS} an avatar"
            )
