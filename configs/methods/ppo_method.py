"""Method ppo: its settings and capabilities."""

from typing import Any

from pydantic import Field

from configs.methods.dreamer_method import DREAMER_SETTINGS
from configs.methods.method import LearningMethod
from configs.strict import StrictModel


class PPOConfig(StrictModel):
    """Proximal policy optimisation (Schulman 2017), the model-free baseline."""

    rollout: int = Field(
        default=1024,
        ge=2,
        le=10**6,
        description="Steps of the current weights for each update. More: steadier updates, but the "
        "first one comes later.",
    )
    epochs: int = Field(default=10, ge=1, le=100, description="Passes over each rollout.")
    minibatch: int = Field(
        default=64, ge=2, le=65536, description="Smallest number of steps in a minibatch."
    )
    clip: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="Largest distance of the probability ratio from 1. Smaller changes the policy "
        "more slowly.",
    )
    discount: float = Field(default=0.99, gt=0, le=1, description="Discount per step.")
    lam: float = Field(default=0.95, ge=0, le=1, description="Lambda of GAE.")
    entropy: float = Field(
        default=0.0, ge=0, le=10, description="Weight of the entropy. Larger explores more."
    )
    value_weight: float = Field(
        default=1.0, ge=0, le=100, description="Weight of the value loss (half the squared error)."
    )
    normalize_value: bool = Field(
        default=False,
        description="Whether the value tracks mean and deviation of the returns. Otherwise it "
        "needs many updates to reach large returns. Preset ppo has true; false loads older runs.",
    )
    lr: float = Field(default=3e-4, gt=0, le=1, description="Learning rate of all networks.")


def _check(config: Any) -> None:
    ppo: PPOConfig = config.ppo
    if config.journal.max_steps <= ppo.rollout:
        raise ValueError(
            f"journal.max_steps {config.journal.max_steps} is too small for ppo.rollout "
            f"{ppo.rollout}"
        )


PPO = LearningMethod(
    name="ppo",
    learner="trainer.learners.ppo:PPOLearner",
    has_world_model=False,
    off_policy=False,
    settings=PPOConfig,
    adapts_value=lambda config: config.ppo.normalize_value,
    needs={"model.core": "none"},
    ignores=DREAMER_SETTINGS
    | {"actor.gradient", "trainer.train_ratio", "trainer.recent", "trainer.image_shift"}
    | {"trainer.holdout"},
    notes={
        "actor.entropy": "Method ppo uses ppo.entropy.",
        "trainer.publish_updates": "Method ppo publishes after each rollout.",
    },
    check=_check,
    replayed_per_update=lambda config: config.ppo.rollout * config.ppo.epochs,
)
