"""The lambda-return of recorded sequences and of dreams, and the scale of returns."""

import pytest
import torch

from tests.golden.data import DREAM, close, golden, time_first
from trainer.objectives.actor_critic_loss import bootstrapped_returns
from trainer.objectives.replay_value_loss import replay_returns
from trainer.optim.running_scales import ReturnScale


@pytest.mark.parametrize("case", ["replay", "lam0", "lam1"])
def test_replay_returns_bootstrap_where_an_episode_is_cut(case):
    g = golden("lambda_return")
    dream = DREAM.model_copy(
        update={"discount": float(g[f"{case}/disc"]), "lam": float(g[f"{case}/lam"])}
    )
    reward, terminal, last, boot = (
        time_first(g[f"replay/{name}"]) for name in ("rew", "term", "last", "boot")
    )
    ours = replay_returns(reward, terminal.bool(), last.bool(), boot, dream)
    close(time_first(ours), g[f"{case}/ret"])


def test_dream_returns_take_the_discount_from_the_continue_head():
    g = golden("lambda_return")
    assert g["imag/disc"] == 1
    assert g["imag/lam"] == pytest.approx(DREAM.lam)
    reward, alive, value = (time_first(g[f"imag/{name}"]) for name in ("rew", "con", "val"))
    close(
        time_first(bootstrapped_returns(reward[1:], alive, value, DREAM).lambda_return),
        g["imag/ret"],
    )


def test_return_scale_includes_the_current_batch():
    g, scale = golden("normalize"), ReturnScale(torch.device("cpu"))
    for i, batch in enumerate(g["batches"]):
        close(scale.update(batch), g["retnorm/scale"][i])
        close(scale.low, g["retnorm/lo"][i])
        close(scale.low, g["retnorm/offset"][i])
        close(scale.high, g["retnorm/hi"][i])
    for i, batch in enumerate(g["batches"]):  # the first update moves by 1/100 of the percentiles
        fresh = ReturnScale(torch.device("cpu"))
        fresh.update(batch)
        close(100 * fresh.low, g["perc5"][i])
        close(100 * fresh.high, g["perc95"][i])
