"""Value and surprise of a recorded run, recomputed with the weights that acted in it."""

from collections.abc import Callable

from agent.replay.applied_weights import AppliedWeights
from agent.replay.exact_replay import replay_decisions
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.run_steps import RunSteps
from interfaces.session.timeline import Timeline


def fill_estimates(
    run: RunFolder,
    steps: RunSteps,
    timeline: Timeline,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Fill the timeline's value and surprise (nats), row by row, until the end or `stopped`.

    Rows that cannot be recomputed stay NaN; the timeline counts them by reason. `progress` receives
    the number of rows so far. Raises SessionError for damage, and where the records have changed
    since the timeline was read.
    """
    config = run.config
    weights = AppliedWeights(run, steps.spaces, config)
    for row, (step, replayed) in enumerate(
        replay_decisions(steps, weights, config, weights.latent_snapshots())
    ):
        if stopped() or row >= len(timeline):  # a running run appends rows meanwhile
            return
        if int(step["index"]) != timeline.index[row]:
            raise SessionError(f"{steps.source} has changed during the replay")
        if isinstance(replayed, str):
            timeline.not_estimated[replayed] += 1
        else:
            timeline.value[row], timeline.surprise[row] = replayed.value, replayed.surprise
        timeline.estimated = row + 1
        progress(row + 1)
