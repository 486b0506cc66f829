"""symlog, symexp and the two-hot head."""

import torch

from agent.networks.layers import symexp, symlog
from agent.networks.scalar_heads import symexp_bins
from tests.golden.data import close, golden, gradients, leaf, twohot_head

G = golden("twohot")


def test_symlog_and_symexp_equal_the_reference():
    close(symlog(G["symlog/in"]), G["symlog/out"])
    close(symexp(G["symexp/in"]), G["symexp/out"])


def test_bins_are_exactly_antisymmetric():
    bins = symexp_bins()
    close(bins, G["bins"])
    assert bins[127] == 0
    assert torch.equal(bins, -bins.flip(0))


def test_prediction_is_the_expected_bin():
    head = twohot_head(symexp_bins())
    allowed = 1e-5 * (G["twohot/logits"].softmax(-1) * G["bins"].abs()).sum(-1)
    assert ((head.mean(G["twohot/logits"]) - G["twohot/pred"]).abs() <= allowed).all()
    zero = head.mean(torch.zeros(1, 255))
    assert torch.equal(zero, G["twohot/zero_pred"])
    assert zero == 0


def test_loss_splits_the_target_linearly_between_two_bins():
    head = twohot_head(symexp_bins())
    close(head.loss(G["twohot/logits"], G["twohot/target"]), G["twohot/loss"])
    zeros = torch.zeros_like(G["twohot/logits"])
    close(head.loss(zeros, G["twohot/target"]), G["twohot/zero_loss"])


def test_gradient_is_softmax_minus_the_two_hot_weights():
    logits = leaf(G["twohot/logits"])
    loss = twohot_head(G["bins"]).loss(logits, G["twohot/target"]).sum()
    close(*gradients(loss, logits), G["twohot/grad_logits"])
