"""Adam against torch.optim.Adam, bit by bit. tests/golden covers the formulas of LaProp."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from tests.conftest import ROOT
from trainer.optim.optimizer import Adam, LaProp


def make_parameters():
    torch.manual_seed(0)
    conv = nn.Parameter(torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last))
    return [nn.Parameter(torch.randn(5, 7)), conv, nn.Parameter(torch.randn(3))]


def step_together(optimizers, steps, seed):
    """Gives every optimiser the same gradients; the last parameter has one in even steps only."""
    random = torch.Generator().manual_seed(seed)
    for k in range(steps):
        grads = [torch.randn(p.shape, generator=random) for p in optimizers[0][1]]
        for optimizer, params in optimizers:
            for i, (p, grad) in enumerate(zip(params, grads, strict=True)):
                ordered = grad.to(memory_format=torch.channels_last) if grad.dim() == 4 else grad
                p.grad = None if i == 2 and k % 2 else ordered.clone()
            optimizer.step()


def test_adam_is_bit_identical_to_torch_adam():
    ours, theirs = make_parameters(), make_parameters()
    adam = Adam(ours, 0.01)
    reference = torch.optim.Adam(theirs, lr=0.01, eps=1e-7, fused=True)
    step_together([(adam, ours), (reference, theirs)], 7, seed=1)
    adam.lr = reference.param_groups[0]["lr"] = 0.002
    step_together([(adam, ours), (reference, theirs)], 3, seed=2)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)
        for name, tensor in reference.state[other].items():
            assert torch.equal(adam.state[one][name], tensor), name


@pytest.mark.parametrize("kind", [Adam, LaProp])
def test_restored_state_continues_bit_identically(kind):
    whole, half = make_parameters(), make_parameters()
    one, other = kind(whole, 0.01), kind(half, 0.01)
    step_together([(one, whole), (other, half)], 4, seed=1)
    resumed = kind(half, 0.01)
    for p in half:
        saved = {name: tensor.contiguous() for name, tensor in other.state[p].items()}
        resumed.restore_state(p, saved)
    step_together([(one, whole), (resumed, half)], 4, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(whole, half, strict=True))


def test_empty_state_means_never_stepped():
    params = make_parameters()
    optimizer = Adam(params, 0.01)
    step_together([(optimizer, params)], 1, seed=1)
    for p in params:
        optimizer.restore_state(p, {})
    assert not optimizer.state


def test_state_of_another_optimiser_is_refused():
    params = make_parameters()
    laprop = LaProp(params, 0.01)
    step_together([(laprop, params)], 1, seed=1)
    with pytest.raises(ValueError, match="exp_avg"):
        Adam(params, 0.01).restore_state(params[0], laprop.state[params[0]])


def test_gradient_with_a_square_of_zero_makes_a_small_step():
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = LaProp([parameter], lr=1e-3, agc=0.0)
    torch.set_flush_denormal(True)
    try:
        parameter.grad = torch.tensor([3e-18, -3e-18, 0.0])
        optimizer.step()
    finally:
        torch.set_flush_denormal(False)
    moved = (parameter.detach() - 1).abs()
    assert moved.max() < 4e-3
    assert moved[2] == 0


def test_a_step_does_not_import_the_compiler():
    code = (
        "import sys, torch; from trainer.optim.optimizer import Adam, LaProp;"
        "p = torch.nn.Parameter(torch.ones(3));"
        "p.grad = torch.ones(3);"
        "[kind([p], 0.1).step() for kind in (Adam, LaProp)];"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
