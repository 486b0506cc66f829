"""World Models (Ha & Schmidhuber 2018), again and again: live, fit V and M, evolve C in dreams."""

import torch
from torch import Tensor
from torch.nn import functional as F

from agent.networks.agent_networks import Networks, build_networks
from agent.networks.dynamics import Observed, State
from agent.networks.layers import symlog
from agent.networks.mdn_rnn import MdnDynamics
from agent.networks.noise import Noise, TorchNoise
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.replay_buffer import Replay
from trainer.learners.evolution.cma_es import Evolution
from trainer.learners.evolution.controller import Controller
from trainer.learners.evolution.imagined_trials import dreamed_scores
from trainer.learners.learner import Descent, Metrics
from trainer.objectives.losses import Batch, ModelLoss, previous_action, surprise_bonus
from trainer.optim.optimizer import make_optimizer, warmed_up
from trainer.optim.running_scales import RunningMean
from trainer.running.train_ratio import TrainRatio


class WorldModelsLearner:
    """In turn `fit` updates of the model and `generations` of CMA-ES in its dreams.

    What acts is the model as it was when its controller was evolved: a controller reads the z of
    one autoencoder, not of what that has become since. The model that is learning is `_next`, among
    `kept`. Until the first controller, life is random.
    """

    def __init__(self, spaces: Spaces, config: Config, device: torch.device) -> None:
        own, trainer = config.world_models, config.trainer
        self._config, self._num_actions, self.device = config, spaces.num_actions, device
        self.controller = Controller(own, spaces.num_actions)
        self.networks: Networks = build_networks(spaces, config).to(device)
        self._next = build_networks(spaces, config).to(device)
        for networks in (self.networks, self._next):
            nothing = torch.zeros(self.controller.size, device=device)
            self.controller.write(networks.policy, nothing, explores=False)
        self._evolution = Evolution(own, self.controller.size, config.seed)
        self._surprise_mean = RunningMean(device)
        self.noise = TorchNoise(device)
        self.optimizers = {
            "model": make_optimizer(self._next.world_model, trainer.model_lr, trainer)
        }
        self.kept: dict[str, Tensor] = {
            "scale/surprise_mean": self._surprise_mean.mean,
            "scale/surprise_weight": self._surprise_mean.weight,
            "ratio/free": torch.zeros((), dtype=torch.int64),  # fits, as TrainRatio.allows has it
            **self._evolution.kept,
            **{f"next/{k}": v for k, v in self._next.world_model.state_dict().items()},
        }
        self.descent = Descent(self.optimizers, trainer.clip)
        self.publish_updates = own.fit + own.generations  # when there is a new controller
        self.look_at = 0
        self._ratio = TrainRatio(trainer)
        self.updates = 0

    @property
    def surprise_scale(self) -> Tensor:
        return self._surprise_mean.value

    def learn(self, replay: Replay) -> Metrics | None:
        """One update of the model, as often as the train ratio allows, or one generation."""
        if not replay.ready:
            return None
        fits = self.updates % self.publish_updates < self._config.world_models.fit
        free = self.kept["ratio/free"]
        if fits and not self._ratio.allows(replay.steps, self.charged, free):
            return None
        return self.update(replay.sample(self.updates))

    @property
    def charged(self) -> int:
        """The fits: generations live in dreams alone."""
        times, at = divmod(self.updates, self.publish_updates)
        fit = self._config.world_models.fit
        return times * fit + min(at, fit)

    def published(self, version: int) -> None:
        """Whatever acts, what it lived can be learned from."""

    def update(self, batch: Batch) -> Metrics:
        """Whichever comes next; metrics are tensors on the device, detached."""
        self.noise.begin(self._config.seed, self.updates)
        fits = self.updates % self.publish_updates < self._config.world_models.fit
        metrics = self._fit(batch) if fits else self._evolve(batch)
        self.updates += 1
        return metrics

    def _fit(self, batch: Batch) -> Metrics:
        # Where a checkpoint came back out of the midst of an evolution, that was in another model.
        self._evolution.begin_anew()
        config, trainer = self._config, self._config.trainer
        surprise = self._surprise_mean
        loss = world_models_loss(
            self._next, batch, self._num_actions, config, surprise.value, self.noise
        )
        lr = warmed_up(trainer.model_lr, self.updates, trainer.warmup)
        self.optimizers["model"].lr = lr
        if self.descent.step(loss.total):
            surprise.update(loss.terms["surprise"])
        return loss.terms

    def _evolve(self, batch: Batch) -> Metrics:
        """One generation; after the last of them, what was learned acts."""
        own, evolution = self._config.world_models, self._evolution
        start = self._starts(batch)
        candidates = evolution.ask().to(self.device)
        scores = dreamed_scores(
            self._next,
            self.controller,
            candidates,
            start,
            own.dream_steps,
            self._config,
            self.noise,
        ).mean(1)
        evolution.tell(scores)
        if evolution.generation == own.generations:
            self.networks.load_state_dict(self._next.state_dict())
            best = evolution.best.to(self.device)
            self.controller.write(self.networks.policy, best, explores=True)
            evolution.end()
        return {
            "dream_return": scores.mean(),
            "dream_return_best": scores.max(),
            "evolution_sigma": evolution.sigma.float(),
        }

    @torch.no_grad()
    def _starts(self, batch: Batch) -> State:
        """`dreams` states of the batch, chosen at random among those that life goes on from."""
        lived = filtered(self._next, batch, self._num_actions, self.noise).state
        able = ~(batch.is_last | batch.is_terminal)
        if batch.learned is not None:
            able = able & batch.learned
        odds = self.noise.uniform(able.shape) * able
        dreams = self._config.world_models.dreams
        chosen = odds.flatten().topk(min(dreams, odds.numel())).indices
        return State(*(part.flatten(0, 1)[chosen] for part in lived))


