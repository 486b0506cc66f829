"""The output of `train --sessions`: progress of import and learning, and a summary."""

import threading
import time
from collections.abc import Sequence

from rich.console import Console

from configs.schema import Config
from interfaces.ipc.atomic_files import write_checked_json
from interfaces.runtime.metrics import (
    MetricsLog,
    losses,
    metrics_line,
    reward_per_step,
    shown_metric,
)
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.terminal import print_line
from interfaces.session.format.session import Session
from trainer.running.lockstep_command import progress_bar
from trainer.running.offline import OfflineTrainer
from trainer.running.session_import import ImportInterrupted, import_sessions


def learn_offline(
    run: RunFolder,
    config: Config,
    sessions: Sequence[Session],
    updates: int | None,
    stopped: threading.Event,
    console: Console,
    *,
    quiet: bool,
) -> None:
    """Imports the sessions, learns until `updates`, and writes metrics.jsonl and summary.json.

    `updates` None: the default for the number of Steps. Raises what import_sessions and
    OfflineTrainer raise, except ImportInterrupted.
    """
    began = time.perf_counter()
    with MetricsLog(run.metrics) as log, progress_bar(console, quiet=quiet) as bar:
        total = sum(session.steps_recorded for session in sessions)
        import_task = bar.add_task("importing", total=total, gauges="")
        try:
            imported = import_sessions(
                run,
                config,
                sessions,
                lambda steps: bar.update(import_task, completed=steps),
                stopped,
            )
        except ImportInterrupted:
            bar.stop()
            console.print("the import was interrupted; --resume starts it again from zero")
            return
        bar.update(import_task, completed=total)
        offline = OfflineTrainer(run, config, imported)
        wanted = offline.default_updates() if updates is None else updates
        task = bar.add_task("learning", total=wanted, gauges="")
        next_line = time.perf_counter()

        def progress(updates_done: int) -> None:
            nonlocal next_line
            if (now := time.perf_counter()) < next_line:
                return
            next_line = now + 1.0
            offline.update_report()
            log.write(metrics_line(offline.board, config.reward, now - began))
            gauges = f"model loss {shown_metric(offline.board, 'loss/model')}"
            bar.update(task, completed=updates_done, gauges=gauges)

        offline.run(wanted, progress, stopped)
        bar.update(task, completed=offline.learner.updates)
        log.write(metrics_line(offline.board, config.reward, time.perf_counter() - began))
    seconds = time.perf_counter() - began
    held_out_loss = offline.held_out_loss()
    content = {
        "exit": "interrupted" if stopped.is_set() else "clean",
        "seconds": round(seconds, 1),
        "sessions": [str(session.path) for session in sessions],
        "steps": imported.steps,
        "held_out_steps": imported.steps - imported.held_out_from,
        "updates": offline.learner.updates,
        "losses": losses(offline.board),
        "held_out_loss_model": held_out_loss,
        "reward_per_step": reward_per_step(offline.board),
    }
    write_checked_json(run.summary, content)
    if not quiet:
        on_held_out = "" if held_out_loss is None else f", on held-out steps {held_out_loss:.2f}"
        print_line(
            f"{imported.steps} steps of {len(sessions)} sessions "
            f"({imported.steps - imported.held_out_from} held out), {offline.learner.updates} "
            f"updates in {seconds:.0f} s, model loss {shown_metric(offline.board, 'loss/model')}"
            f"{on_held_out}\n"
            f"written to {run.path}; run --resume continues with these weights in a live run",
            console,
        )
