"""`replay --view` and `--mp4`: a recorded life, looked at."""

import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from agent.replay.exact_replay import require_one_world
from agent.replay.model_estimates import think
from configs.errors import BadInput
from interfaces.cli.terminal import passing_bar
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import look_at
from interfaces.session.export import arrays_and_video as export
from interfaces.session.export.annotated_video import to_film
from interfaces.session.run_steps import Lived
from interfaces.session.timeline import Diary, read_diary


def view(run: RunFolder, port: int, console: Console, *, show: bool, quiet: bool) -> None:
    """A page in the browser until Ctrl-C; the curves fill while it is thought again. Raises
    BadInput where NiceGUI is missing or the port is taken."""
    try:
        from interfaces.web.page_server import free_port, serve
    except ImportError as error:
        raise BadInput(f'{error}; python -m pip install -e ".[view]" -c constraints.txt') from error
    chosen = free_port(port)  # before all of it is read for nothing
    with look_at(run):
        lived, beside = _lived(run), Lived(run)  # the page reads files while it is thought again
        diary, stopped = _read(lived, console, quiet=quiet), threading.Event()

        def think_beside() -> None:
            try:
                think(run, beside, diary, stopped.is_set)
            except (BadInput, OSError) as error:
                diary.trouble = str(error)

        def picture(row: int) -> NDArray[np.uint8]:
            return lived.at(int(diary.index[row]))["image"]

        def ready(address: str) -> None:
            if not quiet:
                console.print(f"{address}   Ctrl-C ends", highlight=False)

        thinking = threading.Thread(target=think_beside, daemon=True)
        thinking.start()
        try:
            serve(diary, picture, run.path.name, chosen, show=show, ready=ready)
        finally:
            stopped.set()
            thinking.join()


def film(run: RunFolder, out: Path, console: Console, *, quiet: bool) -> int:
    """Think it again, then write the MP4; how many pictures. Raises what to_film raises."""
    export.new(out, ".mp4")  # before hours are thought for nothing
    export.av_module()
    with look_at(run):
        lived = _lived(run)
        diary = _read(lived, console, quiet=quiet)
        with passing_bar(console, quiet=quiet) as bar:
            task = bar.add_task("thinking", total=len(diary))
            think(run, lived, diary, progress=lambda rows: bar.update(task, completed=rows))
            if (why := diary.unknown()) and not quiet:
                console.print(why, markup=False, highlight=False)
            task = bar.add_task("filming", total=len(diary))
            return to_film(
                lived, diary, run.path.name, out, lambda rows: bar.update(task, completed=rows)
            )


def _lived(run: RunFolder) -> Lived:
    require_one_world(run)
    return Lived(run)


def _read(lived: Lived, console: Console, *, quiet: bool) -> Diary:
    torch.set_num_threads(1)
    with passing_bar(console, quiet=quiet) as bar:
        task = bar.add_task("reading", total=lived.steps)
        return read_diary(lived, lambda rows: bar.update(task, completed=rows))
