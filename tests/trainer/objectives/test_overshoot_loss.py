"""Observation overshooting, against the same loss computed one state at a time."""

import pytest
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import LatentState
from configs.load import ConfigError, load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.objectives.filtering import filter_batch
from trainer.objectives.model_terms import continue_loss
from trainer.objectives.overshoot_loss import overshoot_loss
from trainer.objectives.world_model_loss import world_model_loss

SIZE, LENGTH, STEPS = 3, 8, 3


class ZeroNoise:
    """No noise: every sample is the mean."""

    def normal(self, shape):
        return torch.zeros(tuple(shape))

    def uniform(self, shape):
        return torch.full(tuple(shape), 0.5)


@pytest.fixture(params=["patches", "conv"])
def config(request):
    overrides = [f"trainer.overshoot_steps={STEPS}", f"model.codec={request.param}"]
    return load_config(ROOT / "configs" / "tiny.yaml", [*overrides, "trainer.overshoot=1.0"])


@pytest.fixture
def case(config):
    networks = build_networks(spaces_of(config), config)
    with torch.no_grad():  # zero heads would predict the same from every state
        for head in (networks.reward.net, networks.continues):
            torch.nn.init.normal_(head[-1].weight, std=0.5)
    batch = random_batch(spaces_of(config), (SIZE, LENGTH), (0, 4), 0)
    batch.is_terminal[0, 3] = batch.is_terminal[2, 6] = True
    # Mean and deviation of the vector that are not 0 and 1.
    networks.encoder.felt.update_moments(3.0 * batch.vector + 1.0)
    return networks, batch._replace(reward=torch.randn(SIZE, LENGTH))


def filtered_states(networks, batch, config):
    return filter_batch(networks, batch, ZeroNoise()).state


def loss_of(networks, batch, config):
    state, actions = filtered_states(networks, batch, config), spaces_of(config).num_actions
    return overshoot_loss(networks, batch, state, batch.reward, actions, config, ZeroNoise())


@torch.no_grad()
def loss_state_by_state(networks, batch, config):
    state, actions = filtered_states(networks, batch, config), spaces_of(config).num_actions
    total, vector_weight = 0.0, config.trainer.reconstruction * config.trainer.precision
    for row in range(SIZE):
        for start in range(LENGTH - STEPS):
            now = LatentState(state.deter[row, start][None], state.stoch[row, start][None])
            for t in range(start + 1, start + STEPS + 1):
                if batch.is_first[row, t]:
                    break
                action = batch.vector[row, t, -actions:][None]
                now = networks.dynamics.imagine_step(now, action, ZeroNoise())
                if batch.loss_mask is not None and not batch.loss_mask[row, t]:
                    continue
                feature = now.feature
                target = networks.encoder.felt(batch.vector[row, t])
                error = networks.decoder(feature).vector[0] - target
                total += vector_weight * float(error.square().sum())
                total += 0.5 * float((networks.reward(feature)[0] - batch.reward[row, t]) ** 2)
                logit = networks.continues(feature).squeeze(-1)
                total += float(continue_loss(logit, batch.is_terminal[row, t][None], config.dream))
    return total / (SIZE * (LENGTH - STEPS) * STEPS)


def test_loss_is_the_mean_over_starts_and_steps(case, config):
    networks, batch = case
    assert batch.is_first[:, 1:].any()  # an episode ends within a window
    assert loss_of(networks, batch, config).item() == pytest.approx(
        loss_state_by_state(networks, batch, config), rel=1e-4
    )


def test_excluded_steps_count_zero(case, config):
    networks, batch = case
    loss_mask = torch.ones(SIZE, LENGTH, dtype=torch.bool)
    loss_mask[:, 3:5] = False
    batch = batch._replace(loss_mask=loss_mask)
    assert loss_of(networks, batch, config).item() == pytest.approx(
        loss_state_by_state(networks, batch, config), rel=1e-4
    )
    other = batch._replace(reward=torch.where(loss_mask, batch.reward, 1e6))
    assert loss_of(networks, other, config) == loss_of(networks, batch, config)


def test_dynamics_heads_and_encoder_get_a_gradient(case, config):
    networks, batch = case
    loss_of(networks, batch, config).backward()
    parts = (networks.dynamics.prior_net, networks.dynamics.core, networks.reward)
    for module in (*parts, networks.continues, networks.encoder):
        assert sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None) > 0


def test_trainer_overshoot_is_the_weight_of_the_loss(case, config):
    networks, batch = case
    actions, scale = spaces_of(config).num_actions, torch.tensor(1.0)

    def loss(weight):
        trainer = config.trainer.model_copy(update={"overshoot": weight})
        weighted = config.model_copy(update={"trainer": trainer})
        return world_model_loss(networks, batch, actions, weighted, scale, ZeroNoise())

    without, doubled = loss(0.0), loss(2.0)
    assert "loss_overshoot" not in without.terms
    state, reward_target = doubled.observed.state, doubled.reward_target
    assert not torch.equal(reward_target, batch.reward)  # it contains curiosity too
    alone = overshoot_loss(networks, batch, state, reward_target, actions, config, ZeroNoise())
    assert doubled.terms["loss_overshoot"] == alone
    assert (doubled.total - without.total).item() == pytest.approx(2.0 * alone.item(), rel=1e-3)
    weights = list(networks.dynamics.posterior_out.parameters())  # reached through the state
    difference = torch.autograd.grad(doubled.total - without.total, weights, retain_graph=True)
    expected = torch.autograd.grad(2.0 * alone, weights)
    for gradient, wanted in zip(difference, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-2)


def test_more_steps_than_a_window_are_refused_only_where_they_are_used():
    short = ["trainer.overshoot_steps=8", "trainer.length=8"]
    tiny = ROOT / "configs" / "tiny.yaml"
    with pytest.raises(ConfigError, match=r"trainer\.overshoot_steps 8.*trainer\.length 8"):
        load_config(tiny, ["trainer.overshoot=1.0", *short])
    load_config(tiny, ["trainer.overshoot=0", *short])
    ppo = ["method=ppo", "model.core=none", "reward.surprise=0", "trainer.overshoot=1.0"]
    load_config(tiny, [*ppo, *short])
