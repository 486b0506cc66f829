"""The recurrent state-space model: filtering, imagined steps, and gradients through both."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.dynamics import Dynamics, LatentState
from configs.training import TrainerConfig
from tests.golden.data import MODEL, close, golden
from trainer.objectives.model_terms import kl_balance

G = golden("rssm")
CONFIG = MODEL.model_copy(
    update={"deter": 64, "units": 32, "stoch": 8, "classes": 4, "blocks": 4, "prior_layers": 2}
)


class NoiseForSamples:
    """Uniform noise that makes a categorical latent draw the given one-hot samples."""

    def __init__(self, samples: Sequence[Tensor]) -> None:
        self._samples = iter(samples)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        sample = next(self._samples)
        assert sample.shape == tuple(shape)
        return torch.where(sample > 0.5, 1 - 1e-6, 1e-6)

    def normal(self, shape: Sequence[int]) -> Tensor:
        raise AssertionError("a categorical latent draws no normal noise")


def named_parameters(dynamics: Dynamics, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    """`of` of every parameter, with the names and shapes of the reference.

    A parameter that we keep in two halves is a list of two, to be joined on axis 0.
    """
    core, first, second = dynamics.core, dynamics.prior_net[0], dynamics.prior_net[1]
    layers = {"dynin0": core.from_deter, "dynin1": core.from_stoch, "dynin2": core.from_action}
    layers |= {"prior0": first, "prior1": second}
    named: dict[str, list[Tensor]] = {}
    for name, layer in layers.items():
        named[f"{name}/kernel"] = [of(layer.linear.weight).T]
        named[f"{name}/bias"] = [of(layer.linear.bias)]
        named[f"{name}norm/scale"] = [of(layer.norm.weight)]
    for name, blocks in {"dynhid0": core.hidden, "dyngru": core.gates}.items():
        named[f"{name}/kernel"], named[f"{name}/bias"] = [of(blocks.weight)], [of(blocks.bias)]
    outs = {"priorlogit": dynamics.prior_net[2], "obslogit": dynamics.posterior_out}
    for name, out in outs.items():
        named[f"{name}/kernel"], named[f"{name}/bias"] = [of(out.weight).T], [of(out.bias)]
    halves = (dynamics.posterior_from_deter, dynamics.posterior_from_tokens)
    named["obs0/kernel"] = [of(half.weight).T for half in halves]
    named["obs0/bias"] = [of(dynamics.posterior_from_tokens.bias)]
    named["obs0norm/scale"] = [of(dynamics.posterior_norm.weight)]
    named["dynhid0norm/scale"] = [of(core.hidden_norm.weight)]
    return named


@pytest.fixture
def dynamics():
    dynamics = Dynamics(CONFIG, token_size=24, num_actions=3)
    slots = named_parameters(dynamics, lambda parameter: parameter.data)
    theirs = {k.removeprefix("param/"): v for k, v in G.items() if k.startswith("param/")}
    assert slots.keys() == theirs.keys()
    assert sum(v.numel() for v in theirs.values()) == sum(p.numel() for p in dynamics.parameters())
    for name, tensor in theirs.items():
        parts = tensor.split([slot.shape[0] for slot in slots[name]])
        for slot, part in zip(slots[name], parts, strict=True):
            slot.copy_(part)
    return dynamics


def filter_sequence(dynamics):
    samples = G["observe/stoch"].unbind(1)
    return dynamics.observe(
        G["in/tokens"],
        G["in/action"],
        G["in/is_first"].bool(),
        LatentState(G["in/deter0"], G["in/stoch0"].flatten(-2)),
        NoiseForSamples(samples),
    )


def test_filtering_equals_the_reference(dynamics):
    observed = filter_sequence(dynamics)
    close(observed.state.deter, G["observe/deter"])
    close(observed.state.stoch, G["observe/stoch"].flatten(-2))
    close(observed.posterior, G["observe/post_logits"].flatten(-2))
    close(observed.prior, G["observe/prior_logits"].flatten(-2))
    close(dynamics.latent.probs(observed.posterior), G["observe/post_probs"])
    close(dynamics.latent.probs(observed.prior), G["observe/prior_probs"])


def test_imagined_steps_equal_the_reference(dynamics):
    noise = NoiseForSamples(G["imagine/stoch"].unbind(1))
    state = LatentState(G["imagine/deter0"], G["imagine/stoch0"].flatten(-2))
    for t, action in enumerate(G["imagine/action"].unbind(1)):
        state = dynamics.imagine_step(state, action, noise)
        prior = dynamics.prior_net(state.deter)
        close(state.deter, G["imagine/deter"][:, t])
        close(state.stoch, G["imagine/stoch"][:, t].flatten(-2))
        close(prior, G["imagine/prior_logits"][:, t].flatten(-2))
        close(dynamics.latent.probs(prior), G["imagine/prior_probs"][:, t])


@pytest.mark.parametrize(("case", "free"), [("grad_free1", 1.0), ("grad_free2p3", 2.3)])
def test_kl_gradients_of_every_parameter_equal_the_reference(dynamics, case, free):
    observed = filter_sequence(dynamics)
    config = TrainerConfig(kl_dynamics=1.0, kl_representation=0.1, free_nats=free)
    loss = kl_balance(dynamics.latent, observed.posterior, observed.prior, config)[0].mean()
    close(loss, G[f"{case}/loss"])
    loss.backward()
    for name, parts in named_parameters(dynamics, lambda parameter: parameter.grad).items():
        close(torch.cat(parts), G[f"{case}/{name}"])


def test_action_beyond_1_is_clipped_but_keeps_a_gradient(dynamics):
    """Only its value equals that of a clip."""
    action = torch.tensor([[3.0, -0.5, 1.0]], requires_grad=True)
    dynamics.core.project_action(action).square().sum().backward()
    assert (action.grad != 0).all()
    clipped = F.hardtanh(action.detach())
    close(dynamics.core.project_action(clipped), dynamics.core.project_action(action).detach())
