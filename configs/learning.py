"""Settings of learning: networks, dreams, actor and critic, optimiser, and the other methods."""

from typing import Any, Literal

from pydantic import Field, model_validator

from configs.strict import Strict

Method = Literal["dreamer", "world_models", "ppo"]
# deter, units, classes, depth of DreamerV3's sizes (Hafner 2025, table of model sizes).
SIZES: dict[str, tuple[int, int, int, int]] = {
    "1m": (512, 64, 4, 4),
    "12m": (2048, 256, 16, 16),
    "25m": (3072, 384, 24, 24),
    "50m": (4096, 512, 32, 32),
    "100m": (6144, 768, 48, 48),
    "200m": (8192, 1024, 64, 64),
}


class ModelConfig(Strict):
    size: Literal["own", "1m", "12m", "25m", "50m", "100m", "200m"] = Field(
        default="own",
        description="DreamerV3's sizes: deter, units, classes and depth where they are not given",
    )
    latent: Literal["gaussian", "categorical"] = Field(
        default="gaussian", description="kind of stochastic latent"
    )
    core: Literal["gru", "block_gru", "lstm", "none"] = Field(
        default="gru",
        description="recurrence: gru (Dreamer 2019), block_gru (DreamerV3), lstm (world_models, "
        "whose sizes are world_models.*), or none (ppo: what is seen now is all it knows)",
    )
    blocks: int = Field(default=8, ge=1, le=64, description="blocks of a block_gru")
    norm: Literal["layer", "rms"] = Field(
        default="layer", description="normalisation in every layer: layer is one kernel on a CPU"
    )
    deter: int = Field(default=128, ge=4, le=16384, description="units of the recurrent state")
    stoch: int = Field(default=32, ge=1, le=1024, description="stochastic variables")
    classes: int = Field(
        default=16, ge=2, le=256, description="classes of each categorical variable"
    )
    units: int = Field(default=128, ge=4, le=8192, description="width of the dense layers")
    layers: int = Field(default=2, ge=1, le=8, description="layers of the heads and the decoder")
    prior_layers: int = Field(default=1, ge=1, le=8, description="layers of the prior")
    encoder_layers: int = Field(default=1, ge=1, le=8, description="layers of a vector's encoder")
    reward_layers: int | None = Field(
        default=None, ge=1, le=8, description="layers of reward and continue; null: as `layers`"
    )
    depth: int = Field(default=8, ge=1, le=256, description="channels of the first convolution")
    codec: Literal["patches", "conv"] = Field(
        default="patches",
        description="pictures by patches of 4 x 4 pixels (small, fast on a CPU), or by DreamerV3's "
        "convolutions",
    )
    normalize: bool = Field(
        default=False,
        description="what is felt is taken over its own running mean and deviation: a pat counts "
        "as much as a turn of 200 degrees a second; only method dreamer measures them",
    )
    heads: Literal["mean", "twohot"] = Field(
        default="mean",
        description="reward and value: a mean learned by squared error (Dreamer 2019), or 255 bins "
        "by symexp two-hot (DreamerV3)",
    )
    unimix: float = Field(
        default=0.01, ge=0, lt=1, description="uniform share of categorical latents"
    )
    min_std: float = Field(default=0.1, gt=0, lt=1, description="smallest std of gaussian latents")

    @model_validator(mode="before")
    @classmethod
    def _sized(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("size", "own") not in SIZES:
            return given
        names = ("deter", "units", "classes", "depth")
        return dict(zip(names, SIZES[given["size"]], strict=True)) | given

    @model_validator(mode="after")
    def _divisible(self) -> "ModelConfig":
        if self.core == "block_gru" and self.deter % self.blocks:
            raise ValueError(
                f"model.deter {self.deter} is not divisible by model.blocks {self.blocks}"
            )
        return self


class DreamConfig(Strict):
    horizon: int = Field(default=12, ge=1, le=500, description="steps dreamed from each start")
    starts: int = Field(
        default=64,
        ge=1,
        le=65536,
        description="dreams begun in each update: evenly over the batch, or, with "
        "critic.replay_weight, in the last starts / batch steps of each sequence, two at least",
    )
    discount: float = Field(default=0.97, gt=0, le=1, description="discount per step")
    discount_in: Literal["dream", "continue"] = Field(
        default="dream",
        description="where the discount lives: multiplied in dreams, or inside the target of the "
        "continue head (DreamerV3); never both",
    )
    lam: float = Field(default=0.95, ge=0, le=1, description="lambda of the return: 0 is TD(0)")
    sample: bool = Field(
        default=True, description="dreams sample f; false: they take its mode, and can be cheated"
    )


class ActorConfig(Strict):
    gradient: Literal["dynamics", "reinforce", "mix", "none"] = Field(
        default="dynamics",
        description="how the policy climbs in dreams: the return straight through f (the deck), "
        "the score function (DreamerV3), or both; none: CMA-ES, which method world_models has; "
        "ppo, which has no dreams, does not look at it",
    )
    mix: float = Field(
        default=0.5, ge=0, le=1, description="share of the dynamics gradient in a mix"
    )
    entropy: float = Field(
        default=1e-2,
        ge=0,
        le=1e3,
        description="weight of the policy's entropy in dreams (ppo: ppo.entropy)",
    )
    cloning: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="weight of behaviour cloning: how much the policy is held to what was done "
        "where it was lived, so that it stays where f knows (method dreamer); 0 is off",
    )
    scale: bool = Field(
        default=True,
        description="returns over max(1, P95 - P5), so that rewards of any size teach alike",
    )
    unimix: float = Field(default=0.0, ge=0, lt=1, description="uniform share of choices")
    slow_rate: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="how fast the policy that acts follows the one that learns in dreams (Nikishin "
        "2018); 1: they are one",
    )
    layers: int | None = Field(
        default=None,
        ge=0,
        le=8,
        description="layers of the policy, 0 is linear; null: as model.layers",
    )


