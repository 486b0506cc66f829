"""What a life was worth and how it surprised, thought again by the weights that lived it."""

from collections.abc import Callable

from agent.replay.applied_weights import LivedWeights
from agent.replay.exact_replay import think_along
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.run_steps import Lived
from interfaces.session.timeline import Diary


def think(
    run: RunFolder,
    lived: Lived,
    diary: Diary,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Fill the diary's value and surprise, row by row; what cannot be thought stays NaN, and why is
    counted. Raises SessionError for damage, and where the records are others than they were."""
    config = run.config
    weights = LivedWeights(run, lived.spaces, config)
    for row, (step, thought) in enumerate(think_along(lived, weights, config, weights.keyframes())):
        if stopped() or row >= len(diary):  # it may live on meanwhile
            return
        if int(step["index"]) != diary.index[row]:
            raise SessionError(f"{lived.source} has changed while it was looked at")
        if isinstance(thought, str):
            diary.unthought[thought] += 1
        else:
            diary.value[row], diary.surprise[row] = thought.value, thought.surprise
        diary.thought = row + 1
        progress(row + 1)
