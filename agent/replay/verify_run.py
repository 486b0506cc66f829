"""`replay`: recomputes every decision of a recorded run and reports the result."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from agent.replay.applied_weights import AppliedWeights
from agent.replay.exact_replay import ReplayReport, require_one_world, verify
from configs.errors import BadInput
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import shared_lock
from interfaces.runtime.terminal import transient_progress
from interfaces.session.run_steps import RunSteps
from interfaces.weights.versions import stored_versions


def replay_run(run: RunFolder, console: Console, *, quiet: bool) -> ReplayReport:
    """Verify every tick.

    Raises BadInput for a run that was recorded as JPEG or in several worlds, and SessionError for a
    folder without recorded Steps.
    """
    config, steps = run.config, RunSteps(run)
    if not steps.exact:
        raise BadInput(f"{steps.source}: its images are JPEG, so an exact replay is impossible")
    require_one_world(run)
    torch.set_num_threads(1)
    torch.set_flush_denormal(not run.processes.exists())  # lockstep sets it, live runs do not
    weights = AppliedWeights(run, steps.spaces, config)
    used_versions = set[int]()
    with shared_lock(run), transient_progress(console, quiet=quiet) as bar:
        task = bar.add_task("replaying", total=steps.steps)
        report = verify(
            _noting_versions(steps, used_versions),
            weights,
            config,
            lambda ticks: bar.update(task, completed=ticks),
            weights.latent_snapshots(),
        )
    missing = sorted(used_versions - {0, *stored_versions(run.weights)})
    report.missing = steps.missing + _missing_weights(missing)
    return report


def _noting_versions(
    steps: Iterable[NDArray[np.void]], versions: set[int]
) -> Iterator[NDArray[np.void]]:
    for step in steps:
        versions.add(int(step["weights_version"]))
        yield step


def _missing_weights(versions: list[int]) -> list[str]:
    """Describes versions that are not stored, given in ascending order."""
    if not versions:
        return []
    if len(versions) < 4:
        return [f"weights {', '.join(map(str, versions))}"]
    return [f"{len(versions)} versions of the weights, {versions[0]} to {versions[-1]}"]


def format_report(report: ReplayReport) -> str:
    """The report as text, one fact per line."""
    lines = [f"{report.verified} of {report.ticks} ticks verified"]
    lines += [f"not verified: {count} ({why})" for why, count in report.unverified.most_common()]
    if report.first_difference is not None:
        lines.append(f"{report.differing} differ, the first at {report.first_difference}")
    elif report.verified:
        lines.append("every verified decision is the same, bit for bit")
    lines += [f"missing: {part}" for part in report.missing]
    return "\n".join(lines)
