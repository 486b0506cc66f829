"""`replay --view` and `--mp4`: a recorded life, looked at."""

import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from agent.thoughts import think
from configs.errors import BadInput
from interfaces.run_folder import RunFolder
from interfaces.session.diary import Diary, read_diary
from interfaces.session.film import to_film
from interfaces.session.lived import Lived


def view(run: RunFolder, port: int, console: Console, *, show: bool, quiet: bool) -> None:
    """A page in the browser until Ctrl-C; the curves fill while it is thought again. Raises
    BadInput where NiceGUI is missing or the port is taken."""
    try:
        from interfaces.player.serve import serve
    except ImportError as error:
        raise BadInput(f'{error}; python -m pip install -e ".[view]" -c constraints.txt') from error
    lived, diary = _read(run, console, quiet=quiet)
    stopped = threading.Event()
    beside = Lived(run)  # files of its own: the page reads others at the same time
    thinking = threading.Thread(
        target=think, args=(run, beside, diary, stopped.is_set), daemon=True
    )
    thinking.start()

    def picture(row: int) -> NDArray[np.uint8]:
        return lived.at(int(diary.index[row]))["image"]

    def ready(address: str) -> None:
        if not quiet:
            console.print(f"{address}   Ctrl-C ends", highlight=False)

    try:
        serve(diary, picture, run.path.name, port, show=show, ready=ready)
    finally:
        stopped.set()
        thinking.join()


def film(run: RunFolder, out: Path, console: Console, *, quiet: bool) -> int:
    """Think it again, then write the MP4; how many pictures. Raises what to_film raises."""
    from interfaces.session.export import new

    new(out, ".mp4")  # before hours are thought for nothing
    lived, diary = _read(run, console, quiet=quiet)
    with Progress(console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("thinking", total=len(diary))
        think(run, lived, diary, progress=lambda rows: bar.update(task, completed=rows))
        task = bar.add_task("filming", total=len(diary))
        return to_film(
            lived, diary, run.path.name, out, lambda rows: bar.update(task, completed=rows)
        )


def _read(run: RunFolder, console: Console, *, quiet: bool) -> tuple[Lived, Diary]:
    lived = Lived(run)
    if run.config.world.gymnasium.worlds > 1:
        raise BadInput(f"{run.path}: several worlds share its journal; one life only is shown")
    torch.set_num_threads(1)
    with Progress(console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("reading", total=lived.steps)
        return lived, read_diary(lived, lambda rows: bar.update(task, completed=rows))
