"""`train --sessions` as a person sees it: what is imported, a bar with the time left, what came."""

import threading
import time
from collections.abc import Sequence

from rich.console import Console

from configs.schema import Config
from interfaces.cli.terminal import tell
from interfaces.ipc.atomic_files import write_json
from interfaces.runtime.metrics import MetricsLog, losses, metrics_line
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.session import Session
from trainer.running.lockstep_command import progress_bar
from trainer.running.offline import Interrupted, Offline, import_sessions


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
    """Import, learn for so many updates (None: as many as a life would have had), write
    summary.json. Raises what Offline raises."""
    began = time.perf_counter()
    with MetricsLog(run.metrics) as log, progress_bar(console, quiet=quiet) as bar:
        total = sum(session.steps_recorded for session in sessions)
        reading = bar.add_task("importing", total=total, gauges="")
        try:
            imported = import_sessions(
                run,
                config,
                sessions,
                lambda steps: bar.update(reading, completed=steps),
                stopped,
            )
        except Interrupted:
            bar.stop()
            console.print("ended before all was imported: with --resume it begins that anew")
            return
        bar.update(reading, completed=total)
        offline = Offline(run, config, imported)
        wanted = offline.default_updates() if updates is None else updates
        task = bar.add_task("learning", total=wanted, gauges="")
        next_line = time.perf_counter()

        def progress(done: int) -> None:
            nonlocal next_line
            if (now := time.perf_counter()) < next_line:
                return
            next_line = now + 1.0
            offline.measure()
            log.write(metrics_line(offline.board, now - began))
            told = f"model loss {float(offline.board['loss_model']):.2f}"
            bar.update(task, completed=done, gauges=told)

        offline.run(wanted, progress, stopped)
        bar.update(task, completed=offline.learner.updates)
    seconds = time.perf_counter() - began
    held_out = offline.held_out_loss()
    content = {
        "exit": "interrupted" if stopped.is_set() else "clean",
        "seconds": round(seconds, 1),
        "sessions": [str(session.path) for session in sessions],
        "steps": imported.steps,
        "held_out_steps": imported.steps - imported.held_out_from,
        "updates": offline.learner.updates,
        "losses": losses(offline.board),
        "held_out_loss_model": held_out,
    }
    write_json(run.summary, content)
    if not quiet:
        unseen = "" if held_out is None else f", of held-out steps {held_out:.2f}"
        tell(
            f"{imported.steps} steps of {len(sessions)} sessions "
            f"({imported.steps - imported.held_out_from} only to measure by), "
            f"{offline.learner.updates} "
            f"updates in {seconds:.0f} s, model loss {float(offline.board['loss_model']):.2f}"
            f"{unseen}\n"
            f"written to {run.path}; run --resume carries it into a body",
            console,
        )
