"""The `replay` command: recompute, compare, show or film a recorded run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from configs.errors import BadInput
from interfaces.cli.run_setup import Quiet, RunPath
from interfaces.core.learning_methods import has_plugin_method
from interfaces.runtime.known_runs import require_known
from interfaces.runtime.plugin_folders import use_plugin_folders
from interfaces.runtime.run_folder import RunFolder, open_run
from interfaces.runtime.terminal import console, exit_on_bad_input, print_line

app = typer.Typer()
PAGE_PORT = 8902


@app.command()
def replay(
    run: RunPath,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="compare with the brain of another run")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="compare with a policy: random")
    ] = None,
    view: Annotated[bool, typer.Option("--view", help="show the run in the browser")] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help=f"port of --view; default {PAGE_PORT}, 0 takes a free port",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="whether --view opens the page")
    ] = True,
    mp4: Annotated[bool, typer.Option("--mp4", help="write a video with curves")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="NAME.mp4 for a video; NAME.png for a comparison (data in NAME.json)"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    quiet: Quiet = False,
) -> None:
    """Recompute each decision with the weights of its tick; exit code 1 if one differs.

    With --checkpoint or --policy random: compare with the decisions of another policy. With --view
    or --mp4: show observations, actions and estimates in a page or a video.
    """
    is_comparison = checkpoint is not None or policy is not None
    with exit_on_bad_input(files=True):
        if is_comparison + view + mp4 > 1:
            raise BadInput(
                "give only one of --view, --mp4 and a comparison (--checkpoint or --policy)"
            )
        if out is not None and not (is_comparison or mp4):
            raise BadInput("--out needs --mp4, --checkpoint or --policy")
        if port is not None and not view:
            raise BadInput("--port needs --view")
        if as_json and (view or mp4):
            raise BadInput("--json cannot be used with --view or --mp4")
        folder = open_run(run)
        if has_plugin_method(folder.config):
            require_known(folder.path, "replay imports its method")
            use_plugin_folders(folder)  # the method says what the networks are made of
        if view:
            from agent.replay.view_replay import view as view_run

            page_port = PAGE_PORT if port is None else port
            view_run(folder, page_port, console, show=browser, quiet=quiet)
        elif mp4:
            from agent.replay.view_replay import write_video

            path = out or folder.replays / f"{folder.path.name}.mp4"
            frames = write_video(folder, path, console, quiet=quiet)
            if not quiet:
                print_line(f"{frames} frames written to {path}")
        elif is_comparison:
            from trainer.evaluation.what_if import what_if as write_what_if

            page, data = write_what_if(
                folder, checkpoint, policy, out, console, quiet=quiet or as_json
            )
            if as_json:
                print(json.dumps({"page": str(page), "data": str(data)}))
            elif not quiet:
                print_line(f"written to {page} and {data.name}")
        else:
            _replay_exactly(folder, as_json=as_json, quiet=quiet)


def _replay_exactly(folder: RunFolder, *, as_json: bool, quiet: bool) -> None:
    from agent.replay.verify_run import format_report, replay_run

    report = replay_run(folder, console, quiet=quiet or as_json)
    if as_json:
        print(json.dumps(report.to_json()))
    elif not quiet:
        print_line(format_report(report))
    if report.differing:
        raise typer.Exit(1)
