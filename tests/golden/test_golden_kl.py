"""Categorical latents with a uniform share, and the balanced KL with free nats."""

import pytest
import torch

from agent.networks.latents import CategoricalLatent
from configs.training import TrainerConfig
from tests.golden.data import close, golden, gradients, leaf
from trainer.objectives.model_terms import kl_balance

G = golden("kl")
LATENT = CategoricalLatent(8, 4, 0.01)
FREE = {"free0": 0.0, "free1": 1.0, "free2p3": 2.3}


def trainer_config(dynamics, representation, free):
    return TrainerConfig(
        kl_dynamics=dynamics, kl_representation=representation, free_nats=FREE[free]
    )


def stats(name):
    return G[name].flatten(-2)


@pytest.mark.parametrize(
    ("case", "free"), [("rssm", free) for free in FREE] + [("extra", "free0"), ("extra", "free1")]
)
def test_each_kl_term_is_clipped_at_the_free_nats(case, free):
    posterior, prior = stats(f"{case}/post_logits"), stats(f"{case}/prior_logits")
    dynamics, kl = kl_balance(LATENT, posterior, prior, trainer_config(1.0, 0.0, free))
    representation, _ = kl_balance(LATENT, posterior, prior, trainer_config(0.0, 1.0, free))
    close(dynamics, G[f"{case}/dyn_{free}"])
    close(representation, G[f"{case}/rep_{free}"])
    close(kl, G[f"{case}/dyn_free0"])


@pytest.mark.parametrize("free", ["free0", "free1"])
def test_kl_gradients_equal_the_reference(free):
    posterior, prior = leaf(stats("extra/post_logits")), leaf(stats("extra/prior_logits"))
    loss, _ = kl_balance(LATENT, posterior, prior, trainer_config(1.0, 0.1, free))
    on_posterior, on_prior = gradients(loss.sum(), posterior, prior)
    close(on_posterior, stats(f"extra/grad_post_{free}"))
    close(on_prior, stats(f"extra/grad_prior_{free}"))


@pytest.mark.parametrize("which", ["post", "prior"])
def test_entropy_uses_the_mixed_probabilities(which):
    probs = LATENT.probs(stats(f"rssm/{which}_logits"))
    entropy = -(probs * torch.log(probs)).sum((-2, -1)).mean()
    close(entropy, G[f"rssm/{which}_entropy_mean"])
