"""What `run`, `train` and other commands share: their options, and how a run's folder is opened."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from configs.commands import split_arguments
from configs.errors import BadInput
from configs.load import load_config
from configs.schema import Config
from interfaces.core.learning_methods import check_learning_method
from interfaces.core.plugins import check_plugins
from interfaces.runtime.plugin_folders import (
    use_config_folders,
    use_plugin_folders,
    write_plugin_folders,
)
from interfaces.runtime.process_table import MAIN
from interfaces.runtime.run_folder import RunError, RunFolder, open_known_run
from interfaces.runtime.run_start import new_run

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[FILE] [KEY=VALUE]...", help="a YAML file or preset")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="the run's folder (default runs/TIME-NAME)")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="seed of all random numbers")]
Quiet = Annotated[bool, typer.Option("--quiet", help="print errors only")]
Resume = Annotated[Path | None, typer.Option("--resume", help="continue this run")]
Source = Annotated[
    Path | None,
    typer.Option("--from", metavar="RUN", help="start with the networks of this run"),
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder")]


@contextmanager
def prepared_run(
    words: list[str] | None,
    out: Path | None,
    seed: int | None,
    resume: Path | None,
    *,
    source: Path | None = None,
    lockstep: bool = False,
    offline: bool = False,
    adapt: Callable[[Config], Config] = lambda config: config,
) -> Generator[tuple[RunFolder, Config]]:
    """The run's folder and its configuration, new or resumed.

    `source`: the run of --from, which the caller reads; it must not come with `resume`. `adapt`:
    changes the configuration of a new run before it is written.

    Raises RunError and ConfigError for words that do not fit, and PluginError for a plugin that
    cannot be used. Raises BadInput for a world that cannot run in real time or in lockstep, as
    asked.
    """
    if resume is not None:
        if source is not None:
            raise RunError("--from starts a new run and --resume continues one: use one of them")
        if words or out or seed is not None:
            raise RunError("--resume uses the run's own configuration, folder and seed")
        folder = open_known_run(resume, "--resume")
        config = folder.config
        _check_pace(config, lockstep=lockstep, offline=offline)
        use_plugin_folders(folder)
        _check_plugins(config, lockstep=lockstep, offline=offline)
        check_learning_method(config)
        yield folder, config
        return
    path, overrides = split_arguments(words or [])
    if seed is not None:
        overrides = [*overrides, f"seed={seed}"]
    config = adapt(load_config(path, overrides))
    _check_pace(config, lockstep=lockstep, offline=offline)
    plugin_folders = use_config_folders(config, path)
    _check_plugins(config, lockstep=lockstep, offline=offline)
    check_learning_method(config)
    with new_run(out, config, path.stem, MAIN.parent) as folder:
        write_plugin_folders(folder, plugin_folders)
        yield folder, config


def _check_pace(config: Config, *, lockstep: bool, offline: bool) -> None:
    """Raises BadInput for a world that cannot run in real time or in lockstep, as asked."""
    from interfaces.runtime.worlds import require_lockstep

    if lockstep:
        require_lockstep(config)
    elif config.world.kind in ("gymnasium", "plugin") and not offline:
        raise BadInput(f"world.kind {config.world.kind} runs in lockstep only: use train")


def _check_plugins(config: Config, *, lockstep: bool, offline: bool) -> None:
    """Raises PluginError for a plugin that such a run uses, if it cannot be used."""
    if offline or lockstep:  # the reward terms are tried out when the spaces are known
        check_plugins(config, ("reward", "world") if lockstep else ("reward",))
        return
    check_plugins(config, ("reward", "camera"))
    if config.reward.terms:
        from interfaces.core.rewards import StepRewards
        from interfaces.runtime.worlds import live_spaces

        StepRewards(config.reward, live_spaces(config.world))
