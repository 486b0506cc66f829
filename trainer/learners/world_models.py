"""World Models (Ha & Schmidhuber 2018) in cycles: fit V and M, then evolve C in dreams.

V is the autoencoder, M the MDN-RNN, C the linear controller.
"""

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks, build_networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import TorchNoise
from configs.methods.world_models_method import WorldModelsConfig
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.batch import Batch
from trainer.data.replay_buffer import ReplayBuffer
from trainer.data.train_ratio import TrainRatio
from trainer.learners.evolution.cma_es import CmaEs
from trainer.learners.evolution.controller import Controller
from trainer.learners.evolution.imagined_trials import imagined_scores
from trainer.learners.learner import Metrics
from trainer.objectives.filtering import filter_batch
from trainer.objectives.mdn_rnn_loss import mdn_rnn_loss
from trainer.optim.guarded_step import GuardedOptimizerStep
from trainer.optim.optimizer import make_optimizer, warmup_lr
from trainer.optim.running_scales import RunningMean


class WorldModelsLearner:
    """Alternates `fit` updates of the model with `generations` of CMA-ES in its dreams.

    The acting networks are a copy of the model from the end of the last search: a controller reads
    the z of one autoencoder, and later fits change z. The model that learns is `_next`, a part of
    `extra_state`. Before the first search ends, the policy is random.
    """

    def __init__(self, spaces: Spaces, config: Config, device: torch.device) -> None:
        own, trainer = config.section(WorldModelsConfig), config.trainer
        self._config, self._own, self._num_actions = config, own, spaces.num_actions
        self.device = device
        self.controller = Controller(own, spaces.num_actions)
        self.networks: Networks = build_networks(spaces, config).to(device)
        self._next = build_networks(spaces, config).to(device)
        for networks in (self.networks, self._next):
            zeros = torch.zeros(self.controller.size, device=device)
            self.controller.write(networks.policy, zeros, explores=False)
        self._search = CmaEs(own, self.controller.size, config.seed)
        self._surprise_mean = RunningMean(device)
        self.noise = TorchNoise(device)
        self.optimizers = {
            "model": make_optimizer(self._next.world_model, trainer.model_lr, trainer)
        }
        self.extra_state: dict[str, Tensor] = {
            "scale/surprise_mean": self._surprise_mean.mean,
            "scale/surprise_weight": self._surprise_mean.weight,
            "ratio/free": torch.zeros((), dtype=torch.int64),  # fits; see TrainRatio.allows
            **self._search.extra_state,
            **{f"next/{k}": v for k, v in self._next.world_model.state_dict().items()},
        }
        self.guarded_step = GuardedOptimizerStep(self.optimizers, trainer.clip)
        self.publish_updates = own.fit + own.generations  # one cycle: then the controller is new
        self.ready_at_step = 0
        self._ratio = TrainRatio(trainer)
        self.updates = 0

    @property
    def surprise_scale(self) -> Tensor:
        return self._surprise_mean.value

    def learn(self, replay: ReplayBuffer) -> Metrics | None:
        """One fit of the model if the train ratio allows it, or one generation; else None."""
        if not replay.ready:
            return None
        free = self.extra_state["ratio/free"]
        if self._is_fit and not self._ratio.allows(replay.steps, self.counted_updates, free):
            return None
        return self.update(replay.sample(self.updates))

    @property
    def counted_updates(self) -> int:
        """The fits only: a generation uses recorded steps merely as starts of dreams."""
        cycles, position = divmod(self.updates, self.publish_updates)
        fit = self._own.fit
        return cycles * fit + min(position, fit)

    def published(self, version: int) -> None:
        """Nothing to do: the steps of every version can be learned from."""

    def update(self, batch: Batch) -> Metrics:
        """One fit or one generation; metrics are tensors on the device, detached."""
        self.noise.begin(self._config.seed, self.updates)
        metrics = self._fit(batch) if self._is_fit else self._evolve(batch)
        self.updates += 1
        return metrics

    @property
    def _is_fit(self) -> bool:
        """Whether the next update is a fit; otherwise it is a generation."""
        return self.updates % self.publish_updates < self._own.fit

    def _fit(self, batch: Batch) -> Metrics:
        # A checkpoint restored in the middle of a search leaves scores of an older model.
        self._search.discard_scores()
        config, trainer = self._config, self._config.trainer
        surprise = self._surprise_mean
        loss = mdn_rnn_loss(
            self._next, batch, self._num_actions, config, surprise.value, self.noise
        )
        lr = warmup_lr(trainer.model_lr, self.updates, trainer.warmup)
        self.optimizers["model"].lr = lr
        if self.guarded_step.step(loss.total):
            surprise.update(loss.terms["surprise"])
        return loss.terms

    def _evolve(self, batch: Batch) -> Metrics:
        """One generation. After the last one, the model and the new controller act."""
        own, search = self._own, self._search
        start = self._starts(batch)
        candidates = search.ask().to(self.device)
        scores = imagined_scores(
            self._next,
            self.controller,
            candidates,
            start,
            own.dream_steps,
            self._config,
            self.noise,
        ).mean(1)
        search.tell(scores)
        if search.generation == own.generations:
            self.networks.load_state_dict(self._next.state_dict())
            solution = search.solution.to(self.device)
            self.controller.write(self.networks.policy, solution, explores=True)
            search.finish()
        return {
            "dream_return": scores.mean(),
            "dream_return_best": scores.max(),
            "evolution_sigma": search.start_sigma.float(),
        }

    @torch.no_grad()
    def _starts(self, batch: Batch) -> LatentState:
        """`dreams` random states of the batch, without excluded Steps and ends of episodes."""
        states = filter_batch(self._next, batch, self.noise).state
        eligible = ~(batch.is_last | batch.is_terminal)
        if batch.loss_mask is not None:
            eligible = eligible & batch.loss_mask
        priority = self.noise.uniform(eligible.shape) * eligible
        dreams = self._own.dreams
        chosen = priority.flatten().topk(min(dreams, priority.numel())).indices
        return LatentState(*(part.flatten(0, 1)[chosen] for part in states))
