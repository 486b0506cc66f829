"""Short recorded runs are replayed: a code change that alters a decision fails here.

If you intend the change, run `python -m tests.golden.lives.make` and explain it in the commit. The
comparison has a tolerance, because other processors and versions of torch round differently. The
command `replay` compares bit for bit.
"""

import numpy as np
import pytest
import torch

from agent.replay.applied_weights import AppliedWeights
from agent.replay.exact_replay import replay_decisions
from interfaces.runtime.run_folder import open_run
from interfaces.session.run_steps import RunSteps
from tests.golden.lives.make import HERE, RECORDINGS, STEPS

_TOLERANCE = 1e-4  # of actions in -1..1 and of log-probabilities; rounding is below 1e-5


def replayed(name, change=lambda networks: None):
    """(recorded, replayed) chosen actions and log-probabilities (T, A + 1)."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as when they were recorded
    run = open_run(HERE / name)
    steps = RunSteps(run)
    applied = AppliedWeights(run, steps.spaces, run.config)

    def weights(version):
        networks = applied(version)
        change(networks)
        return networks

    pairs = []
    for step, decision in replay_decisions(steps, weights, run.config):
        assert not isinstance(decision, str), decision
        recorded = [*step["chosen"], step["log_prob"]]
        pairs.append((recorded, [*decision.chosen, decision.log_prob]))
    return np.array(pairs, np.float64).swapaxes(0, 1)


@pytest.mark.parametrize("name", list(RECORDINGS))
def test_decisions_are_the_same_as_recorded(name):
    recorded, ours = replayed(name)
    assert len(recorded) == STEPS
    np.testing.assert_allclose(ours, recorded, rtol=0, atol=_TOLERANCE)
    versions = {int(step["weights_version"]) for step in RunSteps(open_run(HERE / name))}
    assert len(versions) > 1, "the weights changed during the run"
    assert np.unique(recorded[:, :-1], axis=0).shape[0] > 1, "the actions vary"


@pytest.mark.parametrize("name", list(RECORDINGS))
def test_changing_the_policy_weights_by_1_percent_changes_decisions(name):
    changed = set()

    @torch.no_grad()
    def change(networks):
        if id(networks) not in changed:
            changed.add(id(networks))
            changed.add(networks)  # holds a reference, so that no id is used twice
            for weight in networks.policy.parameters():
                weight.mul_(1.01)

    recorded, ours = replayed(name, change)
    assert np.abs(ours - recorded).max() > _TOLERANCE
