"""The World Models learner: cycles of fits and generations, checkpoints; and it learns."""

import numpy as np
import pytest
import torch

from configs.load import ConfigError, load_config
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from tests.trainer.learners.test_learning import best_return
from tests.trainer.learners.world_models_case import (
    CPU,
    SMALL,
    batch_of,
    learner_of,
    small_config,
)
from tests.worlds import PointWorld
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.prediction_error import prediction_psnr
from trainer.learners.checkpoints import Checkpoint, CheckpointError, Checkpoints
from trainer.learners.registry import make_learner
from trainer.learners.restore import learner_tensors, restore_last_good, restore_learner
from trainer.running.dream_picture import PICTURE_STEPS, draw_dream_picture
from trainer.running.lockstep import LockstepTrainer


@pytest.fixture
def config():
    """A cycle is two fits and three generations."""
    return small_config()


def test_a_checkpoint_of_another_population_is_refused_and_the_setting_is_named(config):
    learner = learner_of(config)
    saved = Checkpoint(learner_tensors(learner), 0, learner.updates, 1)
    larger = config.world_models.model_copy(update={"population": 7})
    other = learner_of(config.model_copy(update={"world_models": larger}))
    message = r"world_models.*evolution/scores is \[3, 6\] in the checkpoint"
    with pytest.raises(CheckpointError, match=message):
        restore_learner(other, saved)


def test_the_acting_networks_change_only_at_the_end_of_a_cycle(config):
    learner = learner_of(config)
    before = {k: v.clone() for k, v in learner.networks.state_dict().items()}
    for i in range(4):  # two fits, then two of three generations
        learner.update(batch_of(config, i))
        assert all(torch.equal(v, before[k]) for k, v in learner.networks.state_dict().items())
    metrics = learner.update(batch_of(config, 4))
    assert learner.updates % learner.publish_updates == 0
    assert float(learner.controller.read(learner.networks.policy).abs().sum()) > 0
    assert not torch.equal(
        learner.networks.dynamics.from_input.weight, before["dynamics.from_input.weight"]
    )
    assert all(torch.isfinite(value).all() for value in metrics.values())


def test_only_fits_count_against_the_train_ratio(config):
    learner, counts = learner_of(config), []
    for i in range(8):
        learner.update(batch_of(config, i))
        counts.append(learner.counted_updates)
    assert counts == [1, 2, 2, 2, 2, 3, 4, 4]


def test_a_checkpoint_from_within_a_search_leaves_no_scores_behind(config, tmp_path):
    """Update 4 is within a search, update 6 is among the fits of the next cycle."""
    learner, checkpoints = learner_of(config), Checkpoints(tmp_path, keep=1)
    for i in range(6):
        learner.update(batch_of(config, i))
        if i == 3:
            checkpoints.save(Checkpoint(learner_tensors(learner), 100, learner.updates, 1))
    restore_last_good(learner, checkpoints)
    assert learner.updates == 6
    for i in range(6, 10):  # one fit and a whole search
        learner.update(batch_of(config, i))
    assert learner.extra_state["evolution/scores"].isnan().all()


def test_pictures_are_learned_from_drawn_and_measured():
    config = load_config(ROOT / "configs" / "tiny.yaml", SMALL)
    spaces = spaces_of(config)
    learner = make_learner(spaces, config, CPU)
    for i in range(5):
        metrics = learner.update(random_batch(spaces, (4, 8), (0, 3), i))
        assert all(torch.isfinite(value).all() for value in metrics.values())
    window = random_batch(spaces, (1, PICTURE_STEPS), (0, 3), 1)
    picture = draw_dream_picture(
        learner.networks, window, spaces.num_actions, learner.noise, "a dream"
    )
    assert picture.std() > 0
    psnr = prediction_psnr(learner.networks, window, window, spaces.num_actions, learner.noise)
    assert np.isfinite(psnr.model)


@pytest.mark.parametrize("updates", [1, 3, 4, 6])
def test_a_restored_learner_continues_bit_identically(config, tmp_path, updates):
    whole = learner_of(config)
    for i in range(updates):
        whole.update(batch_of(config, i))
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(Checkpoint(learner_tensors(whole), 100, whole.updates, 1))
    other = learner_of(config)
    other.update(batch_of(config, 77))  # its own earlier update must have no influence
    restore_learner(other, checkpoints.newest())
    for i in range(updates, updates + 6):
        for learner in (whole, other):
            learner.update(batch_of(config, i))
    tensors, others = learner_tensors(whole), learner_tensors(other)
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor.nan_to_num(), others[name].nan_to_num()), name


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("actor.gradient=dynamics", "actor.gradient"),
        ("actor.gradient=reinforce", "actor.gradient"),
        ("actor.gradient=mix", "actor.gradient"),
        ("model.core=gru", "model.core"),
        ("actor.layers=2", "actor.layers"),
    ],
)
def test_settings_of_other_methods_are_refused_by_name(override, named):
    with pytest.raises(ConfigError, match=named):
        load_config(ROOT / "tests" / "point.yaml", [*SMALL, override])


@pytest.mark.parametrize("override", ["model.core=lstm", "actor.gradient=none"])
def test_settings_of_world_models_are_refused_for_other_methods(override):
    with pytest.raises(ConfigError, match=override.split("=")[0]):
        load_config(ROOT / "tests" / "point.yaml", [override])


BUDGET = 700
SETTINGS = [
    "method=world_models",
    "world_models={hidden: 16, latent: 4, population: 12, generations: 10, dreams: 16, "
    "dream_steps: 15, fit: 200, explore: 0.5, controller: z}",
    "trainer={train_ratio: 128, model_lr: 0.003, reconstruction: 2000.0, batch: 8, length: 16, "
    "recent: 0.5}",
    "model={min_std: 0.003, units: 32}",
]


def test_the_return_reaches_three_quarters_of_the_way_from_random_to_optimal(tmp_path):
    config = load_config(ROOT / "tests" / "point.yaml", SETTINGS)
    run = create_run(tmp_path / "point", config, "point", ROOT)
    LockstepTrainer(run, config, [PointWorld(config, 0)]).run(BUDGET, lambda _: None, lambda: False)
    make = lambda seed: PointWorld(config, seed)  # noqa: E731
    trained, random = (
        evaluate(run, config, make, policy=policy, episodes=10, seed=100).return_mean
        for policy in ("greedy", "random")
    )
    optimal = np.mean([best_return(config, 100 + i) for i in range(10)])
    print(f"trained {trained:.2f} random {random:.2f} optimal {optimal:.2f}")
    assert trained >= random + 0.75 * (optimal - random)
