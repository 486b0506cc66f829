"""The one-step prediction error, against the same numbers computed with NumPy."""

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.noise import TorchNoise
from tests.trainer.batches import random_batch, spaces_of
from trainer.data.batch import Batch
from trainer.evaluation.prediction_error import prediction_psnr

WINDOWS, LENGTH, BURN_IN = 3, 9, 5


def windows(spaces, seed):
    return random_batch(spaces, (WINDOWS, LENGTH), (0, 7), seed)


@pytest.fixture
def measure(tiny):
    """The spaces, and prediction_psnr of untrained networks."""
    spaces = spaces_of(tiny)
    networks, noise = build_networks(spaces, tiny), TorchNoise(torch.device("cpu"))
    noise.begin(1, 1)

    def measured(held_out, trained):
        return prediction_psnr(networks, held_out, trained, spaces.num_actions, noise)

    return spaces, measured


def psnr(error):
    return -10 * np.log10(np.mean(np.square(error)))


def test_baselines_predict_the_last_frame_and_the_mean_frame(measure):
    spaces, measured = measure
    held_out, trained = windows(spaces, 1), windows(spaces, 2)
    result = measured(held_out, trained)

    frames = held_out.image.numpy() / 255
    counted = ~held_out.is_first[:, BURN_IN:].numpy()
    last = (frames[:, BURN_IN:] - frames[:, BURN_IN - 1 : -1])[counted]
    mean = (frames[:, BURN_IN:] - (trained.image.numpy() / 255).mean((0, 1)))[counted]
    assert result.last_frame == pytest.approx(psnr(last), abs=1e-3)
    assert result.mean_frame == pytest.approx(psnr(mean), abs=1e-3)
    assert result.model < result.mean_frame + 0.5  # untrained, and the frames are random


def test_prediction_does_not_depend_on_the_predicted_frame(measure):
    """The predicted frame is a flat grey c, and the prediction g must not depend on it.

    Then the squared error e(c) is a parabola of curvature 2: e(0) + e(1) - 2 e(1/2) = 1/2 for
    every g.
    """
    spaces, measured = measure
    held_out, trained = windows(spaces, 1), windows(spaces, 2)
    held_out = Batch(*(None if part is None else part[:, : BURN_IN + 1] for part in held_out))

    def squared_error(grey):
        held_out.image[:, -1] = grey
        return 10 ** (-measured(held_out, trained).model / 10)

    curvature = squared_error(0) + squared_error(255) - 2 * squared_error(127)
    half = 127 / 255
    assert curvature == pytest.approx(1 - 2 * half**2, abs=0.01)


def test_there_is_no_result_if_every_step_is_a_first_step(measure):
    spaces, measured = measure
    held_out = windows(spaces, 1)
    held_out.is_first[:] = True
    assert measured(held_out, windows(spaces, 2)) is None
