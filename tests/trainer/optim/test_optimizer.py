"""Adam against torch's own, to the bit; LaProp's formulas are in tests/golden."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from tests.conftest import ROOT
from trainer.optim.optimizer import Adam, LaProp


def parameters():
    torch.manual_seed(0)
    conv = nn.Parameter(torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last))
    return [nn.Parameter(torch.randn(5, 7)), conv, nn.Parameter(torch.randn(3))]


def walk(optimizers, steps, seed):
    """The same gradients to each; the last parameter has one only every second time."""
    random = torch.Generator().manual_seed(seed)
    for k in range(steps):
        grads = [torch.randn(p.shape, generator=random) for p in optimizers[0][1]]
        for optimizer, params in optimizers:
            for i, (p, grad) in enumerate(zip(params, grads, strict=True)):
                held = grad.to(memory_format=torch.channels_last) if grad.dim() == 4 else grad
                p.grad = None if i == 2 and k % 2 else held.clone()
            optimizer.step()


def test_adam_is_torchs_to_the_bit():
    ours, theirs = parameters(), parameters()
    mine = Adam(ours, 0.01)
    reference = torch.optim.Adam(theirs, lr=0.01, eps=1e-7, fused=True)
    walk([(mine, ours), (reference, theirs)], 7, seed=1)
    mine.lr = reference.param_groups[0]["lr"] = 0.002
    walk([(mine, ours), (reference, theirs)], 3, seed=2)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)
        for name, tensor in reference.state[other].items():
            assert torch.equal(mine.state[one][name], tensor), name


@pytest.mark.parametrize("kind", [Adam, LaProp])
def test_it_goes_on_exactly_from_what_was_kept(kind):
    whole, half = parameters(), parameters()
    one, other = kind(whole, 0.01), kind(half, 0.01)
    walk([(one, whole), (other, half)], 4, seed=1)
    resumed = kind(half, 0.01)
    for p in half:
        kept = {name: tensor.contiguous() for name, tensor in other.state[p].items()}
        resumed.put_back(p, kept)
    walk([(one, whole), (resumed, half)], 4, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(whole, half, strict=True))


def test_nothing_kept_is_as_never_stepped():
    params = parameters()
    optimizer = Adam(params, 0.01)
    walk([(optimizer, params)], 1, seed=1)
    for p in params:
        optimizer.put_back(p, {})
    assert not optimizer.state


def test_a_gradient_whose_square_is_flushed_to_zero_moves_no_mountain():
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


def test_a_step_does_not_load_the_compiler():
    code = (
        "import sys, torch; from trainer.optim.optimizer import Adam, LaProp;"
        "p = torch.nn.Parameter(torch.ones(3));"
        "p.grad = torch.ones(3);"
        "[kind([p], 0.1).step() for kind in (Adam, LaProp)];"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
