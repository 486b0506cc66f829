"""Every setting of Yume: frozen, bounded, described; unknown keys are refused."""

import math
from typing import Literal

from pydantic import Field, model_validator

from configs.actions import ActionConfig
from configs.devices import CameraConfig, EarsConfig
from configs.learning import (
    ActorConfig,
    CriticConfig,
    DreamConfig,
    Method,
    ModelConfig,
    PPOConfig,
    TrainerConfig,
    WorldModelsConfig,
)
from configs.standin import StandinConfig
from configs.strict import ParameterName, Strict, Weight
from configs.vrchat import (
    ControlConfig,
    MannersConfig,
    MeasuredConfig,
    OscConfig,
    SituationsConfig,
    VoiceConfig,
    known_inputs,
)


class BeatConfig(Strict):
    hz: float = Field(default=10.0, ge=1, le=60, description="acting steps per second")
    spin_ms: float = Field(
        default=1.5, ge=0, le=20, description="milliseconds spun, not slept, before a deadline"
    )


class GymnasiumConfig(Strict):
    repeat: int = Field(default=1, ge=1, le=100, description="times each action is done")
    pixels: bool = Field(
        default=False, description="see what the world renders; false: feel its observation"
    )
    worlds: int = Field(
        default=1, ge=1, le=256, description="how many are lived in side by side, in train"
    )


class WorldConfig(Strict):
    kind: Literal["standin", "vrchat", "gymnasium"] = Field(
        default="standin", description="which world to live in"
    )
    id: str | None = Field(
        default=None,
        min_length=1,
        description="of a gymnasium world: Pendulum-v1, or dmc/cartpole_swingup for DeepMind "
        "Control (extras [gym], [dmc])",
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
        description="what the policy controls, in order",
    )
    parameters: tuple[ParameterName, ...] = Field(
        default=("VelocityX", "VelocityY", "VelocityZ", "AngularY", "Grounded", "HeadPat"),
        description="avatar parameters it feels, in order",
    )
    ranges: dict[ParameterName, tuple[float, float]] = Field(
        default={},
        description="lowest and highest of a parameter; what lies beyond is cut. VRChat's own and "
        "-1..255 for the others are known",
    )
    ears: EarsConfig = EarsConfig()
    voice: VoiceConfig = VoiceConfig()
    situations: SituationsConfig = SituationsConfig()
    manners: MannersConfig = MannersConfig()
    control: ControlConfig = ControlConfig()
    measured: MeasuredConfig = MeasuredConfig()
    standin: StandinConfig = StandinConfig()

    @model_validator(mode="after")
    def _unique(self) -> "WorldConfig":
        for what, names in (
            ("actions", [action.name for action in self.actions]),
            ("parameters", list(self.parameters)),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} named twice: {', '.join(twice)}")
        known_inputs(self.actions)
        if (self.kind == "gymnasium") != (self.id is not None):
            raise ValueError("world.id and world.kind gymnasium go together")
        if self.kind != "gymnasium" and self.gymnasium.worlds > 1:
            raise ValueError(
                f"gymnasium.worlds {self.gymnasium.worlds}: only worlds of kind gymnasium are "
                f"lived in side by side, of {self.kind} there is 1"
            )
        if self.kind == "standin" and self.manners.worlds:
            raise ValueError("manners.worlds: the stand-in writes no log, only VRChat does")
        switched = self.voice.device is not None and self.voice.unmute != "never"
        if switched and any(a.target == "input" and a.name == "Voice" for a in self.actions):
            raise ValueError(
                "actions: the input Voice is the microphone's switch, and voice.unmute "
                f"{self.voice.unmute} moves it already (never leaves it to the policy)"
            )
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


class RewardConfig(Strict):
    """Weights of the reward's terms. A lived term can change without recording anew."""

    parameters: dict[ParameterName, Weight] = Field(
        default={"HeadPat": 1.0}, description="weight of each avatar parameter's value, per step"
    )
    action_cost: float = Field(
        default=0.01, ge=0, le=1e6, description="price of the mean squared action, per step"
    )
    surprise: float = Field(
        default=0.05,
        ge=0,
        le=1e6,
        description="weight of curiosity: the latent surprise KL(posterior || prior), "
        "divided by its running mean",
    )
    world: float = Field(
        default=1.0,
        ge=-1e6,
        le=1e6,
        description="weight of a reward the world itself pays (VRChat: none)",
    )


class JournalConfig(Strict):
    segment_steps: int = Field(
        default=1024, ge=16, le=1_000_000, description="steps in a segment file"
    )
    max_steps: int = Field(
        default=100_000, ge=64, le=10**9, description="steps kept; older segments are freed"
    )


class SessionConfig(Strict):
    """What is lived, recorded for people: MCAP files in the run's folder, session/."""

    record: bool = Field(
        default=True, description="record what `run` lives; other people may be in it: tell them"
    )
    minutes: float = Field(default=5.0, gt=0, le=1440, description="length of a file")
    camera: Literal["png", "jpeg"] = Field(
        default="png", description="png is exact; of jpeg no replay can be"
    )
    jpeg_quality: int = Field(default=75, ge=1, le=100, description="quality of jpeg")


