"""The recurrent state-space model: filtering, dreaming, and gradients through all of it."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.dynamics import Dynamics, State
from configs.learning import TrainerConfig
from tests.golden.data import MODEL, close, golden
from trainer.objectives.losses import kl_balance

G = golden("rssm")
CONFIG = MODEL.model_copy(
    update={"deter": 64, "units": 32, "stoch": 8, "classes": 4, "blocks": 4, "prior_layers": 2}
)


class ToldNoise:
    """Uniform noise with which the samples given come out."""

    def __init__(self, samples: Sequence[Tensor]) -> None:
        self._samples = iter(samples)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        sample = next(self._samples)
        assert sample.shape == tuple(shape)
        return torch.where(sample > 0.5, 1 - 1e-6, 1e-6)

    def normal(self, shape: Sequence[int]) -> Tensor:
        raise AssertionError("categoricals draw none")


def laid_out(dynamics: Dynamics, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    """What `of` says of every parameter, named and shaped as there; some in two halves (axis 0)."""
    core, first, second = dynamics.core, dynamics.prior_net[0], dynamics.prior_net[1]
    layers = {"dynin0": core.from_deter, "dynin1": core.from_stoch, "dynin2": core.from_action}
    layers |= {"prior0": first, "prior1": second}
    found: dict[str, list[Tensor]] = {}
    for name, layer in layers.items():
        found[f"{name}/kernel"] = [of(layer.linear.weight).T]
        found[f"{name}/bias"] = [of(layer.linear.bias)]
        found[f"{name}norm/scale"] = [of(layer.norm.weight)]
    for name, blocks in {"dynhid0": core.hidden, "dyngru": core.gates}.items():
        found[f"{name}/kernel"], found[f"{name}/bias"] = [of(blocks.weight)], [of(blocks.bias)]
    outs = {"priorlogit": dynamics.prior_net[2], "obslogit": dynamics.posterior_out}
    for name, out in outs.items():
        found[f"{name}/kernel"], found[f"{name}/bias"] = [of(out.weight).T], [of(out.bias)]
    halves = (dynamics.posterior_from_deter, dynamics.posterior_from_tokens)
    found["obs0/kernel"] = [of(half.weight).T for half in halves]
    found["obs0/bias"] = [of(dynamics.posterior_from_tokens.bias)]
    found["obs0norm/scale"] = [of(dynamics.posterior_norm.weight)]
    found["dynhid0norm/scale"] = [of(core.hidden_norm.weight)]
    return found


@pytest.fixture
def dynamics():
    made = Dynamics(CONFIG, token_size=24, num_actions=3)
    slots = laid_out(made, lambda parameter: parameter.data)
    theirs = {k.removeprefix("param/"): v for k, v in G.items() if k.startswith("param/")}
    assert slots.keys() == theirs.keys()
    assert sum(v.numel() for v in theirs.values()) == sum(p.numel() for p in made.parameters())
    for name, tensor in theirs.items():
        parts = tensor.split([slot.shape[0] for slot in slots[name]])
        for slot, part in zip(slots[name], parts, strict=True):
            slot.copy_(part)
    return made


def observe(dynamics):
    samples = G["observe/stoch"].unbind(1)
    return dynamics.observe(
        G["in/tokens"],
        G["in/action"],
        G["in/is_first"].bool(),
        State(G["in/deter0"], G["in/stoch0"].flatten(-2)),
        ToldNoise(samples),
    )


def test_filtering(dynamics):
    observed = observe(dynamics)
    close(observed.state.deter, G["observe/deter"])
    close(observed.state.stoch, G["observe/stoch"].flatten(-2))
    close(observed.posterior, G["observe/post_logits"].flatten(-2))
    close(observed.prior, G["observe/prior_logits"].flatten(-2))
    close(dynamics.latent.probs(observed.posterior), G["observe/post_probs"])
    close(dynamics.latent.probs(observed.prior), G["observe/prior_probs"])


def test_dreaming(dynamics):
    noise = ToldNoise(G["imagine/stoch"].unbind(1))
    state = State(G["imagine/deter0"], G["imagine/stoch0"].flatten(-2))
    for t, action in enumerate(G["imagine/action"].unbind(1)):
        state = dynamics.imagine_step(state, action, noise)
        prior = dynamics.prior_net(state.deter)
        close(state.deter, G["imagine/deter"][:, t])
        close(state.stoch, G["imagine/stoch"][:, t].flatten(-2))
        close(prior, G["imagine/prior_logits"][:, t].flatten(-2))
        close(dynamics.latent.probs(prior), G["imagine/prior_probs"][:, t])


@pytest.mark.parametrize(("case", "free"), [("grad_free1", 1.0), ("grad_free2p3", 2.3)])
def test_gradients_of_the_kl_reach_every_parameter(dynamics, case, free):
    observed = observe(dynamics)
    config = TrainerConfig(kl_dynamics=1.0, kl_representation=0.1, free_nats=free)
    loss = kl_balance(dynamics.latent, observed.posterior, observed.prior, config)[0].mean()
    close(loss, G[f"{case}/loss"])
    loss.backward()
    for name, parts in laid_out(dynamics, lambda parameter: parameter.grad).items():
        close(torch.cat(parts), G[f"{case}/{name}"])


def test_an_action_beyond_one_lets_a_gradient_through(dynamics):
    """It equals a clip in value alone."""
    action = torch.tensor([[3.0, -0.5, 1.0]], requires_grad=True)
    dynamics.core.project_action(action).square().sum().backward()
    assert (action.grad != 0).all()
    clipped = F.hardtanh(action.detach())
    close(dynamics.core.project_action(clipped), dynamics.core.project_action(action).detach())
