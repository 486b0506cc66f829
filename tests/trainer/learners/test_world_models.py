"""World Models: the controller as a vector, evolution lived again, dreams; and it learns."""

import numpy as np
import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import State
from agent.networks.noise import TorchNoise
from configs.load import ConfigError, load_config
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from tests.trainer.learners.test_learning import best_return
from tests.worlds import PointWorld
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.prediction_error import prediction_psnr
from trainer.learners.evolution.cma_es import Evolution
from trainer.learners.evolution.controller import Controller
from trainer.learners.evolution.imagined_trials import dreamed_scores
from trainer.learners.learner import make_learner
from trainer.learners.world_models import world_models_loss
from trainer.running.checkpoints import (
    Checkpoint,
    CheckpointError,
    Checkpoints,
    learner_tensors,
    mend,
    restore_learner,
)
from trainer.running.dream_picture import VIEW_LENGTH, draw_view
from trainer.running.lockstep import Lockstep

CPU = torch.device("cpu")
SMALL = [
    "method=world_models",
    "world_models={hidden: 8, latent: 3, mixtures: 2, population: 6, generations: 3, dreams: 4, "
    "dream_steps: 7, fit: 2}",
]


@pytest.fixture
def config():
    actions = "world.actions=[{name: Vertical}, {name: Jump, kind: press}]"
    return load_config(ROOT / "tests" / "point.yaml", [*SMALL, actions])


def noise(seed=0):
    made = TorchNoise(CPU)
    made.begin(seed, 0)
    return made


def batch_of(config, seed):
    batch = random_batch(spaces_of(config), (8, 16), (0, 3), seed)
    return batch._replace(image=torch.zeros(8, 16, 0, 0, 3, dtype=torch.uint8))


def learner_of(config):
    spaces = spaces_of(config)
    return make_learner(type(spaces)((0, 0, 3), spaces.features, spaces.actions), config, CPU)


# --- the controller


@pytest.mark.parametrize(("reads", "count"), [("z", 3), ("zh", 11), ("zhc", 19)])
def test_a_flat_controller_acts_as_the_policy_it_is_written_into(config, reads, count):
    own = config.world_models.model_copy(update={"controller": reads})
    networks, controller = build_networks(spaces_of(config), config), Controller(own, 2)
    assert controller.size == 2 * (count + 1)
    flat = torch.randn(3, controller.size)
    feature = torch.randn(3, 5, networks.dynamics.feature_size)
    together = networks.policy.likeliest(controller.intend(flat, feature))
    for i in range(3):
        controller.write(networks.policy, flat[i], explores=True)
        assert torch.equal(controller.read(networks.policy), flat[i])
        torch.testing.assert_close(networks.policy.mode(feature[i]), together[i])
    moved = feature.clone()
    moved[..., : 16 if reads == "z" else 0] += 1.0  # h and c, which a z controller does not read
    torch.testing.assert_close(networks.policy.mode(moved), networks.policy.mode(feature))


def test_exploration_has_the_spread_it_was_given(config):
    networks = build_networks(spaces_of(config), config)
    controller = Controller(config.world_models, 2)
    controller.write(networks.policy, torch.zeros(controller.size), explores=True)
    features = torch.zeros(20_000, networks.dynamics.feature_size)
    chosen = networks.policy.sample(features, noise()).chosen.detach()
    assert float(chosen[:, 0].std()) == pytest.approx(config.world_models.explore, rel=0.03)
    assert float(chosen[:, 1].mean()) == pytest.approx(0.5, abs=0.02)


# --- evolution


def score(candidates):
    return -(candidates - 1.0).square().sum(1)


def evolved(evolution, generations):
    for _ in range(generations):
        evolution.tell(score(evolution.ask()))
        if evolution.generation == len(evolution.scores):
            evolution.end()
    return evolution


def test_it_climbs_and_is_the_same_again(config):
    one, two = (evolved(Evolution(config.world_models, 5, seed=1), 40) for _ in range(2))
    assert torch.equal(one.ask(), two.ask())
    assert not torch.equal(one.ask(), evolved(Evolution(config.world_models, 5, 2), 40).ask())
    assert float(score(one.best[None])) > -0.5 > float(score(torch.zeros(1, 5)))


@pytest.mark.parametrize("generations", [0, 1, 2, 3, 5])
def test_from_what_is_kept_it_goes_on_exactly(config, generations):
    went_on = evolved(Evolution(config.world_models, 5, 1), generations)
    anew = Evolution(config.world_models, 5, 1)
    evolved(anew, 1)  # it has a past of its own, which must not show
    for name, tensor in anew.kept.items():
        tensor.copy_(went_on.kept[name])
    for _ in range(4):
        asked = went_on.ask()
        assert torch.equal(asked, anew.ask())
        evolved_scores = score(asked)
        for each in (went_on, anew):
            each.tell(evolved_scores)
            if each.generation == len(each.scores):
                each.end()
        assert torch.equal(went_on.best, anew.best)


