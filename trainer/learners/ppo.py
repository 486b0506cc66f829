"""Proximal policy optimisation (Schulman 2017): policy and value from what was lived, without a
model, each step used only as long as the weights that lived it are in force."""

import torch
from torch import Tensor

from agent.networks.agent_networks import ActingNetworks, build_for
from agent.networks.noise import TorchNoise
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.replay_buffer import Replay
from trainer.data.rollouts import Rollout, advantages, clipped_objective, normalised
from trainer.learners.learner import Descent, Metrics
from trainer.optim.optimizer import make_optimizer, warmed_up

_AT_ONCE = 512  # pairs whose value is asked for together: pictures fill memory


class PPOLearner:
    """One update is a whole rollout: several epochs of minibatches, then the body gets the weights.

    What other weights, a person or the guard did is never learned from.
    """

    def __init__(self, spaces: Spaces, config: Config, device: torch.device) -> None:
        self._config = config
        self.networks: ActingNetworks = build_for(spaces, config).to(device)
        self.noise = TorchNoise(device)
        self.optimizers = {"ppo": make_optimizer(self.networks, config.ppo.lr, config.trainer)}
        self.descent = Descent(self.optimizers, config.trainer.clip)
        self.publish_updates = 1
        self.updates = 0
        self._learned_to = torch.zeros((), dtype=torch.int64)  # index in the journal
        self.kept = {"ppo/learned_to": self._learned_to}
        self._version = 0
        self.look_at = 0

    def published(self, version: int) -> None:
        """From now on only what this version lives counts."""
        self._version, self.look_at = version, 0

    @property
    def charged(self) -> int:
        return self.updates

    @property
    def surprise_scale(self) -> Tensor:
        return torch.ones((), device=self._learned_to.device)

    def learn(self, replay: Replay) -> Metrics | None:
        """One update when the weights in force have lived a rollout."""
        if replay.steps < self.look_at:
            return None
        rollout, start = self._config.ppo.rollout, self._start(replay)
        self.look_at = start + rollout + 1  # the newest step is not answered yet
        if replay.steps < self.look_at:
            return None
        lived = replay.acted_by(self._version, start)
        if len(lived) < rollout:
            self.look_at = replay.steps + rollout - len(lived)
            return None
        self._learned_to.fill_(replay.steps)
        return self.update(replay.rollout(lived))

    def update(self, rollout: Rollout) -> Metrics:
        """Epochs of shuffled minibatches; metrics are their means, on the device, detached."""
        ppo = self._config.ppo
        value_N2 = self._values(rollout)
        advantage = advantages(rollout, value_N2, ppo.discount, ppo.lam)
        target = advantage + value_N2[:, 0]
        steps, seen = len(advantage), list[Tensor]()
        left_out = self.descent.in_a_row
        self._warm_up()
        self.noise.begin(self._config.seed, self.updates)
        for _ in range(ppo.epochs):
            order = self.noise.uniform((steps,)).argsort(stable=True)
            for part in order.tensor_split(max(1, steps // ppo.minibatch)):
                seen.append(self._descend(rollout, advantage[part], target[part], part))
        # An update is a rollout, not each of its parts.
        all_left_out = self.descent.in_a_row >= len(seen)
        self.descent.in_a_row = left_out + 1 if all_left_out else 0
        self.updates += 1
        names = ("loss_policy", "loss_value", "entropy", "policy_kl")
        return dict(zip(names, torch.stack(seen).mean(0).unbind(), strict=True))

    def _descend(self, rollout: Rollout, advantage: Tensor, target: Tensor, part: Tensor) -> Tensor:
        """Down the loss of the rows `part`; what it was made of (4,)."""
        ppo, networks = self._config.ppo, self.networks
        feature = self._feature(rollout, part, 0)
        log_prob, entropy = networks.policy.judge(
            networks.policy.intend(feature), rollout.chosen[part]
        )
        old = rollout.log_prob[part]
        climbed = clipped_objective(log_prob, old, normalised(advantage), ppo.clip)
        policy = -climbed.mean()
        value = networks.value.loss(networks.value.raw(feature), target).mean()
        entropy = entropy.mean()
        self.descent.step(policy + ppo.value_weight * value - ppo.entropy * entropy)
        return torch.stack([policy, value, entropy, (old - log_prob).mean()]).detach()

    @torch.no_grad()
    def _values(self, rollout: Rollout) -> Tensor:
        """(N, 2), before and after each action."""
        rows = torch.arange(len(rollout.reward), device=rollout.reward.device)
        found = [
            torch.stack([self.networks.value(self._feature(rollout, part, i)) for i in (0, 1)], -1)
            for part in rows.split(_AT_ONCE)
        ]
        return torch.cat(found)

    def _feature(self, rollout: Rollout, rows: Tensor, moment: int) -> Tensor:
        """What the heads read of these rows, before (0) or after (1) the action: (rows, F).
        Without memory the tokens are all there is."""
        sound = None if rollout.sound is None else rollout.sound[rows, moment]
        patches = to_patches(rollout.image[rows, moment])
        return self.networks.encoder(patches, rollout.vector[rows, moment], sound)

    def _warm_up(self) -> None:
        lr = warmed_up(self._config.ppo.lr, self.updates, self._config.trainer.warmup)
        self.optimizers["ppo"].lr = lr

    def _start(self, replay: Replay) -> int:
        """The first Step not learned from. A journal that was damaged goes back, and so does it."""
        if int(self._learned_to) > replay.steps:
            self._learned_to.fill_(replay.steps)
        return max(int(self._learned_to), replay.first)
