"""Rollouts and journals for tests of PPO."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender, StepLayout
from interfaces.journal import JournalReader, JournalWriter
from trainer.data.batch import Batch, Rollout


def random_rollout(
    spaces: Spaces,
    steps: int,
    seed: int,
    terminal: tuple[int, ...] = (),
    cut: tuple[int, ...] = (),
) -> Rollout:
    """`steps` random steps without pictures; `terminal` and `cut` are the steps that end one."""
    random = np.random.default_rng(seed)
    has_next = np.ones(steps, bool)
    has_next[[*terminal, *cut, steps - 1]] = False
    is_terminal = np.zeros(steps, bool)
    is_terminal[list(terminal)] = True

    def normal(*shape: int) -> torch.Tensor:
        return torch.from_numpy(random.standard_normal(shape).astype(np.float32))

    def after(of_step: torch.Tensor) -> torch.Tensor:
        """(N,) -> (N, 2): zeros at the step, the values at the row after it."""
        return torch.stack([torch.zeros_like(of_step), of_step], 1)

    vector, chosen = normal(steps, 2, spaces.vector_size), normal(steps, spaces.num_actions)
    log_prob, reward = normal(steps) - 1.5, normal(steps)
    pair = Batch(
        image=torch.zeros(steps, 2, 0, 0, 3, dtype=torch.uint8),
        vector=vector,
        reward=after(reward),
        is_first=torch.zeros(steps, 2, dtype=torch.bool),
        is_terminal=after(torch.from_numpy(is_terminal)),
        is_last=after(torch.from_numpy(is_terminal)),
    )
    return Rollout(pair, chosen, log_prob, torch.from_numpy(has_next))


def policy_journal(
    folder: Path, spaces: Spaces, steps: int, *changes: tuple[int, str, Any]
) -> JournalReader:
    """`steps` rows of the policy with weights version 3; `changes` are (row, field, value)."""
    writer = JournalWriter(
        folder, StepLayout(spaces), segment_steps=16, max_steps=1000, background=False
    )
    row = np.zeros((), StepLayout(spaces).dtype)
    for t in range(steps):
        row[...] = np.zeros((), row.dtype)
        row["weights_version"], row["sender"], row["is_first"] = 3, Sender.POLICY, t == 0
        row["vector"], row["chosen"], row["log_prob"] = t, 0.1 * t, -0.01 * t
        row["world_reward"] = 10 * t
        for at, field, value in changes:
            if at == t:
                row[field] = value
        writer.append(row)
    writer.close()
    return JournalReader(folder)