class WeightsConfig(Strict):
    keep_mb: float = Field(
        default=256.0, gt=0, le=1e7, description="disk for the versions the body applied, MB"
    )


class EvaluateConfig(Strict):
    episode_steps: int = Field(default=300, ge=1, description="steps of an evaluation episode")


class Config(Strict):
    """The whole of it, as one YAML file."""

    seed: int = Field(default=0, ge=0, lt=2**31, description="seed of everything random")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where the trainer learns"
    )
    method: Method = Field(
        default="dreamer", description="how it learns; configs/ has a preset for each"
    )
    beat: BeatConfig = BeatConfig()
    world: WorldConfig = WorldConfig()
    reward: RewardConfig = RewardConfig()
    model: ModelConfig = ModelConfig()
    dream: DreamConfig = DreamConfig()
    actor: ActorConfig = ActorConfig()
    critic: CriticConfig = CriticConfig()
    ppo: PPOConfig = PPOConfig()
    world_models: WorldModelsConfig = WorldModelsConfig()
    trainer: TrainerConfig = TrainerConfig()
    journal: JournalConfig = JournalConfig()
    session: SessionConfig = SessionConfig()
    weights: WeightsConfig = WeightsConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @property
    def replayed_per_update(self) -> int:
        """Steps, each counted as often as it is learned from."""
        if self.method == "ppo":
            return self.ppo.rollout * self.ppo.epochs
        return self.trainer.batch * self.trainer.length

    @model_validator(mode="after")
    def _other_worlds(self) -> "Config":
        """A Gymnasium world pays by itself, and nothing of VRChat's is in it."""
        if self.world.kind == "gymnasium":
            plain = {"parameters": {}, "action_cost": 0.0, "surprise": 0.0}
            given = self.reward.model_fields_set
            unsaid = {name: value for name, value in plain.items() if name not in given}
            object.__setattr__(self, "reward", self.reward.model_copy(update=unsaid))
        return self

    @model_validator(mode="after")
    def _evolves(self) -> "Config":
        """World Models has its own dynamics, and a linear controller that climbs no gradient."""
        if self.method == "world_models":
            self._unsaid("model", core="lstm")
            self._unsaid("actor", gradient="none", layers=0)
        for key, value, given in (
            ("model.core", "lstm", self.model.core),
            ("actor.gradient", "none", self.actor.gradient),
        ):
            if (self.method == "world_models") != (given == value):
                raise ValueError(
                    f"{key} {given} does not go with method {self.method}: {value} and "
                    "world_models go together"
                )
        if self.method == "world_models" and self.actor.layers != 0:
            raise ValueError("actor.layers: method world_models evolves a linear controller, 0")
        return self

    def _unsaid(self, section: str, **values: object) -> None:
        """Set what nobody gave in a section."""
        part = getattr(self, section)
        unsaid = {name: v for name, v in values.items() if name not in part.model_fields_set}
        object.__setattr__(self, section, part.model_copy(update=unsaid))

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        trainer, journal = self.trainer, self.journal
        needed = max(trainer.prefill, math.ceil(trainer.length / (1.0 - trainer.holdout)) + 1)
        if journal.max_steps < needed:
            raise ValueError(
                f"journal.max_steps {journal.max_steps} is too few to train on: trainer.prefill, "
                f"length and holdout need {needed}"
            )
        self._fits_method()
        for name in self.reward.parameters if self.world.kind != "gymnasium" else ():
            if name not in self.world.parameters:
                raise ValueError(
                    f"reward.parameters.{name} is not among world.parameters "
                    f"({', '.join(self.world.parameters)})"
                )
        return self

    def _fits_method(self) -> None:
        """PPO lives on what it sees now; every other method dreams, and needs memory."""
        if (self.method == "ppo") != (self.model.core == "none"):
            raise ValueError(
                f"model.core {self.model.core} and method {self.method} do not go together: "
                "none is for ppo, and ppo has no other"
            )
        if self.method != "dreamer" and self.actor.slow_rate < 1:
            raise ValueError(
                f"actor.slow_rate {self.actor.slow_rate}: only the policy of method dreamer has a "
                f"slow one, with {self.method} it is 1"
            )
        trainer = self.trainer
        looks_ahead = self.method == "dreamer" and trainer.overshoot > 0
        if looks_ahead and trainer.overshoot_steps >= trainer.length:
            raise ValueError(
                f"trainer.overshoot_steps {trainer.overshoot_steps} does not fit into windows of "
                f"trainer.length {trainer.length}: fewer steps, a longer window, or "
                "trainer.overshoot 0"
            )
        if self.method != "ppo":
            return
        if self.reward.surprise:
            raise ValueError(
                f"reward.surprise {self.reward.surprise} needs a world model, and method ppo has "
                "none: set it to 0"
            )
        if self.journal.max_steps <= self.ppo.rollout:
            raise ValueError(
                f"journal.max_steps {self.journal.max_steps} does not hold ppo.rollout "
                f"{self.ppo.rollout}"
            )
