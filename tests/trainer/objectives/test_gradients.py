"""Gradients reach the policy through the dynamics, and stop where they must."""

import pytest
import torch

from agent.networks.agent_networks import build_networks
from agent.networks.dynamics import State
from agent.networks.noise import TorchNoise
from agent.networks.patch_codec import to_patches
from tests.trainer.batches import random_batch, spaces_of
from trainer.learners.dreamer import DreamerLearner, _choose_starts
from trainer.objectives.imagination import frozen, imagine
from trainer.objectives.losses import dream_returns, policy_loss, value_loss


def batch_of(config, spaces, seed=0):
    return random_batch(spaces, (config.trainer.batch, config.trainer.length), (0, 3), seed)


@pytest.fixture(params=["gaussian", "categorical"])
def config(tiny, request):
    return tiny.model_copy(
        update={"model": tiny.model.model_copy(update={"latent": request.param})}
    )


def dream_with(networks, config, horizon=5):
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(1, 1)
    start = networks.dynamics.initial(7)
    start = State(start.deter + 0.1, start.stoch + 0.1)
    return imagine(networks, networks.policy, start, config.dream, noise)


def untouched(module):
    return all(parameter.grad is None for parameter in module.parameters())


def make(config):
    networks = build_networks(spaces_of(config), config)
    with torch.no_grad():  # zero-initialised heads pass no gradient back
        for head in (networks.reward.net, networks.value.net, networks.continues):
            torch.nn.init.normal_(head[-1].weight, std=0.5)
    return networks


def model_parts(networks):
    return (networks.dynamics, networks.reward, networks.continues, networks.value)


def test_policy_learns_through_the_dynamics_and_leaves_nothing_on_the_model(config):
    networks = make(config)
    trained = [p.requires_grad for p in networks.parameters()]
    with frozen(*model_parts(networks)):
        dream = dream_with(networks, config)
        found = dream_returns(networks, dream, config)
    silent = config.actor.model_copy(update={"entropy": 0.0})
    loss = policy_loss(dream, found, torch.tensor(1.0), silent)
    loss.backward()
    reached = [parameter.grad.abs().sum() for parameter in networks.policy.parameters()]
    assert all(torch.isfinite(g) for g in reached)
    assert reached[-2] > 0  # the output layer
    for part in (*model_parts(networks), networks.encoder, networks.decoder):
        assert untouched(part)
    thawed = [p.requires_grad for p in networks.parameters()]
    assert thawed == trained, "frozen for the dream only"


def test_an_early_action_moves_a_late_reward(config):
    """The pathwise gradient crosses all steps of f: only the last reward counts here."""
    networks = make(config)
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(1, 1)
    start = networks.dynamics.initial(7)
    action = torch.zeros(7, 5, requires_grad=True)
    with frozen(*model_parts(networks)):
        state = networks.dynamics.imagine_step(State(start.deter + 0.1, start.stoch), action, noise)
        for _ in range(5):
            state = networks.dynamics.imagine_step(state, torch.zeros(7, 5), noise)
        networks.reward(state.feature).sum().backward()
    assert (action.grad.abs().sum(-1) > 0).all()


def test_value_gradient_stays_in_the_value(config):
    networks = make(config)
    with frozen(*model_parts(networks)):
        dream = dream_with(networks, config)
        found = dream_returns(networks, dream, config)
    value_loss(networks, dream, found, 0.0).backward()
    assert not untouched(networks.value)
    for part in (networks.policy, networks.dynamics, networks.reward, networks.continues):
        assert untouched(part)


def test_one_update_moves_every_network_and_is_repeatable(config):
    spaces = spaces_of(config)
    runs = []
    for _ in range(2):
        learner = DreamerLearner(spaces, config, torch.device("cpu"))
        before = {k: v.clone() for k, v in learner.networks.state_dict().items()}
        metrics = [learner.update(batch_of(config, spaces, seed)) for seed in range(2)]
        after = learner.networks.state_dict()
        moved = {k.split(".")[0] for k in after if not torch.equal(before[k], after[k])}
        parts = {"encoder", "decoder", "dynamics", "policy", "value", "reward", "continues"}
        assert moved == {*parts, "slow_value"}
        runs.append((after, metrics))
    for name, tensor in runs[0][0].items():
        assert torch.equal(tensor, runs[1][0][name]), name
    assert runs[0][1] == runs[1][1]


def test_reset_forgets_what_was_before(config):
    networks = make(config)
    spaces = spaces_of(config)
    batch = batch_of(config, spaces)
    noise = TorchNoise(torch.device("cpu"))
    states = []
    for scale in (0.0, 1.0):
        vector = batch.vector.clone()
        vector[0, :3] *= scale  # another past, before is_first at t = 3
        noise.begin(0, 0)
        observed = networks.dynamics.observe(
            networks.encoder(to_patches(batch.image), vector),
            vector[..., -spaces.num_actions :],
            batch.is_first,
            networks.dynamics.initial(config.trainer.batch),
            noise,
        )
        states.append(observed.state.deter)
    assert not torch.equal(states[0][0, 2], states[1][0, 2])
    assert torch.equal(states[0][0, 3:], states[1][0, 3:])