def test_scores_that_are_not_numbers_are_the_worst(config):
    broken, whole = (Evolution(config.world_models, 5, 1) for _ in range(2))
    scores = score(broken.ask())
    lowest = scores.clone()
    lowest[2] = scores.min()
    scores[2] = torch.nan
    whole.ask()
    lowest[2] = torch.cat([scores[:2], scores[3:]]).min()
    broken.tell(scores)
    whole.tell(lowest)
    assert torch.equal(broken.ask(), whole.ask())
    assert torch.isfinite(broken.best).all()


# --- dreams


def dream(config, candidates, steps=6, **more):
    networks = build_networks(spaces_of(config), config)
    with torch.no_grad():
        networks.reward.net[-1].bias.fill_(1.0)
        networks.continues[-1].weight.zero_()
        networks.continues[-1].bias.fill_(float(np.log(0.8 / 0.2)))
    controller = Controller(config.world_models, 2)
    flat = torch.randn(candidates, controller.size, generator=torch.Generator().manual_seed(1))
    start = State(torch.randn(4, 16), torch.randn(4, 3))
    found = dreamed_scores(networks, controller, flat, start, steps, config, noise(), **more)
    return found


def test_a_score_is_rewards_discounted_and_weighted_by_life(config):
    expected = sum((config.dream.discount * 0.8) ** t for t in range(6))
    torch.testing.assert_close(dream(config, 3), torch.full((3, 4), expected))
    torch.testing.assert_close(
        dream(config, 3, discount=1.0), torch.full((3, 4), sum(0.8**t for t in range(6)))
    )


def test_candidates_meet_the_same_luck(config):
    networks = build_networks(spaces_of(config), config)
    with torch.no_grad():
        torch.nn.init.normal_(networks.reward.net[-1].weight)
    controller = Controller(config.world_models, 2)
    flat = torch.randn(1, controller.size).repeat(3, 1)
    flat[2] *= -1.0
    start = State(torch.randn(4, 16), torch.randn(4, 3))
    found = dreamed_scores(networks, controller, flat, start, 7, config, noise())
    torch.testing.assert_close(found[0], found[1])
    assert not torch.allclose(found[0], found[2])


# --- what is learned


def test_the_cell_is_the_lstm_that_torch_has(config):
    """Their gates stand in the order enter, keep, candidate, show."""
    dynamics = build_networks(spaces_of(config), config).dynamics
    told, (hidden, cell) = torch.randn(5, 3 + 2), torch.randn(2, 5, 8)
    theirs = torch.nn.LSTMCell(3 + 2, 8)
    with torch.no_grad():
        theirs.weight_ih.copy_(dynamics.from_input.weight)
        theirs.bias_ih.copy_(dynamics.from_input.bias)
        theirs.weight_hh.copy_(dynamics.from_hidden.weight)
        theirs.bias_hh.zero_()
        found = dynamics._cell(dynamics.from_input(told), torch.cat([hidden, cell], -1))
        torch.testing.assert_close(found, torch.cat(theirs(told, (hidden, cell)), -1))


@torch.no_grad()
def test_the_loss_term_by_term_against_torch_distributions(config):
    """Of one Step at a time: the mixture, the autoencoder's KL, and what is paid."""
    learner = learner_of(config)
    networks, batch = learner.networks, batch_of(config, 0)
    torch.nn.init.normal_(networks.reward.net[-1].weight)
    found = world_models_loss(networks, batch, 2, config, torch.tensor(1.0), noise())
    observed, own = found.observed, config.world_models
    z = observed.state.stoch
    foretold, standard, reward, alive, felt = (torch.zeros(8, 16) for _ in range(5))
    for b in range(8):
        for t in range(16):
            feature = torch.cat([observed.state.deter[b, t], z[b, t]])
            logits, mean, raw = observed.prior[b, t].split((2, 2 * 3, 2 * 3))
            std = torch.nn.functional.softplus(raw.view(2, 3)) + config.model.min_std
            parts = Independent(Normal(mean.view(2, 3), std), 1)
            mixture = MixtureSameFamily(Categorical(logits=logits), parts)
            mean, raw = observed.posterior[b, t].chunk(2)
            seen = Normal(mean, torch.nn.functional.softplus(raw) + config.model.min_std)
            standard[b, t] = kl_divergence(seen, Normal(0.0, 1.0)).sum()
            alive[b, t] = -Bernoulli(logits=networks.continues(feature)).log_prob(torch.ones(1))
            decoded = networks.decoder(z[b, t]).vector
            wanted = batch.vector[b, t].sign() * batch.vector[b, t].abs().log1p()
            felt[b, t] = (decoded - wanted).square().sum()
            if t and not batch.is_first[b, t]:  # what begins follows on nothing
                foretold[b, t] = mixture.log_prob(z[b, t])
                error = networks.reward(feature) - batch.reward[b, t]
                reward[b, t] = 0.5 * error.square()
    weight = config.trainer.reconstruction * config.trainer.precision
    each = weight * felt + own.kl * standard - foretold + reward + alive
    torch.testing.assert_close(found.total, each.mean())
    torch.testing.assert_close(found.terms["loss_kl"], standard.mean())


# --- the learner


