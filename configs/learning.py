"""Settings of networks and dreams: the world model, imagination, the policy and the value."""

from typing import Any, Literal

from pydantic import Field, model_validator

from configs.strict import StrictModel

# deter, units, classes, depth of DreamerV3's sizes (Hafner 2025, table of model sizes).
SIZES: dict[str, tuple[int, int, int, int]] = {
    "1m": (512, 64, 4, 4),
    "12m": (2048, 256, 16, 16),
    "25m": (3072, 384, 24, 24),
    "50m": (4096, 512, 32, 32),
    "100m": (6144, 768, 48, 48),
    "200m": (8192, 1024, 64, 64),
}


class ModelConfig(StrictModel):
    """Sizes and forms of the networks. Weights fit only networks with the same settings."""

    size: Literal["own", "1m", "12m", "25m", "50m", "100m", "200m"] = Field(
        default="own",
        description="DreamerV3 size: sets deter, units, classes and depth where they are not "
        "given. Larger learns from fewer steps and needs more computation. `own`: the values "
        "below.",
    )
    latent: Literal["gaussian", "categorical"] = Field(
        default="gaussian",
        description="Kind of stochastic latent: normals (Dreamer 2019) or categoricals "
        "(DreamerV3).",
    )
    core: Literal["gru", "block_gru", "lstm", "none"] = Field(
        default="gru",
        description="Recurrent core: gru (Dreamer 2019), block_gru (DreamerV3), lstm "
        "(World Models) or none (no memory).",
    )
    blocks: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Blocks of a block_gru; must divide deter. More blocks: fewer parameters.",
    )
    norm: Literal["layer", "rms"] = Field(
        default="layer",
        description="Normalisation in every layer. `layer`: one kernel, faster on a CPU. `rms`: "
        "DreamerV3, with its initial weights.",
    )
    deter: int = Field(
        default=128,
        ge=4,
        le=16384,
        description="Units of the recurrent state. Larger remembers more and costs more time.",
    )
    stoch: int = Field(
        default=32, ge=1, le=1024, description="Number of stochastic latent variables."
    )
    classes: int = Field(
        default=16, ge=2, le=256, description="Classes of each categorical variable."
    )
    units: int = Field(default=128, ge=4, le=8192, description="Width of the dense layers.")
    layers: int = Field(
        default=2,
        ge=1,
        le=8,
        description="Hidden layers of the heads and of the decoders of vector and sound.",
    )
    prior_layers: int = Field(default=1, ge=1, le=8, description="Hidden layers of the prior.")
    encoder_layers: int = Field(
        default=1, ge=1, le=8, description="Hidden layers of the vector encoder."
    )
    reward_layers: int | None = Field(
        default=None,
        ge=1,
        le=8,
        description="Hidden layers of the reward and continue heads. `null`: as model.layers.",
    )
    depth: int = Field(
        default=8,
        ge=1,
        le=256,
        description="Base channels of the image codec; each level has a multiple. Larger sees "
        "finer detail and costs more time.",
    )
    codec: Literal["patches", "conv"] = Field(
        default="patches",
        description="Image encoder and decoder. `patches`: 4 x 4 pixels each, small and fast on a "
        "CPU. `conv`: DreamerV3's convolutions.",
    )
    normalize: bool = Field(
        default=False,
        description="Normalise each number of the vector by its running mean and deviation. Then a "
        "head-pat counts as much as a turn of 200 degrees per second.",
    )
    heads: Literal["mean", "twohot"] = Field(
        default="mean",
        description="Reward and value heads. `mean`: squared error (Dreamer 2019). `twohot`: 255 "
        "bins, symexp two-hot (DreamerV3).",
    )
    unimix: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="Share of a uniform distribution mixed into categorical latents. Larger keeps "
        "probabilities further from 0.",
    )
    min_std: float = Field(
        default=0.1, gt=0, lt=1, description="Smallest standard deviation of gaussian latents."
    )

    @model_validator(mode="before")
    @classmethod
    def _apply_size(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("size", "own") not in SIZES:
            return given
        names = ("deter", "units", "classes", "depth")
        return dict(zip(names, SIZES[given["size"]], strict=True)) | given

    @model_validator(mode="after")
    def _check_blocks(self) -> "ModelConfig":
        if self.core == "block_gru" and self.deter % self.blocks:
            raise ValueError(
                f"model.deter {self.deter} is not divisible by model.blocks {self.blocks}"
            )
        return self


class DreamConfig(StrictModel):
    """Dreams: imagined rollouts of the world model f from recorded states."""

    horizon: int = Field(
        default=12,
        ge=1,
        le=500,
        description="Imagined steps of a dream. Longer plans further ahead, costs more time and "
        "relies more on f.",
    )
    starts: int = Field(
        default=64,
        ge=1,
        le=65536,
        description="Dreams per update, from states at even intervals over the batch. With "
        "critic.replay_weight: from the last starts / batch states of each sequence, at least two.",
    )
    discount: float = Field(
        default=0.97,
        gt=0,
        le=1,
        description="Discount per step. Larger counts later rewards more: 0.97 looks about 33 "
        "steps ahead, 0.99 about 100.",
    )
    discount_in: Literal["dream", "continue"] = Field(
        default="dream",
        description="Where the discount is applied. `dream`: to the imagined returns. `continue`: "
        "inside the target of the continue head (DreamerV3). Never both.",
    )
    lam: float = Field(
        default=0.95,
        ge=0,
        le=1,
        description="Lambda of the return. Smaller relies more on the value function; 0 is TD(0).",
    )
    sample: bool = Field(
        default=True,
        description="Dreams sample f. `false`: they take its mode, which the policy can exploit.",
    )


class ActorConfig(StrictModel):
    """The policy: how it learns in dreams and how much it explores."""

    gradient: Literal["dynamics", "reinforce", "mix", "none"] = Field(
        default="dynamics",
        description="Gradient of the policy in dreams. `dynamics`: of the return, through f. "
        "`reinforce`: the score function (DreamerV3). `mix`: both. `none`: CMA-ES.",
    )
    mix: float = Field(
        default=0.5, ge=0, le=1, description="Share of the dynamics gradient with gradient mix."
    )
    entropy: float = Field(
        default=1e-2,
        ge=0,
        le=1e3,
        description="Weight of the policy's entropy in dreams. Larger explores more and moves less "
        "steadily.",
    )
    cloning: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="Weight of behaviour cloning. Larger keeps the policy closer to the recorded "
        "actions, where f is accurate, and changes it more slowly. `0`: off.",
    )
    cloning_by: Literal["all", "advantage"] = Field(
        default="all",
        description="Which recorded actions are cloned. `all`: all of them evenly. `advantage`: "
        "those with a better outcome than the value predicts count more.",
    )
    smoothness: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="Weight of the squared change of the action from one imagined step to the "
        "next. Larger moves more smoothly and reacts more slowly. `0`: off.",
    )
    scale: bool = Field(
        default=True,
        description="Divide returns by max(1, P95 - P5), so that the other weights suit rewards of "
        "any size.",
    )
    unimix: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of a uniform distribution mixed into a choice from a group of buttons. "
        "Larger explores more.",
    )
    slow_rate: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Rate per update at which the acting policy follows the learning policy "
        "(Nikishin 2018). Smaller changes behaviour more slowly. `1`: they are the same.",
    )
    layers: int | None = Field(
        default=None,
        ge=0,
        le=8,
        description="Hidden layers of the policy; 0 is linear. `null`: as model.layers.",
    )


class CriticConfig(StrictModel):
    """The value function, and the slow critic that follows it."""

    layers: int | None = Field(
        default=None,
        ge=1,
        le=8,
        description="Hidden layers of the value head. `null`: as model.layers.",
    )
    slow_rate: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="Rate per update at which the slow critic follows the critic. Smaller is "
        "steadier but lags more.",
    )
    slow_weight: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="Weight of a loss that keeps the critic near the slow critic. Increase it if "
        "the value diverges. `0`: off.",
    )
    slow_target: bool = Field(
        default=False,
        description="Bootstrap returns from the slow critic instead of the critic.",
    )
    replay_weight: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="Weight of the value loss on recorded sequences; its gradient also trains the "
        "world model (DreamerV3: 0.3). `0`: off.",
    )

    @property
    def has_slow(self) -> bool:
        """Whether any setting needs the slow critic."""
        return self.slow_weight > 0 or self.slow_target
