"""The dream picture shows frames, and contacts and rays of the same Steps."""

import numpy as np
import torch

from configs.load import load_config
from interfaces.core.sense_map import sense_map
from interfaces.core.sense_picture import draw_senses
from interfaces.core.spaces import Spaces
from tests.conftest import ROOT
from tests.trainer.batches import random_batch
from trainer.learners.registry import make_learner
from trainer.running.dream_picture import PICTURE_STEPS, draw_dream_picture

SENSES = ("world.contacts.mode=on", "world.rays={mode: on, players: {count: 3}}")


def picture_of(*overrides, shows=True, image=True):
    """The picture of a random window, and the window's vectors with the map of its senses."""
    config = load_config(ROOT / "configs" / "tiny.yaml", [*SENSES, *overrides])
    world = config.world
    size = (world.camera.height, world.camera.width, 3) if image else (0, 0, 3)
    spaces = Spaces(size, (*world.parameters, *world.sense_features), world.actions)
    learner = make_learner(spaces, config, torch.device("cpu"))
    window = random_batch(spaces, (1, PICTURE_STEPS), (0, 3), 1)
    senses = sense_map(world, spaces.features)
    words = [senses] if shows else []
    picture = draw_dream_picture(
        learner.networks, window, spaces.num_actions, learner.noise, "a dream", *words
    )
    return picture, window.vector[0].numpy(), senses


def tiles_in(picture, tile):
    """How often this RGB tile is in a BGR picture, counted in steps of one pixel downwards."""
    bgr, (height, width, _) = tile[..., ::-1], tile.shape
    column = picture[:, 12 : 12 + width]
    return sum((column[y : y + height] == bgr).all() for y in range(len(picture) - height))


def test_contacts_and_rays_are_below_the_frames_of_the_same_steps():
    plain, _, _ = picture_of(shows=False)
    picture, vectors, senses = picture_of()
    assert picture.shape[1] == plain.shape[1]
    assert picture.shape[0] > 1.5 * plain.shape[0], "a row of senses for each row of frames"
    recorded = draw_senses(senses.readings(vectors[0]), 96)
    assert tiles_in(picture, recorded) == 1


def test_without_a_camera_the_senses_are_shown_alone():
    picture, vectors, senses = picture_of(image=False)
    assert tiles_in(picture, draw_senses(senses.readings(vectors[0]), 96)) == 1
    assert picture.shape[0] == picture_of(shows=False)[0].shape[0]
    assert np.ptp(picture) > 0
