"""`replay`: a recorded run thought through again, and what came of it."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from agent.replay.applied_weights import LivedWeights
from agent.replay.exact_replay import Verdict, require_one_world, verify
from configs.errors import BadInput
from interfaces.cli.terminal import passing_bar
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import look_at
from interfaces.session.run_steps import Lived
from interfaces.weights.versions import kept_versions


def replay_run(run: RunFolder, console: Console, *, quiet: bool) -> Verdict:
    """Verify every tick. Raises BadInput for a run that cannot be: recorded by JPEG, or lived in
    several worlds side by side; and what a folder without a life raises."""
    config, lived = run.config, Lived(run)
    if not lived.exact:
        raise BadInput(f"{lived.source}: its pictures are JPEG, so no replay of them can be exact")
    require_one_world(run)
    torch.set_num_threads(1)
    torch.set_flush_denormal(not run.processes.exists())  # as it was set in lockstep
    weights = LivedWeights(run, lived.spaces, config)
    versions = set[int]()
    with look_at(run), passing_bar(console, quiet=quiet) as bar:
        task = bar.add_task("replaying", total=lived.steps)
        found = verify(
            _noting(lived, versions),
            weights,
            config,
            lambda ticks: bar.update(task, completed=ticks),
            weights.keyframes(),
        )
    gone = sorted(versions - {0, *kept_versions(run.weights)})
    found.missing = lived.missing + _versions(gone)
    return found


def _noting(steps: Iterable[NDArray[np.void]], versions: set[int]) -> Iterator[NDArray[np.void]]:
    for step in steps:
        versions.add(int(step["weights_version"]))
        yield step


def _versions(gone: list[int]) -> list[str]:
    """Of weights that lived it and are not kept, ascending."""
    if not gone:
        return []
    if len(gone) < 4:
        return [f"weights {', '.join(map(str, gone))}"]
    return [f"{len(gone)} versions of the weights, {gone[0]} to {gone[-1]}"]


def told(verdict: Verdict) -> str:
    """For people."""
    lines = [f"{verdict.verified} of {verdict.ticks} ticks verified"]
    lines += [f"not verified: {count} ({why})" for why, count in verdict.unverified.most_common()]
    if verdict.first is not None:
        lines.append(f"{verdict.differing} differ, the first at {verdict.first}")
    elif verdict.verified:
        lines.append("every one of them decided the same, bit for bit")
    lines += [f"not there: {each}" for each in verdict.missing]
    return "\n".join(lines)
