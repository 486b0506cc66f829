"""The `train` and `evaluate` commands."""

import json
from pathlib import Path
from typing import Annotated

import typer

from configs.errors import BadInput
from configs.schema import Config
from interfaces.cli.run_setup import (
    Out,
    Quiet,
    Resume,
    RunPath,
    Seed,
    Source,
    Words,
    prepared_run,
)
from interfaces.core.plugins import check_plugins
from interfaces.core.rewards import StepRewards
from interfaces.runtime.known_runs import require_known
from interfaces.runtime.named_things import imported_code
from interfaces.runtime.plugin_folders import use_plugin_folders
from interfaces.runtime.run_folder import open_run
from interfaces.runtime.run_lock import claim
from interfaces.runtime.terminal import (
    console,
    errors,
    exit_on_bad_input,
    print_line,
    stop_on_signals,
    transient_progress,
)

app = typer.Typer()


@app.command()
def train(
    words: Words = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="environment steps in total; default 10000"),
    ] = None,
    out: Out = None,
    seed: Seed = None,
    resume: Resume = None,
    source: Source = None,
    sessions: Annotated[
        list[str] | None,
        typer.Option(
            "--sessions",
            help="learn from recordings only, such as 'runs/*/session'; repeatable",
        ),
    ] = None,
    updates: Annotated[
        int | None, typer.Option("--updates", min=1, help="with --sessions: updates in total")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Act and learn in lockstep, as fast as the machine allows. Ctrl-C saves and ends.

    With --sessions no agent acts: model, policy and value learn from the recordings.
    """
    if sessions:
        with exit_on_bad_input(files=True):
            if source is not None:
                raise BadInput("--from needs a world to act in; it cannot be used with --sessions")
            if steps is not None:
                raise BadInput("--steps counts environment steps; use --updates with --sessions")
            _train_offline(words, out, seed, resume, sessions, updates, quiet=quiet)
        return
    if updates is not None:
        with exit_on_bad_input():
            raise BadInput("--updates needs --sessions; use --steps for training in lockstep")
    from interfaces.runtime.worlds import make_lockstep_worlds, require_resumable
    from trainer.learners.start_from import start_from
    from trainer.running.lockstep import LockstepTrainer
    from trainer.running.lockstep_command import run_lockstep

    prepared = prepared_run(words, out, seed, resume, source=source, lockstep=True)
    with exit_on_bad_input(files=True), prepared as (folder, config):
        stopped = stop_on_signals()
        with claim(folder):
            worlds = make_lockstep_worlds(config, config.seed)
            if resume is not None:
                require_resumable(worlds)
            if config.reward.terms:
                StepRewards(config.reward, worlds[0].spaces)  # names a broken term before any Step
            if source is not None:
                lines = start_from(folder, config, worlds[0].spaces, source)
                if not quiet:
                    print_line("\n".join(lines))
            lockstep = LockstepTrainer(folder, config, worlds, resume=resume is not None)
            run_lockstep(lockstep, folder, config, steps or 10_000, stopped, console, quiet=quiet)


@app.command()
def evaluate(
    run: RunPath,
    episodes: Annotated[int, typer.Option("--episodes", min=1)] = 10,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="episode i uses the world of seed + i")
    ] = 100_000,  # far from the seeds of training
    policy: Annotated[
        str, typer.Option("--policy", help="trained, greedy, random, sticky, still or oracle")
    ] = "trained",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Run episodes with a fixed policy in lockstep and report their returns."""
    from interfaces.runtime.worlds import make_evaluation_world, require_lockstep
    from trainer.evaluation.evaluate import evaluate as evaluate_run
    from trainer.evaluation.evaluate import evaluation_table
    from trainer.evaluation.run_episodes import POLICY_KINDS

    bar = transient_progress(errors, quiet=as_json)
    with exit_on_bad_input(files=True):
        if policy not in POLICY_KINDS:
            raise BadInput(f"--policy {policy}: allowed are {', '.join(POLICY_KINDS)}")
        folder = open_run(run)
        config = folder.config
        require_lockstep(config)
        if code := imported_code(config):
            require_known(folder.path, f"evaluate imports {code[0]}")
        use_plugin_folders(folder)
        check_plugins(config, ("world", "reward"))
        with bar:
            task = bar.add_task("evaluating", total=episodes)
            result = evaluate_run(
                folder,
                config,
                lambda world_seed: make_evaluation_world(config, world_seed),
                episodes=episodes,
                seed=seed,
                policy=policy,
                progress=lambda ended: bar.update(task, completed=ended),
            )
    if as_json:
        print(json.dumps(result.to_json()))
    else:
        console.print(evaluation_table(result))


def _train_offline(
    words: list[str] | None,
    out: Path | None,
    seed: int | None,
    resume: Path | None,
    patterns: list[str],
    updates: int | None,
    *,
    quiet: bool,
) -> None:
    from trainer.running.offline import require_off_policy
    from trainer.running.offline_command import learn_offline
    from trainer.running.recorded_senses import sense_differences, with_recorded_senses
    from trainer.running.session_import import check_spaces, open_sessions

    sessions = open_sessions(patterns)

    def adapt(config: Config) -> Config:
        adapted, lines = with_recorded_senses(config, sessions[0].spaces.features)
        if lines and not quiet:
            print_line("\n".join(lines))
        return adapted

    prepared = prepared_run(words, out, seed, resume, offline=True, adapt=adapt)
    with prepared as (folder, config):
        require_off_policy(config)  # before the import, which may take hours
        if not config.world.has_own_reward:  # otherwise the session defines features and actions
            from interfaces.runtime.worlds import live_spaces

            check_spaces(sessions[0], live_spaces(config.world), "the configuration")
            for line in sense_differences(config, sessions):
                print_line(f"warning: {line}")
        if config.reward.terms:
            StepRewards(config.reward, sessions[0].spaces)
        stopped = stop_on_signals()
        with claim(folder):
            learn_offline(folder, config, sessions, updates, stopped, console, quiet=quiet)
