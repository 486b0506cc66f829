"""The loss of World Models, against torch.distributions one Step at a time."""

import torch
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from tests.trainer.learners.world_models_case import (
    batch_of,
    learner_of,
    make_noise,
    small_config,
)
from trainer.objectives.mdn_rnn_loss import mdn_rnn_loss


@torch.no_grad()
def test_every_term_is_the_one_of_torch_distributions():
    config = small_config()
    networks, batch = learner_of(config).networks, batch_of(config, 0)
    torch.nn.init.normal_(networks.reward.net[-1].weight)
    loss = mdn_rnn_loss(networks, batch, 2, config, torch.tensor(1.0), make_noise())
    observed, own = loss.observed, config.world_models
    z = observed.state.stoch
    log_prob, standard_kl, reward, continues, vector = (torch.zeros(8, 16) for _ in range(5))
    for b in range(8):
        for t in range(16):
            feature = torch.cat([observed.state.deter[b, t], z[b, t]])
            logits, mean, raw = observed.prior[b, t].split((2, 2 * 3, 2 * 3))
            std = torch.nn.functional.softplus(raw.view(2, 3)) + config.model.min_std
            components = Independent(Normal(mean.view(2, 3), std), 1)
            mixture = MixtureSameFamily(Categorical(logits=logits), components)
            mean, raw = observed.posterior[b, t].chunk(2)
            std = torch.nn.functional.softplus(raw) + config.model.min_std
            standard_kl[b, t] = kl_divergence(Normal(mean, std), Normal(0.0, 1.0)).sum()
            law = Bernoulli(logits=networks.continues(feature))
            continues[b, t] = -law.log_prob(torch.ones(1))
            decoded = networks.decoder(z[b, t]).vector
            target = batch.vector[b, t].sign() * batch.vector[b, t].abs().log1p()
            vector[b, t] = (decoded - target).square().sum()
            if t and not batch.is_first[b, t]:  # the first step of an episode has no predecessor
                log_prob[b, t] = mixture.log_prob(z[b, t])
                error = networks.reward(feature) - batch.reward[b, t]
                reward[b, t] = 0.5 * error.square()
    weight = config.trainer.reconstruction * config.trainer.precision
    each = weight * vector + own.kl * standard_kl - log_prob + reward + continues
    torch.testing.assert_close(loss.total, each.mean())
    torch.testing.assert_close(loss.terms["loss_kl"], standard_kl.mean())
