"""Short recorded lives decide the same again: a change of code that changes an action is seen here.

Where it is meant: python -m tests.golden.lives.make, and say why in the commit. Not bit for bit,
since other processors and versions of torch round otherwise; `replay` is for that.
"""

import numpy as np
import pytest
import torch

from agent.replay.applied_weights import LivedWeights
from agent.replay.exact_replay import think_along
from interfaces.runtime.run_folder import open_run
from interfaces.session.run_steps import Lived
from tests.golden.lives.make import HERE, LIVES, STEPS

_NEAR = 1e-4  # of actions of -1..1, and of log-probabilities; rounding is under 1e-5


def replayed(name, change=lambda networks: None):
    """(recorded, replayed) chosen actions and log-probabilities (T, A + 1)."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as it was set when they were lived
    run = open_run(HERE / name)
    lived = Lived(run)
    kept = LivedWeights(run, lived.spaces, run.config)

    def weights(version):
        networks = kept(version)
        change(networks)
        return networks

    pairs = []
    for step, thought in think_along(lived, weights, run.config):
        assert not isinstance(thought, str), thought
        recorded = [*step["chosen"], step["log_prob"]]
        pairs.append((recorded, [*thought.chosen, thought.log_prob]))
    return np.array(pairs, np.float64).swapaxes(0, 1)


@pytest.mark.parametrize("name", list(LIVES))
def test_it_decides_the_same_again(name):
    recorded, again = replayed(name)
    assert len(recorded) == STEPS
    np.testing.assert_allclose(again, recorded, rtol=0, atol=_NEAR)
    versions = {int(step["weights_version"]) for step in Lived(open_run(HERE / name))}
    assert len(versions) > 1, "weights changed while it lived"
    assert np.unique(recorded[:, :-1], axis=0).shape[0] > 1, "it does not always do the same"


@pytest.mark.parametrize("name", list(LIVES))
def test_a_change_of_one_layer_by_a_hundredth_is_seen(name):
    changed = set()

    @torch.no_grad()
    def change(networks):
        if id(networks) not in changed:
            changed.add(id(networks))
            changed.add(networks)  # kept alive: no id is used twice
            for weight in networks.policy.parameters():
                weight.mul_(1.01)

    recorded, again = replayed(name, change)
    assert np.abs(again - recorded).max() > _NEAR
