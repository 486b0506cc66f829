"""The output of `train`: a progress bar, a line of metrics each second, and a summary."""

import threading
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from configs.schema import Config
from interfaces.core.learning_methods import learning_method
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.ipc.board import Board
from interfaces.runtime.metrics import MetricsLog, losses, metrics_line, shown_metric, summary
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.terminal import print_line
from trainer.running.lockstep import LockstepTrainer


def progress_bar(console: Console, *, quiet: bool) -> Progress:
    """A progress bar with the time left; each task has a text field `gauges`."""
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=6)),
        BarColumn(bar_width=10),
        MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=11)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("{task.fields[gauges]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
    )
    return Progress(*columns, console=console, disable=quiet)


def run_lockstep(
    lockstep: LockstepTrainer,
    run: RunFolder,
    config: Config,
    steps: int,
    stopped: threading.Event,
    console: Console,
    *,
    quiet: bool,
) -> None:
    """Acts and learns until `steps` environment steps; writes metrics.jsonl and summary.json.

    Raises what LockstepTrainer.run raises.
    """
    board, began, steps_before = lockstep.board, time.perf_counter(), lockstep.steps
    if lockstep.dropped_steps and not quiet:
        print_line(
            f"resumes at step {lockstep.steps} from the last checkpoint; the "
            f"{lockstep.dropped_steps} steps recorded after it are dropped",
            console,
        )
    first_losses, next_line = dict[str, float](), began
    has_world_model = learning_method(config).has_world_model

    def gauges() -> str:
        return _gauges(board, has_world_model=has_world_model)

    with MetricsLog(run.metrics) as log, progress_bar(console, quiet=quiet) as bar:
        task = bar.add_task("training", total=steps, completed=lockstep.steps, gauges="")

        def progress(steps_done: int) -> None:
            nonlocal next_line, first_losses
            if not first_losses and board["session_updates"]:
                first_losses = losses(board)
            if (now := time.perf_counter()) < next_line:
                return
            next_line = now + 1.0
            log.write(metrics_line(board, config.reward, now - began))
            bar.update(task, completed=steps_done, gauges=gauges())

        lockstep.run(steps, progress, stopped.is_set)
        bar.update(task, completed=lockstep.steps, gauges=gauges())
        seconds = time.perf_counter() - began
        log.write(metrics_line(board, config.reward, seconds))
    if steps_before >= steps and not board["session_updates"] and run.summary.exists():
        if not quiet:
            print_line(
                f"the run already has {steps_before} steps and {int(board['updates'])} updates: "
                f"nothing to do for --steps {steps}",
                console,
            )
        return
    replayed = int(board["session_updates"]) * learning_method(config).replayed_per_update(config)
    content = summary(
        board,
        config.reward,
        exit_word="interrupted" if stopped.is_set() else "clean",
        seconds=seconds,
        acting_s=int(board["ticks"]) / config.tick.hz,
        steps=lockstep.steps,
        train_ratio=replayed / max(1, int(board["ticks"])),
        first_losses=first_losses,
        restarts={},
        memory_mb={},
    )
    write_checked_json(run.summary, content)
    if not quiet:
        print_line(
            f"{lockstep.steps} steps, {content['total_updates']} updates in {seconds:.0f} s, "
            f"sum of rewards {content['reward']['sum']:+.2f}\nwritten to {run.path}",
            console,
        )


def _gauges(board: Board, *, has_world_model: bool) -> str:
    updates = f"updates {int(board['updates'])}"
    if not has_world_model:
        return (
            f"{updates}  policy loss {shown_metric(board, 'loss/policy', 3)}  "
            f"value loss {shown_metric(board, 'loss/value')}"
        )
    return (
        f"{updates}  model loss {shown_metric(board, 'loss/model')}  "
        f"dreamed return {shown_metric(board, 'dream/return')}"
    )
