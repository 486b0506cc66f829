"""Learning methods, and the settings of those that are not Dreamer."""

from typing import Literal

from pydantic import Field

from configs.strict import StrictModel

Method = Literal["dreamer", "world_models", "ppo"]


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
    lr: float = Field(default=3e-4, gt=0, le=1, description="Learning rate of all networks.")


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
