"""Method world_models: its settings and capabilities."""

from typing import Any, Literal

from pydantic import Field

from configs.methods.dreamer_method import DREAMER_SETTINGS
from configs.methods.method import LearningMethod
from configs.strict import StrictModel


class WorldModelsConfig(StrictModel):
    """World Models (Ha & Schmidhuber 2018): VAE, MDN-RNN, and a controller by CMA-ES in dreams."""

    latent: int = Field(
        default=32, ge=1, le=1024, description="Size of z, the output of the autoencoder."
    )
    hidden: int = Field(default=128, ge=4, le=8192, description="Units of the LSTM.")
    mixtures: int = Field(
        default=5, ge=1, le=64, description="Gaussians in the mixture that predicts the next z."
    )
    temperature: float = Field(
        default=1.0,
        gt=0,
        le=10,
        description="Temperature tau of dreams. Above 1 they are more random and harder to "
        "exploit.",
    )
    kl: float = Field(
        default=1.0,
        ge=0,
        le=1e4,
        description="Weight of the autoencoder's KL to N(0, 1).",
    )
    controller: Literal["z", "zh", "zhc"] = Field(
        default="zh",
        description="Inputs of the linear controller: z, and h and c of the LSTM.",
    )
    fit: int = Field(
        default=250, ge=1, description="Updates of the model before each search by CMA-ES."
    )
    population: int = Field(default=32, ge=4, le=4096, description="Controllers per generation.")
    generations: int = Field(default=20, ge=1, description="Generations of a search.")
    dreams: int = Field(
        default=16,
        ge=1,
        le=4096,
        description="Dreams that score each controller. More: less noise, but a slower search.",
    )
    dream_steps: int = Field(
        default=200, ge=1, le=10000, description="Largest number of steps of a dream."
    )
    sigma: float = Field(
        default=0.5, gt=0, le=10, description="Initial standard deviation of CMA-ES."
    )
    explore: float = Field(
        default=0.3,
        gt=0.1,
        lt=1,
        description="Standard deviation of an axis while acting, after the first search. Larger "
        "explores more.",
    )


def _check(config: Any) -> None:
    if config.actor.layers != 0:
        raise ValueError("actor.layers: method world_models has a linear controller, 0 layers")


WORLD_MODELS = LearningMethod(
    name="world_models",
    learner="trainer.learners.world_models:WorldModelsLearner",
    has_world_model=True,
    off_policy=True,
    settings=WorldModelsConfig,
    dynamics="agent.networks.mdn_rnn:MdnDynamics",
    decoder="agent.networks.mdn_rnn:LatentDecoder",
    needs={"model.core": "lstm", "actor.gradient": "none"},
    defaults={"model.core": "lstm", "actor.gradient": "none", "actor.layers": 0},
    ignores=DREAMER_SETTINGS,
    notes={
        "model.core": "The sizes of lstm are in world_models.*.",
        "trainer.publish_updates": "Method world_models publishes after each search.",
    },
    check=_check,
)