class CriticConfig(Strict):
    layers: int | None = Field(
        default=None, ge=1, le=8, description="layers of the value; null: as model.layers"
    )
    slow_rate: float = Field(
        default=0.02, gt=0, le=1, description="how fast the slow critic follows (method dreamer)"
    )
    slow_weight: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="weight of staying near the slow critic (method dreamer); 0 is off",
    )
    slow_target: bool = Field(
        default=False,
        description="returns bootstrap from the slow critic instead of the fast (method dreamer)",
    )
    replay_weight: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="weight of the value loss on lived sequences, which teaches the model too "
        "(DreamerV3: 0.3; method dreamer); 0 is off",
    )

    @property
    def has_slow(self) -> bool:
        return self.slow_weight > 0 or self.slow_target


class TrainerConfig(Strict):
    batch: int = Field(default=8, ge=1, le=4096, description="sequences in a batch")
    length: int = Field(default=16, ge=2, le=1024, description="steps in a sequence")
    prefill: int = Field(default=100, ge=2, description="steps lived before the first update")
    train_ratio: float = Field(
        default=128.0,
        gt=0,
        le=1e5,
        description="steps replayed for each step lived, the upper bound; ppo, which learns from "
        "what its weights in force have lived, looks at neither it nor recent, image_shift or "
        "holdout",
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
    optimizer: Literal["adam", "laprop"] = Field(
        default="adam", description="adam, or DreamerV3's LaProp"
    )
    warmup: int = Field(
        default=0, ge=0, description="updates in which the learning rates rise from 0"
    )
    clip: float = Field(default=100.0, gt=0, le=1e9, description="largest global gradient norm")
    agc: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="adaptive clipping: a tensor's gradient to so much of the tensor's norm "
        "(DreamerV3: 0.3); 0 is off",
    )
    reconstruction: float = Field(
        default=0.5,
        ge=0,
        le=1e4,
        description="weight of the squared error of what was seen, felt and heard (DreamerV3: 1)",
    )
    precision: float = Field(
        default=100.0,
        gt=0,
        le=1e6,
        description="how much more the squared error of what is felt counts than of what is seen: "
        "at 1 (DreamerV3) a few small numbers are forgotten, and that one is patted",
    )
    overshoot: float = Field(
        default=0.0,
        ge=0,
        le=1e4,
        description="weight of what is felt and paid overshoot_steps ahead, foretold by f with the "
        "actions that were done (PlaNet's observation overshooting; method dreamer); 0 is off",
    )
    overshoot_steps: int = Field(
        default=5, ge=1, le=500, description="how many; fewer than trainer.length"
    )
    kl_dynamics: float = Field(
        default=1.0, ge=0, le=1e4, description="weight of KL(sg posterior || prior)"
    )
    kl_representation: float = Field(
        default=0.1, ge=0, le=1e4, description="weight of KL(posterior || sg prior)"
    )
    free_nats: float = Field(
        default=1.0, ge=0, le=1e4, description="KL below this costs nothing, nats"
    )
    patience: int = Field(
        default=20,
        ge=1,
        description="updates skipped in a row, because a loss is not finite, before the last good "
        "checkpoint comes back",
    )
    publish_updates: int = Field(
        default=10,
        ge=1,
        description="updates between two published versions (ppo: a phase; world_models: all of a "
        "refit and its generations)",
    )
    checkpoint_s: float = Field(
        default=60.0, gt=0, description="seconds between checkpoints, in life"
    )
    checkpoint_steps: int = Field(
        default=2000, ge=1, description="steps between checkpoints, in lockstep"
    )
    checkpoint_keep: int = Field(default=3, ge=1, description="checkpoints kept")
    view_s: float = Field(default=4.0, gt=0, description="seconds between pictures of the dream")


