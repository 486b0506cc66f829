"""`replay --view` and `--mp4`: shows a recorded run in the browser, or writes it as a video."""

import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from agent.replay.exact_replay import require_one_world
from agent.replay.model_estimates import fill_estimates
from configs.errors import BadInput
from configs.visible_text import visible
from interfaces.core.sense_map import sense_map
from interfaces.ipc.access_token import new_token, token_file
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import shared_lock
from interfaces.runtime.terminal import transient_progress
from interfaces.runtime.user_folder import tokens_folder
from interfaces.session.export.annotated_video import to_annotated_video
from interfaces.session.export.output_files import check_new_path
from interfaces.session.export.video_stream import av_module
from interfaces.session.run_steps import RunSteps
from interfaces.session.timeline import Timeline, read_timeline


def view(run: RunFolder, port: int, console: Console, *, show: bool, quiet: bool) -> None:
    """Serve a page until Ctrl-C. A thread recomputes value and surprise meanwhile.

    `show` opens the page in a browser. Raises BadInput where NiceGUI is missing, the port is taken
    or the run has several worlds, and SessionError without recorded Steps.
    """
    try:
        from interfaces.web.page_server import free_port, serve
    except ImportError as error:
        raise BadInput(f'{error}; python -m pip install -e ".[view]" -c constraints.txt') from error
    chosen_port = free_port(port)  # fails before the long read
    with shared_lock(run):
        # The page and the thread read files at the same time, so each has its own reader.
        page_steps, replay_steps = _run_steps(run), RunSteps(run)
        timeline = _read_timeline(run, page_steps, console, quiet=quiet)
        stopped = threading.Event()

        def estimate() -> None:
            try:
                fill_estimates(run, replay_steps, timeline, stopped.is_set)
            except (BadInput, OSError) as error:
                timeline.error = str(error)

        def image_at(row: int) -> NDArray[np.uint8]:
            return page_steps.at(int(timeline.index[row]))["image"]

        def ready(address: str) -> None:
            if not quiet:
                console.print(f"{address}   Ctrl-C ends", highlight=False, soft_wrap=True)

        thread = threading.Thread(target=estimate, daemon=True)
        thread.start()
        try:
            token = new_token()
            with token_file(tokens_folder() / f"page-{chosen_port}", token):
                serve(
                    *(timeline, image_at, run.name, chosen_port),
                    token=token,
                    show=show,
                    ready=ready,
                )
        finally:
            stopped.set()
            thread.join()


def write_video(run: RunFolder, out: Path, console: Console, *, quiet: bool) -> int:
    """Recompute value and surprise, then write the run as an MP4. Returns the number of frames.

    Raises BadInput for a run in several worlds, and what to_annotated_video raises.
    """
    check_new_path(out, ".mp4")  # fails before the long computation
    av_module()
    with shared_lock(run):
        steps = _run_steps(run)
        timeline = _read_timeline(run, steps, console, quiet=quiet)
        with transient_progress(console, quiet=quiet) as bar:
            task = bar.add_task("estimating", total=len(timeline))
            fill_estimates(
                run, steps, timeline, progress=lambda rows: bar.update(task, completed=rows)
            )
            if (why := timeline.missing_estimates()) and not quiet:
                console.print(visible(why), markup=False, highlight=False)
            task = bar.add_task("writing video", total=len(timeline))
            return to_annotated_video(
                steps, timeline, run.name, out, lambda rows: bar.update(task, completed=rows)
            )


def _run_steps(run: RunFolder) -> RunSteps:
    require_one_world(run)
    return RunSteps(run)


def _read_timeline(run: RunFolder, steps: RunSteps, console: Console, *, quiet: bool) -> Timeline:
    torch.set_num_threads(1)
    with transient_progress(console, quiet=quiet) as bar:
        task = bar.add_task("reading", total=steps.steps)
        timeline = read_timeline(steps, lambda rows: bar.update(task, completed=rows))
    timeline.senses = sense_map(run.config.world, steps.spaces.features)
    return timeline
