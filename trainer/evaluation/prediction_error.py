"""The prediction error of the world model: one step ahead on held-out Steps, as PSNR.

Shapes: B windows, T steps, A actions.
"""

import math
from dataclasses import dataclass

import torch

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import Noise
from agent.networks.observing import previous_action
from agent.networks.patch_codec import to_patches
from trainer.data.batch import Batch
from trainer.objectives.filtering import filter_batch

_BURN_IN = 5  # steps that only initialise the recurrent state


@dataclass(frozen=True)
class PredictionPsnr:
    """Peak signal-to-noise ratios in dB of predictions of the next frame.

    `model`: the world model predicts it from the previous latent state and the action.
    `last_frame`: the previous frame is the prediction.
    `mean_frame`: the mean of the training frames is the prediction.
    """

    model: float
    last_frame: float
    mean_frame: float


@torch.no_grad()
def prediction_psnr(
    networks: Networks, held_out: Batch, trained: Batch, num_actions: int, noise: Noise
) -> PredictionPsnr | None:
    """Measures the prediction on `held_out` (B, T), which must not be used for training.

    `trained`: the training windows for the mean frame. First Steps and excluded Steps do not count;
    None if no Step counts.
    """
    batch, action = held_out, previous_action(held_out.vector, num_actions)
    patches = to_patches(batch.image)
    observed = filter_batch(networks, batch, noise, patches=patches)
    before = LatentState(*(part[:, _BURN_IN - 1 : -1] for part in observed.state))
    expected = networks.dynamics.predict_step(before, action[:, _BURN_IN:])
    truth, last = patches[:, _BURN_IN:], patches[:, _BURN_IN - 1 : -1]
    mean = to_patches(trained.image).mean((0, 1))
    counted = ~batch.is_first[:, _BURN_IN:]
    if batch.loss_mask is not None:
        counted = counted & batch.loss_mask[:, _BURN_IN:]
    if not counted.any():
        return None
    predicted = networks.decoder(expected.feature).patches.clamp(-0.5, 0.5)
    return PredictionPsnr(
        *(
            _psnr((prediction - truth).square().mean((-3, -2, -1))[counted])
            for prediction in (predicted, last, mean)
        )
    )


def _psnr(squared_error: torch.Tensor) -> float:
    """PSNR in dB from the mean squared error of each frame; pixel values span 1."""
    return -10.0 * math.log10(max(float(squared_error.mean()), 1e-10))
