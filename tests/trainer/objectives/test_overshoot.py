"""What f foretells several steps ahead, against the same worked out one state at a time."""

import pytest
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import State
from agent.networks.patch_codec import to_patches
from configs.explain import ConfigError
from configs.load import load_config
from tests.conftest import ROOT
from tests.trainer.batches import random_batch, spaces_of
from trainer.objectives.losses import continue_loss, model_loss, overshoot_loss, previous_action

SIZE, LENGTH, STEPS = 3, 8, 3


class Silence:
    """No noise at all: every sample is the mean."""

    def normal(self, shape):
        return torch.zeros(tuple(shape))

    def uniform(self, shape):
        return torch.full(tuple(shape), 0.5)


@pytest.fixture(params=["patches", "conv"])
def config(request):
    words = [f"trainer.overshoot_steps={STEPS}", f"model.codec={request.param}"]
    return load_config(ROOT / "configs" / "tiny.yaml", [*words, "trainer.overshoot=1.0"])


@pytest.fixture
def made(config):
    networks = build_networks(spaces_of(config), config)
    with torch.no_grad():  # a zero-initialised head would foretell the same from every state
        for head in (networks.reward.net, networks.continues):
            torch.nn.init.normal_(head[-1].weight, std=0.5)
    batch = random_batch(spaces_of(config), (SIZE, LENGTH), (0, 4), 0)
    batch.is_terminal[0, 3] = batch.is_terminal[2, 6] = True
    networks.encoder.felt.measure(3.0 * batch.vector + 1.0)  # what is felt has a spread of its own
    return networks, batch._replace(reward=torch.randn(SIZE, LENGTH))


def filtered(networks, batch, config):
    return networks.dynamics.observe(
        networks.encoder(to_patches(batch.image), batch.vector),
        previous_action(batch.vector, spaces_of(config).num_actions),
        batch.is_first,
        networks.dynamics.initial(SIZE),
        Silence(),
    ).state


def ahead(networks, batch, config):
    state, actions = filtered(networks, batch, config), spaces_of(config).num_actions
    return overshoot_loss(networks, batch, state, batch.reward, actions, config, Silence())


@torch.no_grad()
def one_at_a_time(networks, batch, config):
    state, actions = filtered(networks, batch, config), spaces_of(config).num_actions
    total, felt_weight = 0.0, config.trainer.reconstruction * config.trainer.precision
    for row in range(SIZE):
        for start in range(LENGTH - STEPS):
            now = State(state.deter[row, start][None], state.stoch[row, start][None])
            for t in range(start + 1, start + STEPS + 1):
                if batch.is_first[row, t]:
                    break
                action = batch.vector[row, t, -actions:][None]
                now = networks.dynamics.imagine_step(now, action, Silence())
                if batch.learned is not None and not batch.learned[row, t]:
                    continue
                feature = now.feature
                felt = networks.decoder(feature).vector[0] - networks.encoder.felt(
                    batch.vector[row, t]
                )
                total += felt_weight * float(felt.square().sum())
                total += 0.5 * float((networks.reward(feature)[0] - batch.reward[row, t]) ** 2)
                alive = networks.continues(feature).squeeze(-1)
                total += float(continue_loss(alive, batch.is_terminal[row, t][None], config.dream))
    return total / (SIZE * (LENGTH - STEPS) * STEPS)


def test_it_is_what_each_state_foretells_alone(made, config):
    networks, batch = made
    assert batch.is_first[:, 1:].any()  # a life ends amid these windows
    assert ahead(networks, batch, config).item() == pytest.approx(
        one_at_a_time(networks, batch, config), rel=1e-4
    )


def test_what_is_only_remembered_costs_nothing(made, config):
    networks, batch = made
    learned = torch.ones(SIZE, LENGTH, dtype=torch.bool)
    learned[:, 3:5] = False
    batch = batch._replace(learned=learned)
    assert ahead(networks, batch, config).item() == pytest.approx(
        one_at_a_time(networks, batch, config), rel=1e-4
    )
    otherwise = batch._replace(reward=torch.where(learned, batch.reward, 1e6))
    assert ahead(networks, otherwise, config) == ahead(networks, batch, config)


def test_it_teaches_the_dynamics_and_what_reads_them(made, config):
    networks, batch = made
    ahead(networks, batch, config).backward()
    taught = (networks.dynamics.prior_net, networks.dynamics.core, networks.reward)
    for module in (*taught, networks.continues, networks.encoder):
        assert sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None) > 0


def test_its_weight_is_what_the_loss_has_more(made, config):
    networks, batch = made
    actions, scale = spaces_of(config).num_actions, torch.tensor(1.0)

    def loss(weight):
        trainer = config.trainer.model_copy(update={"overshoot": weight})
        weighed = config.model_copy(update={"trainer": trainer})
        return model_loss(networks, batch, actions, weighed, scale, Silence())

    without, twice = loss(0.0), loss(2.0)
    assert "loss_overshoot" not in without.terms
    state, paid = twice.observed.state, twice.paid
    assert not torch.equal(paid, batch.reward)  # curiosity is paid as well
    alone = overshoot_loss(networks, batch, state, paid, actions, config, Silence())
    assert twice.terms["loss_overshoot"] == alone
    assert (twice.total - without.total).item() == pytest.approx(2.0 * alone.item(), rel=1e-3)
    weights = list(networks.dynamics.posterior_out.parameters())  # reached through the state
    more = torch.autograd.grad(twice.total - without.total, weights, retain_graph=True)
    for found, wanted in zip(more, torch.autograd.grad(2.0 * alone, weights), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-2)


def test_steps_that_no_window_holds_are_refused_where_they_are_taken():
    short = ["trainer.overshoot_steps=8", "trainer.length=8"]
    tiny = ROOT / "configs" / "tiny.yaml"
    with pytest.raises(ConfigError, match=r"trainer\.overshoot_steps 8.*trainer\.length 8"):
        load_config(tiny, ["trainer.overshoot=1.0", *short])
    load_config(tiny, ["trainer.overshoot=0", *short])
    without = ["method=ppo", "model.core=none", "reward.surprise=0", "trainer.overshoot=1.0"]
    load_config(tiny, [*without, *short])
