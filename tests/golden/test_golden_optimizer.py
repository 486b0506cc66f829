"""Adaptive clipping, LaProp and the warm-up: eight steps on six tensors."""

import pytest
import torch
from torch import nn

from tests.golden.data import close, golden
from trainer.optim.optimizer import LaProp, clipped, warmed_up

G = golden("optimizer")
NAMES = [name.removeprefix("param0/") for name in G if name.startswith("param0/")]
STEPS = 8
# lr, warm-up, adaptive clipping, weight decay
SETTINGS = {
    "default": (4e-5, 1000, 0.3, 0.0),
    "fast": (0.01, 4, 0.3, 0.0),
    "wd": (0.01, 0, 0.3, 0.1),
    "noagc": (0.01, 0, 0.0, 0.0),
}


def fresh(dtype=torch.float32):
    return {name: nn.Parameter(G[f"param0/{name}"].to(dtype, copy=True)) for name in NAMES}


def give_gradients(parameters, step):
    for name, parameter in parameters.items():
        parameter.grad = G[f"grad/{name}"][step].to(parameter.dtype, copy=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", list(SETTINGS))
def test_eight_updates(case, dtype):
    """In float64 too: in float32 a change this small is lost in the parameter's last bits."""
    lr, warmup, agc, decay = SETTINGS[case]
    parameters = fresh(dtype)
    optimizer = LaProp(parameters.values(), lr, agc, decay)
    for k in range(STEPS):
        optimizer.lr = warmed_up(lr, k, warmup)
        give_gradients(parameters, k)
        before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        optimizer.step()
        for name, parameter in parameters.items():
            close(parameter.float(), G[f"{case}/param/{name}"][k], rtol=0, atol=2e-6)
            if dtype == torch.float64:
                update = (parameter.detach() - before[name]).float()
                close(update, G[f"{case}/update/{name}"][k], rtol=2e-4, atol=2e-5 * lr)


@pytest.mark.parametrize("case", ["default", "fast"])
def test_warm_up_begins_at_nothing(case):
    lr, warmup, *_ = SETTINGS[case]
    ours = torch.tensor([warmed_up(lr, k, warmup) for k in range(STEPS)])
    assert ours[0] == 0
    close(ours, G[f"{case}/lr"], rtol=2e-4, atol=0)  # there the ramp is float32


def test_clipping_measures_whole_tensors():
    parameters = fresh()
    for k in range(STEPS):
        given = [G[f"grad/{name}"][k] for name in NAMES]
        for name, ours in zip(NAMES, clipped(given, list(parameters.values()), 0.3), strict=True):
            close(ours, G[f"stage_agc/{name}"][k], rtol=2e-5, atol=3e-5)


def test_momentum_is_on_what_is_already_scaled():
    """The parameters are put back after each step, so that all of them are clipped alike."""
    parameters = fresh()
    optimizer = LaProp(parameters.values(), 1.0, 0.3)
    moments = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for k in range(STEPS):
        give_gradients(parameters, k)
        optimizer.step()
        for name, parameter in parameters.items():
            moment = optimizer.state[parameter]["momentum"].clone()
            scaled = (moment - 0.9 * moments[name]) / 0.1
            close(scaled, G[f"stage_agc_rms/{name}"][k], rtol=2e-5, atol=3e-5)
            with torch.no_grad():
                moved = G[f"param0/{name}"] - parameter
                parameter.copy_(G[f"param0/{name}"])
            close(moved, G[f"stage_agc_rms_momentum/{name}"][k], rtol=2e-5, atol=3e-5)
            moments[name] = moment
