"""Method reinforce: its settings and capabilities. This module does not import torch."""

from pydantic import Field

from configs.methods.method import LearningMethod
from configs.strict import StrictModel


class ReinforceConfig(StrictModel):
    """REINFORCE with a learned baseline (Williams 1992)."""

    rollout: int = Field(
        default=400, ge=2, le=10**6, description="Steps of the current weights for each update."
    )
    discount: float = Field(default=0.99, gt=0, le=1, description="Discount per step.")
    entropy: float = Field(
        default=0.01, ge=0, le=10, description="Weight of the entropy. Larger explores more."
    )
    lr: float = Field(default=0.01, gt=0, le=1, description="Learning rate of all networks.")


REINFORCE = LearningMethod(
    name="reinforce",
    learner="reinforce_learner:ReinforceLearner",
    has_world_model=False,
    off_policy=False,
    settings=ReinforceConfig,
    needs={"model.core": "none"},
    replayed_per_update=lambda config: config.section(ReinforceConfig).rollout,
)
