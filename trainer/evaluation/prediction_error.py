"""Does the dream resemble the world? One-step prediction on held-out Steps, in PSNR."""

import math
from dataclasses import dataclass

import torch

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import State
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_patches
from trainer.objectives.losses import Batch, previous_action

_BURN_IN = 5  # steps that only fill the recurrent state


@dataclass(frozen=True)
class PredictionPsnr:
    """Peak signal-to-noise ratio in dB of the next frame, as predicted by the model from the state
    before it and the action, by repeating the last frame, and by the mean frame of training."""

    model: float
    last_frame: float
    mean_frame: float


@torch.no_grad()
def prediction_psnr(
    networks: Networks, held_out: Batch, trained: Batch, num_actions: int, noise: Noise
) -> PredictionPsnr | None:
    """held_out (B, T) was never trained on; `trained` gives the mean frame. None where every frame
    held out begins something new: nothing could foretell it."""
    batch, action = held_out, previous_action(held_out.vector, num_actions)
    patches = to_patches(batch.image)
    observed = networks.dynamics.observe(
        networks.encoder(patches, batch.vector, batch.sound),
        action,
        batch.is_first,
        networks.dynamics.initial(batch.vector.shape[0], batch.vector.device),
        noise,
    )
    before = State(*(part[:, _BURN_IN - 1 : -1] for part in observed.state))
    expected = networks.dynamics.expect_step(before, action[:, _BURN_IN:])
    truth, last = patches[:, _BURN_IN:], patches[:, _BURN_IN - 1 : -1]
    mean = to_patches(trained.image).mean((0, 1))
    counted = ~batch.is_first[:, _BURN_IN:]
    if batch.learned is not None:
        counted = counted & batch.learned[:, _BURN_IN:]
    if not counted.any():
        return None
    predicted = networks.decoder(expected.feature).patches.clamp(-0.5, 0.5)
    return PredictionPsnr(
        *(
            _psnr((guess - truth).square().mean((-3, -2, -1))[counted])
            for guess in (predicted, last, mean)
        )
    )


def _psnr(squared_error: torch.Tensor) -> float:
    """Of the mean squared error over all frames; pictures span 1."""
    return -10.0 * math.log10(max(float(squared_error.mean()), 1e-10))