class PPOConfig(Strict):
    """Proximal policy optimisation (Schulman 2017): the model-free baseline."""

    rollout: int = Field(
        default=1024, ge=2, le=10**6, description="steps of the weights in force for each update"
    )
    epochs: int = Field(default=10, ge=1, le=100, description="passes over each rollout")
    minibatch: int = Field(default=64, ge=2, le=65536, description="steps of a minibatch, at least")
    clip: float = Field(default=0.2, gt=0, le=1, description="how far the ratio may go from 1")
    discount: float = Field(default=0.99, gt=0, le=1, description="discount per step")
    lam: float = Field(default=0.95, ge=0, le=1, description="lambda of GAE")
    entropy: float = Field(default=0.0, ge=0, le=10, description="weight of the entropy")
    value_weight: float = Field(
        default=1.0, ge=0, le=100, description="weight of the value loss, half the squared error"
    )
    lr: float = Field(default=3e-4, gt=0, le=1, description="learning rate of all its networks")


class WorldModelsConfig(Strict):
    """World Models (Ha & Schmidhuber 2018): VAE, MDN-RNN, and a controller by CMA-ES in dreams."""

    latent: int = Field(default=32, ge=1, le=1024, description="size of z")
    hidden: int = Field(default=128, ge=4, le=8192, description="units of the LSTM")
    mixtures: int = Field(default=5, ge=1, le=64, description="gaussians of each next z")
    temperature: float = Field(
        default=1.0, gt=0, le=10, description="tau of the dream: above 1 it is less sure of itself"
    )
    kl: float = Field(
        default=1.0,
        ge=0,
        le=1e4,
        description="weight of the autoencoder's KL to N(0, 1)",
    )
    controller: Literal["z", "zh", "zhc"] = Field(
        default="zh", description="what the linear controller reads: z, h and c of the LSTM"
    )
    fit: int = Field(
        default=250, ge=1, description="updates of the model between two times of evolution"
    )
    population: int = Field(default=32, ge=4, le=4096, description="controllers of a generation")
    generations: int = Field(default=20, ge=1, description="generations of a time of evolution")
    dreams: int = Field(default=16, ge=1, le=4096, description="dreams each controller is tried in")
    dream_steps: int = Field(default=200, ge=1, le=10000, description="longest dream")
    sigma: float = Field(default=0.5, gt=0, le=10, description="first spread of CMA-ES")
    explore: float = Field(
        default=0.3, gt=0.1, lt=1, description="std of an axis in life, once there is a controller"
    )
