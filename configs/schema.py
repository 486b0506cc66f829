"""Every setting of Yume: frozen, bounded, described; unknown keys are refused."""

import math
from typing import Literal

from pydantic import Field, model_validator

from configs.standin import StandinConfig
from configs.strict import ParameterName, Strict, Weight
from configs.vrchat import (
    ActionConfig,
    CameraConfig,
    ControlConfig,
    EarsConfig,
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


class WorldConfig(Strict):
    kind: Literal["standin", "vrchat"] = Field(
        default="standin", description="which world to live in"
    )
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
        ports = self.osc.send_port and self.osc.receive_port
        if self.kind == "vrchat" and not (ports or self.osc.oscquery):
            raise ValueError(
                "world.kind vrchat needs osc.send_port and osc.receive_port (9000, 9001), "
                "or osc.oscquery"
            )
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


class ModelConfig(Strict):
    latent: Literal["gaussian", "categorical"] = Field(
        default="gaussian", description="kind of stochastic latent"
    )
    deter: int = Field(default=128, ge=4, le=16384, description="units of the recurrent state")
    stoch: int = Field(default=32, ge=1, le=1024, description="stochastic variables")
    classes: int = Field(
        default=16, ge=2, le=256, description="classes of each categorical variable"
    )
    units: int = Field(default=128, ge=4, le=8192, description="width of the dense layers")
    layers: int = Field(default=2, ge=1, le=8, description="layers of the heads")
    depth: int = Field(default=8, ge=1, le=256, description="channels of the first convolution")
    unimix: float = Field(
        default=0.01, ge=0, lt=1, description="uniform share of categorical latents"
    )
    min_std: float = Field(default=0.1, gt=0, le=1, description="smallest std of gaussian latents")


class DreamConfig(Strict):
    horizon: int = Field(default=12, ge=1, le=500, description="steps dreamed from each start")
    starts: int = Field(default=64, ge=1, le=65536, description="dreams begun in each update")
    discount: float = Field(default=0.97, gt=0, le=1, description="discount per step")
    lam: float = Field(default=0.95, ge=0, le=1, description="lambda of the return: 0 is TD(0)")
    entropy: float = Field(default=1e-2, ge=0, le=1e3, description="weight of the policy's entropy")


class TrainerConfig(Strict):
    batch: int = Field(default=8, ge=1, le=4096, description="sequences in a batch")
    length: int = Field(default=16, ge=2, le=1024, description="steps in a sequence")
    prefill: int = Field(default=100, ge=2, description="steps lived before the first update")
    train_ratio: float = Field(
        default=128.0,
        gt=0,
        le=1e5,
        description="steps replayed for each step lived, the upper bound",
    )
    recent: float = Field(
        default=0.5, ge=0, le=1, description="share of a batch that starts in the newest steps"
    )
    recent_steps: int = Field(
        default=50, ge=1, description="the newest steps: how many, counted back from the holdout"
    )
    image_shift: int = Field(
        default=5,
        ge=0,
        le=64,
        description="pixels by which a sequence is moved at random; 0 is off",
    )
    holdout: float = Field(
        default=0.1, ge=0, lt=1, description="newest share of the journal kept out of training"
    )
    holdout_steps: int = Field(
        default=2000, ge=0, description="the holdout is never more than this"
    )
    threads: int = Field(default=1, ge=1, le=256, description="CPU threads")
    model_lr: float = Field(
        default=1e-3, gt=0, le=1, description="learning rate of the world model"
    )
    policy_lr: float = Field(default=3e-4, gt=0, le=1, description="learning rate of the policy")
    value_lr: float = Field(default=3e-4, gt=0, le=1, description="learning rate of the value")
    clip: float = Field(default=100.0, gt=0, le=1e9, description="largest global gradient norm")
    kl_dynamics: float = Field(
        default=1.0, ge=0, le=1e4, description="weight of KL(sg posterior || prior)"
    )
    kl_representation: float = Field(
        default=0.1, ge=0, le=1e4, description="weight of KL(posterior || sg prior)"
    )
    free_nats: float = Field(
        default=1.0, ge=0, le=1e4, description="KL below this costs nothing, nats"
    )
    publish_updates: int = Field(
        default=10, ge=1, description="updates between two published versions"
    )
    checkpoint_s: float = Field(
        default=60.0, gt=0, description="seconds between checkpoints, in life"
    )
    checkpoint_steps: int = Field(
        default=2000, ge=1, description="steps between checkpoints, in lockstep"
    )
    checkpoint_keep: int = Field(default=3, ge=1, description="checkpoints kept")
    view_s: float = Field(default=4.0, gt=0, description="seconds between pictures of the dream")


class JournalConfig(Strict):
    segment_steps: int = Field(
        default=1024, ge=16, le=1_000_000, description="steps in a segment file"
    )
    max_steps: int = Field(
        default=100_000, ge=64, le=10**9, description="steps kept; older segments are freed"
    )


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
    beat: BeatConfig = BeatConfig()
    world: WorldConfig = WorldConfig()
    reward: RewardConfig = RewardConfig()
    model: ModelConfig = ModelConfig()
    dream: DreamConfig = DreamConfig()
    trainer: TrainerConfig = TrainerConfig()
    journal: JournalConfig = JournalConfig()
    weights: WeightsConfig = WeightsConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        trainer, journal = self.trainer, self.journal
        needed = max(trainer.prefill, math.ceil(trainer.length / (1.0 - trainer.holdout)) + 1)
        if journal.max_steps < needed:
            raise ValueError(
                f"journal.max_steps {journal.max_steps} is too few to train on: trainer.prefill, "
                f"length and holdout need {needed}"
            )
        for name in self.reward.parameters:
            if name not in self.world.parameters:
                raise ValueError(
                    f"reward.parameters.{name} is not among world.parameters "
                    f"({', '.join(self.world.parameters)})"
                )
        return self
