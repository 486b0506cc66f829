"""Settings of the trainer: batches, optimiser, loss weights, checkpoints."""

from typing import Literal

from pydantic import Field

from configs.strict import StrictModel


class TrainerConfig(StrictModel):
    """Batches, optimiser, weights of the world model's loss, and checkpoints."""

    batch: int = Field(
        default=8,
        ge=1,
        le=4096,
        description="Sequences per batch. Larger gives steadier gradients and slower updates.",
    )
    length: int = Field(
        default=16,
        ge=2,
        le=1024,
        description="Steps per sequence. The model does not learn dependencies over more steps.",
    )
    prefill: int = Field(
        default=100, ge=2, description="Environment steps recorded before the first update."
    )
    train_ratio: float = Field(
        default=128.0,
        gt=0,
        le=1e5,
        description="Upper bound of replayed steps per environment step. Larger learns faster and "
        "uses more CPU.",
    )
    recent: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of each batch that starts in the newest steps. Increase it for runs of "
        "a few minutes. Training from sessions draws evenly instead.",
    )
    recent_steps: int = Field(
        default=50,
        ge=1,
        description="Number of newest steps for trainer.recent, counted back from the holdout.",
    )
    image_shift: int = Field(
        default=5,
        ge=0,
        le=64,
        description="Largest random shift of a sequence's images, in pixels (augmentation). `0`: "
        "off.",
    )
    holdout: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Newest share of the journal that is not trained on, to measure the model.",
    )
    holdout_steps: int = Field(
        default=2000, ge=0, description="Upper bound of the holdout, in steps."
    )
    threads: int = Field(default=1, ge=1, le=256, description="CPU threads of the trainer.")
    model_lr: float = Field(
        default=1e-3, gt=0, le=1, description="Learning rate of the world model."
    )
    policy_lr: float = Field(
        default=3e-4,
        gt=0,
        le=1,
        description="Learning rate of the policy. Keep it below value_lr: a faster policy follows "
        "errors of the value.",
    )
    value_lr: float = Field(
        default=3e-4, gt=0, le=1, description="Learning rate of the value function."
    )
    optimizer: Literal["adam", "laprop"] = Field(
        default="adam", description="Optimiser: adam, or laprop (DreamerV3)."
    )
    warmup: int = Field(
        default=0, ge=0, description="Updates during which the learning rates rise from 0."
    )
    clip: float = Field(
        default=100.0,
        gt=0,
        le=1e9,
        description="Largest global norm of an optimiser's gradient; a larger gradient is scaled "
        "down.",
    )
    agc: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="Adaptive clipping: largest norm of a tensor's gradient, as a share of the "
        "tensor's norm (DreamerV3: 0.3). `0`: off. Optimizer laprop only.",
    )
    reconstruction: float = Field(
        default=0.5,
        ge=0,
        le=1e4,
        description="Weight of the squared error of image, vector and sound (DreamerV3: 1).",
    )
    precision: float = Field(
        default=100.0,
        gt=0,
        le=1e6,
        description="Factor of the vector's squared error, relative to the image's. At 1 "
        "(DreamerV3) the model neglects small numbers, such as head-pats.",
    )
    overshoot: float = Field(
        default=0.0,
        ge=0,
        le=1e4,
        description="Weight of observation overshooting (PlaNet): f predicts vector, reward and "
        "continue up to overshoot_steps ahead, with the recorded actions. `0`: off.",
    )
    overshoot_steps: int = Field(
        default=5,
        ge=1,
        le=500,
        description="Steps that observation overshooting predicts; fewer than trainer.length.",
    )
    kl_dynamics: float = Field(
        default=1.0,
        ge=0,
        le=1e4,
        description="Weight of KL(sg posterior || prior), which trains the prediction.",
    )
    kl_representation: float = Field(
        default=0.1,
        ge=0,
        le=1e4,
        description="Weight of KL(posterior || sg prior), which makes states predictable.",
    )
    free_nats: float = Field(
        default=1.0,
        ge=0,
        le=1e4,
        description="KL below this value gives no gradient, in nats. Use 0 in worlds whose "
        "observation is a few numbers.",
    )
    patience: int = Field(
        default=20,
        ge=1,
        description="Consecutive updates skipped for a gradient that is not finite. After so many, "
        "the last good checkpoint is restored.",
    )
    publish_updates: int = Field(
        default=10,
        ge=1,
        description="Updates between two published versions of the weights.",
    )
    checkpoint_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds between checkpoints, in a live run and in training from sessions.",
    )
    checkpoint_steps: int = Field(
        default=2000, ge=1, description="Environment steps between checkpoints, in lockstep."
    )
    checkpoint_keep: int = Field(
        default=3, ge=1, description="Number of checkpoints on disk; older ones are deleted."
    )
    view_s: float = Field(
        default=4.0,
        gt=0,
        description="Seconds between two pictures of a dream (view.png) and measurements of the "
        "return gap.",
    )
