"""The schema of a configuration: every setting with its bounds; unknown keys are errors."""

import math
from typing import Literal, TypeVar

from pydantic import Field, JsonValue, model_validator

from configs.learning import ActorConfig, CriticConfig, DreamConfig, ModelConfig
from configs.methods.rules import check_method
from configs.methods.table import (
    METHODS,
    MethodName,
    settings_of_plugin,
    with_method_sections,
)
from configs.plugin_reference import PluginReference
from configs.strict import Name, ParameterName, StrictModel, Weight
from configs.training import TrainerConfig
from configs.world_settings import WorldConfig

S = TypeVar("S", bound=StrictModel)


class TickConfig(StrictModel):
    """The tick: the agent observes, decides and acts once per tick."""

    hz: float = Field(
        default=10.0,
        ge=1,
        le=60,
        description="Ticks per second. Higher reacts faster and needs more CPU. Settings counted "
        "in steps then cover less time.",
    )
    spin_ms: float = Field(
        default=1.5,
        ge=0,
        le=20,
        description="Time before a deadline that is spent spinning instead of sleeping, in "
        "milliseconds. Increase it if ticks are late and CPU time is free.",
    )


class RewardTermConfig(StrictModel):
    """A reward term from a plugin: a function of Steps."""

    source: PluginReference = Field(
        description="Function that computes the term: MODULE:NAME, or the name of an installed "
        "entry point in the group yume.rewards. See docs/plugins.md."
    )
    weight: Weight = Field(default=1.0, description="Weight of its value, per step.")


class RewardConfig(StrictModel):
    """Weights of the terms of the reward. The trainer applies them to recorded Steps too."""

    parameters: dict[ParameterName, Weight] = Field(
        default={"HeadPat": 1.0},
        description="Weight of the value of each avatar parameter, per step. A negative weight is "
        "a penalty.",
    )
    action_cost: float = Field(
        default=0.01,
        ge=0,
        le=1e6,
        description="Cost of the mean squared action, per step. Larger moves less.",
    )
    surprise: float = Field(
        default=0.05,
        ge=0,
        le=1e6,
        description="Weight of curiosity: the surprise KL(posterior || prior), divided by its "
        "running mean. Larger seeks what the model cannot predict yet.",
    )
    world: float = Field(
        default=1.0,
        ge=-1e6,
        le=1e6,
        description="Weight of the reward of the world itself. VRChat has none.",
    )
    terms: dict[Name, RewardTermConfig] = Field(
        default={}, description="Further terms, each computed by a plugin, by name."
    )

    @model_validator(mode="after")
    def _check_names(self) -> "RewardConfig":
        for name in self.terms:
            if name in RewardConfig.model_fields or name == "sum" or "." in name:
                raise ValueError(
                    f"terms.{name}: Yume uses this name itself, or it contains a dot; choose "
                    "another name"
                )
        return self


class JournalConfig(StrictModel):
    """The replay buffer on disk."""

    segment_steps: int = Field(
        default=1024, ge=16, le=1_000_000, description="Steps per segment file."
    )
    max_steps: int = Field(
        default=100_000,
        ge=64,
        le=10**9,
        description="Steps kept; older segments are deleted. Larger remembers more and needs more "
        "disk space.",
    )


class SessionConfig(StrictModel):
    """The recording of a run for people and tools: MCAP files in the folder session/ of the run."""

    record: bool = Field(
        default=True,
        description="Record what `run` does. Inform other people who may be in the recording.",
    )
    minutes: float = Field(
        default=5.0, gt=0, le=1440, description="Length of one file, in minutes."
    )
    camera: Literal["png", "jpeg"] = Field(
        default="png",
        description="Format of recorded images. png is exact. jpeg files are smaller, but exact "
        "replay is not possible.",
    )
    jpeg_quality: int = Field(
        default=75,
        ge=1,
        le=100,
        description="Quality of jpeg. Larger gives better pictures and larger files.",
    )


