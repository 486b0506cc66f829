"""replay_decisions and verify: where the memory of the body is known, and where it is not."""

import numpy as np

from agent.networks.agent_networks import build_method_networks
from agent.networks.dynamics import LatentState
from agent.replay.applied_weights import AppliedWeights
from agent.replay.exact_replay import replay_decisions, verify
from interfaces.core.world import Situation
from interfaces.session.run_steps import RunSteps
from tests.agent.replay.runs import STEPS, UNKNOWN_AFTER_GAP, journal_steps

SNAPSHOT = 100  # index of the only Step with a latent snapshot after the first one


def decisions(steps, weights, config, **options):
    return [decision for _, decision in replay_decisions(steps, weights, config, **options)]


def test_recorded_first_step_after_a_gap_is_a_first_step(run):
    config, steps = run.config, journal_steps(run)
    first = steps[60].copy()
    first["is_first"] = True
    weights = AppliedWeights(run, RunSteps(run).spaces, config)
    with_gap = [*steps[:30], first, *steps[61:80]]
    assert not any(isinstance(each, str) for each in decisions(with_gap, weights, config))
    first["situation"] |= np.uint32(Situation.AFTER_GAP)  # the step writer set is_first
    assert set(decisions(with_gap, weights, config)[30:]) == {UNKNOWN_AFTER_GAP}
    first["is_first"] = False
    assert set(decisions(with_gap, weights, config)[30:]) == {UNKNOWN_AFTER_GAP}


def test_fresh_memory_gives_decisions_after_every_gap(run):
    steps = journal_steps(run)
    networks = build_method_networks(RunSteps(run).spaces, run.config).eval()
    with_gap = [*steps[5:30], *steps[60:]]
    replayed = decisions(with_gap, lambda _: networks, run.config, assume_fresh_memory=True)
    assert not any(isinstance(each, str) for each in replayed)


def test_latent_snapshot_restores_the_memory_where_the_first_steps_are_missing(run):
    steps = journal_steps(run, SNAPSHOT - 20)
    weights = AppliedWeights(run, RunSteps(run).spaces, run.config)
    report = verify(steps, weights, run.config, latent_snapshots=weights.latent_snapshots())
    assert (report.verified, report.differing) == (STEPS - SNAPSHOT - 1, 0)


def test_wrong_latent_snapshot_is_reported_as_a_difference(run):
    weights = AppliedWeights(run, RunSteps(run).spaces, run.config)
    wrong = {
        index: LatentState(deter + 1e-6, stoch)
        for index, (deter, stoch) in weights.latent_snapshots().items()
    }
    report = verify(journal_steps(run, 90), weights, run.config, latent_snapshots=wrong)
    assert report.differing > 0
    assert report.first_difference.index == SNAPSHOT + 1