def filtered(networks: Networks, batch: Batch, num_actions: int, noise: Noise) -> Observed:
    """Lived sequences (B, T) through V and M, from the zero state."""
    return networks.dynamics.observe(
        networks.encoder(to_patches(batch.image), batch.vector, batch.sound),
        previous_action(batch.vector, num_actions),
        batch.is_first,
        networks.dynamics.initial(batch.vector.shape[0], batch.vector.device),
        noise,
    )


def world_models_loss(
    networks: Networks,
    batch: Batch,
    num_actions: int,
    config: Config,
    surprise_scale: Tensor,
    noise: Noise,
) -> ModelLoss:
    """V: reconstruction and KL(q(z|o) || N(0, 1)). M: -log of the mixture at the next z, reward and
    continue, of which V learns nothing.

    Surprise is log q(z|o) - log of the mixture: KL(posterior || prior) by one sample.
    """
    dynamics = networks.dynamics
    assert isinstance(dynamics, MdnDynamics)
    observed = filtered(networks, batch, num_actions, noise)
    z = observed.state.stoch
    decoded = networks.decoder(z)
    trainer, own = config.trainer, config.world_models
    image = torch.zeros(z.shape[:2], device=z.device)
    if decoded.patches.numel():
        seen = to_patches(batch.image)
        image = trainer.reconstruction * (decoded.patches - seen).square().sum((-3, -2, -1))
    felt = trainer.reconstruction * trainer.precision
    vector = felt * (decoded.vector - symlog(batch.vector)).square().sum(-1)
    sound = torch.zeros_like(image)
    if batch.sound is not None:
        sound = trainer.reconstruction * (decoded.sound - batch.sound).square().sum(-1)
    standard = dynamics.standard_kl(observed.posterior)

    # What begins, and the first step of a window, follows on nothing that is known.
    known = (~batch.is_first).to(z.dtype)
    known[:, 0] = 0.0
    foretold = dynamics.mixture.log_prob(observed.prior, z.detach())
    surprise = known * dynamics.surprise(observed)
    bonus = surprise_bonus(surprise, config, surprise_scale)
    feature = State(observed.state.deter, z.detach()).feature
    paid = batch.reward + bonus
    reward = known * networks.reward.loss(networks.reward.raw(feature), paid)
    goes_on = (~batch.is_terminal).to(z.dtype)
    if config.dream.discount_in == "continue":
        goes_on = goes_on * config.dream.discount
    continues = F.binary_cross_entropy_with_logits(
        networks.continues(feature).squeeze(-1), goes_on, reduction="none"
    )
    each = image + vector + sound + own.kl * standard - known * foretold + reward + continues
    total = (each if batch.learned is None else each * batch.learned).mean()
    terms = {
        "loss_image": image.mean(),
        "loss_vector": vector.mean(),
        **({} if batch.sound is None else {"loss_sound": sound.mean()}),
        "loss_kl": standard.mean(),
        "loss_mixture": -(known * foretold).sum() / known.sum().clamp(min=1.0),
        "loss_reward": reward.mean(),
        "loss_continue": continues.mean(),
        "loss_model": total,
        "surprise": surprise.sum().clamp(min=0.0) / known.sum().clamp(min=1.0),
    }
    terms = {name: term.detach() for name, term in terms.items()}
    return ModelLoss(total, terms, observed, paid.detach())
