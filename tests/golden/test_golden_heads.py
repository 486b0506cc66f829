"""The head networks, the distributions of their raw outputs, and the continue loss."""

import pytest
import torch
from torch.nn import functional as F

from agent.networks.action_distributions import DistributionParams, axis_normal, normal_entropy
from agent.networks.layers import head
from agent.networks.scalar_heads import TwohotHead
from tests.golden.data import (
    DREAM,
    close,
    golden,
    gradients,
    leaf,
    load_layers,
    load_linear,
    make_policy,
)
from trainer.objectives.model_terms import continue_loss

G = golden("heads")
M = golden("mlp_heads")


def test_axis_is_a_normal_with_a_bounded_mean():
    mean, std = axis_normal(G["cont/raw_mean"], G["cont/raw_std"])
    close(mean, G["cont/mean"])
    close(mean, G["cont/pred"])
    close(std, G["cont/std"])
    close(normal_entropy(std), G["cont/entropy_per_dim"])
    for std, name in ((0.1, "min_entropy"), (1.0, "max_entropy")):
        bound = normal_entropy(torch.full_like(G["cont/std"], std))
        close(bound, G[f"cont/{name}"])


def test_log_prob_of_an_axis_has_no_jacobian():
    raw_mean, raw_std = leaf(G["cont/raw_mean"]), leaf(G["cont/raw_std"])
    log_prob, entropy = make_policy(4).log_prob_and_entropy(
        DistributionParams(raw_mean, raw_std), G["cont/action"]
    )
    close(log_prob, G["cont/log_prob"])
    close(entropy, G["cont/entropy"])
    on_mean, on_std = gradients(log_prob.sum(), raw_mean, raw_std)
    close(on_mean, G["cont/grad_log_prob_raw_mean"], atol=2e-4)
    close(on_std, G["cont/grad_log_prob_raw_std"])
    close(*gradients(entropy.sum(), raw_std), G["cont/grad_entropy_raw_std"])
    alone = (G[f"cont/{name}"].unsqueeze(-1) for name in ("raw_mean", "raw_std", "action"))
    mean, std, action = alone
    log_prob, entropy = make_policy(1).log_prob_and_entropy(DistributionParams(mean, std), action)
    close(log_prob, G["cont/log_prob_per_dim"])
    close(entropy, G["cont/entropy_per_dim"])


@pytest.mark.parametrize(("case", "unimix"), [("categorical", 0.0), ("onehot_unimix", 0.01)])
def test_choices_have_a_uniform_share_only_with_unimix(case, unimix):
    policy, logits = make_policy(0, 6, unimix=unimix), leaf(G["disc/raw_logits"])
    chosen = F.one_hot(G["disc/action"].long(), 6).float()
    log_prob, entropy = policy.log_prob_and_entropy(
        DistributionParams(logits, torch.zeros_like(logits)), chosen
    )
    close(log_prob, G[f"disc/{case}/log_prob"])
    close(entropy, G[f"disc/{case}/entropy"])
    close(*gradients(log_prob.sum(), logits), G[f"disc/{case}/grad_log_prob"])
    close(*gradients(entropy.sum(), logits), G[f"disc/{case}/grad_entropy"])
    repeated = DistributionParams(*(logits.detach().unsqueeze(1).expand(-1, 6, -1),) * 2)
    log_probs, _ = policy.log_prob_and_entropy(repeated, torch.eye(6).expand(24, -1, -1))
    close(log_probs, G[f"disc/{case}/logits"].log_softmax(-1))
    close(log_probs.exp(), G[f"disc/{case}/probs"])


def test_continue_loss_target_includes_the_discount():
    logit, target = leaf(G["binary/raw_logit"]), G["binary/target"]
    ours = torch.empty_like(target)
    for dream, continues in (
        (DREAM, DREAM.discount),
        (DREAM.model_copy(update={"discount": 1}), 1),
    ):
        continue_losses, end_losses = (
            continue_loss(logit, torch.full((20,), end), dream) for end in (False, True)
        )
        ours = torch.where((target - continues).abs() < 1e-6, continue_losses, ours)
        ours = torch.where(target == 0, end_losses, ours)
    assert len(target.unique()) == 3
    close(ours, G["binary/loss"])
    close(*gradients(ours.sum(), logit), G["binary/grad_logit"])
    close(torch.sigmoid(logit), G["binary/prob1"])
    assert torch.equal((logit > 0).int(), G["binary/pred"])


@pytest.mark.parametrize(("name", "layers"), [("rew", 1), ("val", 3)])
def test_reward_and_value_networks_equal_the_reference(name, layers):
    ours, bins = TwohotHead(20, 16, layers, "rms"), golden("twohot")["bins"]
    load_layers(ours.net, M, layer_names(name))
    load_linear(ours.net[-1], M, f"param/{name}/head/logits")
    raw = ours.raw(M["in/feat"])
    close(raw, M[f"{name}/logits"])
    allowed = 1e-5 * (raw.softmax(-1) * bins.abs()).sum(-1)
    assert ((ours(M["in/feat"]) - M[f"{name}/pred"]).abs() <= allowed).all()


def test_continue_network_equals_the_reference():
    ours = head(20, 16, 1, 1, norm="rms")
    load_layers(ours, M, layer_names("con"))
    load_linear(ours[-1], M, "param/con/head/logit")
    logit = ours(M["in/feat"]).squeeze(-1)
    close(logit, M["con/logit"])
    close(torch.sigmoid(logit), M["con/prob1"])


def test_policy_network_equals_the_reference():
    """The reference has two output layers where we have one."""
    policy = make_policy(3, feature=20, units=16)
    load_layers(policy.net, M, layer_names("pol"))
    both = {
        f"both/{part}": torch.cat(
            [M[f"param/pol/head/action/{out}/{part}"] for out in ("mean", "stddev")], -1
        )
        for part in ("kernel", "bias")
    }
    load_linear(policy.net[-1], both, "both")
    mean, std = axis_normal(*policy.distribution_params(M["in/feat"]))
    close(mean, M["pol/mean"])
    close(std, M["pol/std"])


def layer_names(name):
    """The names of the linear map and the norm of a network's i-th layer."""
    return lambda i: (f"param/{name}/mlp/linear{i}", f"param/{name}/mlp/norm{i}")