def test_a_checkpoint_of_another_population_is_refused_with_a_hint(config, tmp_path):
    learner = learner_of(config)
    saved = Checkpoint(learner_tensors(learner), 0, learner.updates, 1)
    larger = config.world_models.model_copy(update={"population": 7})
    other = learner_of(config.model_copy(update={"world_models": larger}))
    with pytest.raises(CheckpointError, match=r"world_models.*evolution/scores is \[3, 6\] there"):
        restore_learner(other, saved)


def test_what_acts_changes_only_when_a_controller_was_evolved(config):
    learner = learner_of(config)
    before = {k: v.clone() for k, v in learner.networks.state_dict().items()}
    for i in range(4):  # fit, fit, and two of three generations
        learner.update(batch_of(config, i))
        assert all(torch.equal(v, before[k]) for k, v in learner.networks.state_dict().items())
    metrics = learner.update(batch_of(config, 4))
    assert learner.updates % learner.publish_updates == 0
    assert float(learner.controller.read(learner.networks.policy).abs().sum()) > 0
    assert not torch.equal(
        learner.networks.dynamics.from_input.weight, before["dynamics.from_input.weight"]
    )
    assert all(torch.isfinite(value).all() for value in metrics.values())


def test_a_checkpoint_of_the_midst_that_comes_back_leaves_no_half_evolution(config, tmp_path):
    """Two fits and three generations are a turn: 4 is in the midst of one, 6 among the fits."""
    learner, checkpoints = learner_of(config), Checkpoints(tmp_path, keep=1)
    for i in range(6):
        learner.update(batch_of(config, i))
        if i == 3:
            checkpoints.save(Checkpoint(learner_tensors(learner), 100, learner.updates, 1))
    mend(learner, checkpoints)
    assert learner.updates == 6
    for i in range(6, 10):  # a fit, and a whole evolution
        learner.update(batch_of(config, i))
    assert learner.kept["evolution/scores"].isnan().all()


def test_pictures_are_learned_from_drawn_and_measured():
    config = load_config(ROOT / "configs" / "tiny.yaml", SMALL)
    spaces = spaces_of(config)
    learner = make_learner(spaces, config, CPU)
    for i in range(5):
        metrics = learner.update(random_batch(spaces, (4, 8), (0, 3), i))
        assert all(torch.isfinite(value).all() for value in metrics.values())
    window = random_batch(spaces, (1, VIEW_LENGTH), (0, 3), 1)
    picture = draw_view(learner.networks, window, spaces.num_actions, learner.noise, "a dream")
    assert picture.std() > 0
    psnr = prediction_psnr(learner.networks, window, window, spaces.num_actions, learner.noise)
    assert np.isfinite(psnr.model)


@pytest.mark.parametrize("updates", [1, 3, 4, 6])
def test_a_restored_learner_learns_on_exactly(config, tmp_path, updates):
    whole = learner_of(config)
    for i in range(updates):
        whole.update(batch_of(config, i))
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(Checkpoint(learner_tensors(whole), 100, whole.updates, 1))
    other = learner_of(config)
    other.update(batch_of(config, 77))  # another past
    restore_learner(other, checkpoints.newest())
    for i in range(updates, updates + 6):
        for each in (whole, other):
            each.update(batch_of(config, i))
    ours, theirs = learner_tensors(whole), learner_tensors(other)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor.nan_to_num(), theirs[name].nan_to_num()), name


# --- the schema


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
def test_what_evolution_cannot_use_is_refused_by_its_key(override, named):
    with pytest.raises(ConfigError, match=named):
        load_config(ROOT / "tests" / "point.yaml", [*SMALL, override])


@pytest.mark.parametrize("override", ["model.core=lstm", "actor.gradient=none"])
def test_what_belongs_to_it_is_refused_elsewhere(override):
    with pytest.raises(ConfigError, match=override.split("=")[0]):
        load_config(ROOT / "tests" / "point.yaml", [override])


# --- it learns

BUDGET = 700
LEARNS = [
    "method=world_models",
    "world_models={hidden: 16, latent: 4, population: 12, generations: 10, dreams: 16, "
    "dream_steps: 15, fit: 200, explore: 0.5, controller: z}",
    "trainer={train_ratio: 128, model_lr: 0.003, reconstruction: 2000.0, batch: 8, length: 16, "
    "recent: 0.5}",
    "model={min_std: 0.003, units: 32}",
]


def test_goes_three_quarters_of_the_way_from_random_to_the_optimum(tmp_path):
    config = load_config(ROOT / "tests" / "point.yaml", LEARNS)
    run = create_run(tmp_path / "point", config, "point", ROOT)
    Lockstep(run, config, [PointWorld(config, 0)]).run(BUDGET, lambda _: None, lambda: False)
    make = lambda seed: PointWorld(config, seed)  # noqa: E731
    trained, floor = (
        evaluate(run, config, make, which=which, episodes=10, seed=100).return_mean
        for which in ("greedy", "random")
    )
    optimum = np.mean([best_return(config, 100 + i) for i in range(10)])
    print(f"trained {trained:.2f} random {floor:.2f} best {optimum:.2f}")
    assert trained >= floor + 0.75 * (optimum - floor)