class WeightsConfig(StrictModel):
    """The versions of the weights on disk."""

    keep_mb: float = Field(
        default=256.0,
        gt=0,
        le=1e7,
        description="Disk space for the versions that the body applied, in MB. Exact replay needs "
        "them.",
    )


class EvaluateConfig(StrictModel):
    """Evaluation of a frozen policy."""

    episode_steps: int = Field(
        default=300,
        ge=1,
        description="Steps of an evaluation episode, unless the world ends it. Also the ticks in a "
        "room with world.standin.rooms.change: episode.",
    )


class _GeneralConfig(StrictModel):
    """The settings before the sections of the methods."""

    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of all random numbers.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        description="Device on which the trainer learns. `auto`: cuda if it is available, else "
        "cpu.",
    )
    method: MethodName = Field(
        default="dreamer",
        description="Learning method; configs/ has a preset for each. `plugin:MODULE:NAME`, or "
        "plugin: and the name of an installed entry point, is a method outside the project. See "
        "docs/methods/new-method.md.",
    )
    method_settings: dict[str, JsonValue] = Field(
        default={}, description="Settings of a method outside the project."
    )
    tick: TickConfig = TickConfig()
    world: WorldConfig = WorldConfig()
    reward: RewardConfig = RewardConfig()
    model: ModelConfig = ModelConfig()
    dream: DreamConfig = DreamConfig()
    actor: ActorConfig = ActorConfig()
    critic: CriticConfig = CriticConfig()


class Config(with_method_sections(_GeneralConfig)):
    """All settings of a run."""

    trainer: TrainerConfig = TrainerConfig()
    journal: JournalConfig = JournalConfig()
    session: SessionConfig = SessionConfig()
    weights: WeightsConfig = WeightsConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    def section(self, kind: type[S]) -> S:
        """The section of this class; for a method outside the project, its `method_settings`.

        Raises BadInput for method_settings that `kind` does not allow.
        """
        for name in type(self).model_fields:
            if isinstance(section := getattr(self, name), kind):
                return section
        return settings_of_plugin(kind, self.method_settings)

    @model_validator(mode="after")
    def _check_rooms(self) -> "Config":
        self.world.standin.rooms.check_ticks(self.tick.hz)
        return self

    @model_validator(mode="after")
    def _set_world_rewards(self) -> "Config":
        """A Gymnasium environment or a plugin has its own reward and no avatar parameters."""
        if self.world.has_own_reward:
            self._set_defaults("reward", parameters={}, action_cost=0.0, surprise=0.0)
        return self

    @model_validator(mode="after")
    def _set_method_defaults(self) -> "Config":
        """Some methods have other defaults for common settings."""
        if self.method not in METHODS:
            return self
        if self.method_settings:
            raise ValueError(
                f"method_settings: method {self.method} has a section of its own; they are for a "
                "method outside the project"
            )
        for path, value in METHODS[self.method].defaults.items():
            section, key = path.split(".")
            self._set_defaults(section, **{key: value})
        return self

    @model_validator(mode="after")
    def _check_settings_together(self) -> "Config":
        trainer, journal = self.trainer, self.journal
        needed = max(trainer.prefill, math.ceil(trainer.length / (1.0 - trainer.holdout)) + 1)
        if journal.max_steps < needed:
            raise ValueError(
                f"journal.max_steps {journal.max_steps} is too small for training: "
                f"trainer.prefill, length and holdout need {needed}"
            )
        if self.method in METHODS:
            check_method(self, METHODS[self.method])
        for name in () if self.world.has_own_reward else self.reward.parameters:
            if name not in self.world.parameters:
                raise ValueError(
                    f"reward.parameters.{name} is not among world.parameters "
                    f"({', '.join(self.world.parameters)})"
                )
        return self

    def _set_defaults(self, section: str, **values: object) -> None:
        """Set those values of a section that were not given."""
        part = getattr(self, section)
        missing = {name: v for name, v in values.items() if name not in part.model_fields_set}
        object.__setattr__(self, section, part.model_copy(update=missing))