def test_an_absurd_reward_costs_one_step_and_not_the_mind(config):
    spaces = spaces_of(config)
    learner = DreamerLearner(spaces, config, torch.device("cpu"))
    learner.update(batch_of(config, spaces))
    before = [p.detach().clone() for p in learner.networks.world_model.parameters()]
    good = batch_of(config, spaces, seed=1)
    learner.update(good._replace(reward=good.reward * 1e38))
    assert learner.descent.left_out == 1
    for old, new in zip(before, learner.networks.world_model.parameters(), strict=True):
        assert torch.equal(old, new)
    learner.update(good)
    assert learner.descent.left_out == 1
    assert all(p.isfinite().all() for p in learner.networks.parameters())


def test_an_absurd_feeling_costs_one_step_and_not_the_scales(config):
    model = config.model.model_copy(update={"normalize": False})  # which holds it within bounds
    config = config.model_copy(update={"model": model})
    spaces = spaces_of(config)
    learner = DreamerLearner(spaces, config, torch.device("cpu"))
    learner.update(batch_of(config, spaces))
    good = batch_of(config, spaces, seed=1)
    bad = good.vector.clone()
    bad[0, 2, 0] = float("inf")
    learner.update(good._replace(vector=bad))
    assert learner.descent.left_out > 0
    before = learner.descent.left_out
    learner.update(good)
    assert learner.descent.left_out == before, "what follows is learned from"
    for scale in (learner.return_scale.high, learner.return_scale.low, learner.surprise_mean.mean):
        assert scale.isfinite()


def test_a_beginning_forgets_even_what_is_not_a_number(config):
    networks = make(config)
    batch = batch_of(config, spaces_of(config))
    tokens = networks.encoder(to_patches(batch.image), batch.vector)
    broken = State(*(part.fill_(float("nan")) for part in networks.dynamics.initial(len(tokens))))
    num_actions = spaces_of(config).num_actions
    first = torch.zeros(batch.is_first.shape, dtype=torch.bool)
    first[:, 0] = True
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(0, 0)
    observed = networks.dynamics.observe(
        tokens, batch.vector[..., -num_actions:], first, broken, noise
    )
    assert observed.state.deter.isfinite().all()


@pytest.mark.parametrize(("size", "starts"), [((8, 20), 64), ((8, 16), 100), ((8, 16), 64)])
def test_dreams_begin_everywhere_in_the_batch(size, starts):
    lived = State(torch.arange(size[0] * size[1]).reshape(*size, 1), torch.zeros(*size, 1))
    chosen = _choose_starts(lived, None, starts, False)[0].deter.flatten()
    assert len(chosen) == starts
    per_window = torch.bincount(chosen // size[1], minlength=size[0])
    assert per_window.max() - per_window.min() <= 1


@pytest.mark.parametrize("replay_weight", [0.0, 0.3])
def test_what_is_only_remembered_is_not_learned_from(config, replay_weight):
    """Whatever stands in an unlearned Step that nothing depends on, the update is the same."""
    critic = config.critic.model_copy(update={"replay_weight": replay_weight})
    config = config.model_copy(update={"critic": critic})
    spaces = spaces_of(config)
    batch = batch_of(config, spaces)
    learned = torch.ones(batch.reward.shape, dtype=torch.bool)
    learned[:, -1] = False  # the last row: no later state remembers it
    other = batch._replace(
        image=batch.image.clone(), reward=batch.reward.clone(), vector=batch.vector.clone()
    )
    other.image[:, -1], other.reward[:, -1], other.vector[:, -1] = 0, 50.0, 3.0

    def weights(given):
        learner = DreamerLearner(spaces, config, torch.device("cpu"))
        learner.update(given)
        return torch.cat([p.detach().flatten() for p in learner.networks.parameters()])

    assert torch.equal(
        weights(batch._replace(learned=learned)), weights(other._replace(learned=learned))
    )
    assert not torch.equal(weights(batch), weights(other)), "else the test would show nothing"
    all_learned = batch._replace(learned=torch.ones_like(learned))
    torch.testing.assert_close(weights(batch), weights(all_learned))


def test_dreams_begin_in_what_is_learned_from():
    deter = torch.arange(12.0).reshape(3, 4, 1)
    learned = torch.zeros(3, 4, dtype=torch.bool)
    learned[1] = True
    chosen = _choose_starts(State(deter, deter), learned, 8, False)[0].deter.flatten().tolist()
    assert sorted(chosen) == [4.0, 5.0, 6.0, 7.0]
