"""Adaptive gradient clipping, LaProp and warm-up: eight steps on six tensors."""

import pytest
import torch
from torch import nn

from tests.golden.data import close, golden
from trainer.optim.optimizer import LaProp, clip_adaptively, warmup_lr

G = golden("optimizer")
NAMES = [name.removeprefix("param0/") for name in G if name.startswith("param0/")]
STEPS = 8
# learning rate, warm-up steps, clipping threshold, weight decay
SETTINGS = {
    "default": (4e-5, 1000, 0.3, 0.0),
    "fast": (0.01, 4, 0.3, 0.0),
    "wd": (0.01, 0, 0.3, 0.1),
    "noagc": (0.01, 0, 0.0, 0.0),
}


def initial_parameters(dtype=torch.float32):
    return {name: nn.Parameter(G[f"param0/{name}"].to(dtype, copy=True)) for name in NAMES}


def set_gradients(parameters, step):
    for name, parameter in parameters.items():
        parameter.grad = G[f"grad/{name}"][step].to(parameter.dtype, copy=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", list(SETTINGS))
def test_eight_updates_equal_the_reference(case, dtype):
    """In float64 too, because float32 parameters round away such a small update."""
    lr, warmup, agc, decay = SETTINGS[case]
    parameters = initial_parameters(dtype)
    optimizer = LaProp(parameters.values(), lr, agc, decay)
    for k in range(STEPS):
        optimizer.lr = warmup_lr(lr, k, warmup)
        set_gradients(parameters, k)
        before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        optimizer.step()
        for name, parameter in parameters.items():
            close(parameter.float(), G[f"{case}/param/{name}"][k], rtol=0, atol=2e-6)
            if dtype == torch.float64:
                update = (parameter.detach() - before[name]).float()
                close(update, G[f"{case}/update/{name}"][k], rtol=2e-4, atol=2e-5 * lr)


@pytest.mark.parametrize("case", ["default", "fast"])
def test_warm_up_starts_at_0(case):
    lr, warmup, *_ = SETTINGS[case]
    ours = torch.tensor([warmup_lr(lr, k, warmup) for k in range(STEPS)])
    assert ours[0] == 0
    close(ours, G[f"{case}/lr"], rtol=2e-4, atol=0)  # the reference computes the ramp in float32


def test_clipping_uses_the_norm_of_the_whole_tensor():
    parameters = initial_parameters()
    for k in range(STEPS):
        given = [G[f"grad/{name}"][k] for name in NAMES]
        for name, ours in zip(
            NAMES, clip_adaptively(given, list(parameters.values()), 0.3), strict=True
        ):
            close(ours, G[f"stage_agc/{name}"][k], rtol=2e-5, atol=3e-5)


def test_momentum_averages_scaled_gradients():
    """The parameters are reset after each step, so each step clips by the same norms."""
    parameters = initial_parameters()
    optimizer = LaProp(parameters.values(), 1.0, 0.3)
    moments = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for k in range(STEPS):
        set_gradients(parameters, k)
        optimizer.step()
        for name, parameter in parameters.items():
            moment = optimizer.state[parameter]["momentum"].clone()
            scaled = (moment - 0.9 * moments[name]) / 0.1
            close(scaled, G[f"stage_agc_rms/{name}"][k], rtol=2e-5, atol=3e-5)
            with torch.no_grad():
                update = G[f"param0/{name}"] - parameter
                parameter.copy_(G[f"param0/{name}"])
            close(update, G[f"stage_agc_rms_momentum/{name}"][k], rtol=2e-5, atol=3e-5)
            moments[name] = moment
