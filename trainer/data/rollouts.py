"""On-policy data: whole rollouts of the weights in force, each step used once."""

import torch

from trainer.data.batch import Rollout
from trainer.data.replay_buffer import ReplayBuffer


class RolloutQueue:
    """Gives a rollout of at least `steps` steps when the weights in force have recorded it.

    Steps of other weights, of a person or of the guard are never in it. `learned_to` () int64 is
    the index in the journal up to which steps were used; a checkpoint must hold it.
    """

    def __init__(self, steps: int) -> None:
        self._rollout_steps = steps
        self.learned_to = torch.zeros((), dtype=torch.int64)
        self._version = 0
        self.ready_at_step = 0  # see Learner.ready_at_step

    def published(self, version: int) -> None:
        """From now on only steps of this version of the weights are used."""
        self._version, self.ready_at_step = version, 0

    def take(self, replay: ReplayBuffer) -> Rollout | None:
        """The next rollout, whose steps then count as used; None until it is complete."""
        if replay.steps < self.ready_at_step:
            return None
        start = self._start(replay)
        self.ready_at_step = start + self._rollout_steps + 1  # the newest step has no outcome yet
        if replay.steps < self.ready_at_step:
            return None
        indices = replay.policy_steps(self._version, start)
        if len(indices) < self._rollout_steps:
            self.ready_at_step = replay.steps + self._rollout_steps - len(indices)
            return None
        self.learned_to.fill_(replay.steps)
        return replay.rollout(indices)

    def _start(self, replay: ReplayBuffer) -> int:
        """Index of the first Step that no update has used.

        The index is lowered if a damaged journal has lost its newest Steps.
        """
        if int(self.learned_to) > replay.steps:
            self.learned_to.fill_(replay.steps)
        return max(int(self.learned_to), replay.first)
