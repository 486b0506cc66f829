"""The command `report`: packs what a bug report needs."""

from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.run_setup import RunPath
from interfaces.runtime.known_runs import is_known
from interfaces.runtime.run_folder import open_run
from interfaces.runtime.terminal import errors, exit_on_bad_input, print_line

app = typer.Typer()


@app.command()
def report(
    run: RunPath,
    out: Annotated[
        Path | None, typer.Option("--out", help="the ZIP file (default yume-report.zip)")
    ] = None,
    with_doctor: Annotated[
        bool, typer.Option("--doctor/--no-doctor", help="run the doctor and add its findings")
    ] = True,
) -> None:
    """Pack logs, settings, versions and the doctor's findings of a run into a ZIP file.

    Names of the user, the computer, folders and devices are replaced. No pictures and no sound.
    """
    from interfaces.doctor.support_bundle import doctor_findings, free_path, write_bundle

    with exit_on_bad_input(files=True):
        folder = open_run(run)
        folder.refuse_links()  # one could lead to a private file, which would be packed
        findings = None
        if with_doctor and not is_known(folder.path):  # it may name hosts and devices
            print_line("without the doctor: this run is not known here", errors)
        elif with_doctor:
            print_line("the doctor looks at this machine; this takes up to two minutes", errors)
            findings = doctor_findings(folder)
        path = out or free_path(Path())
        for name in write_bundle(folder, path, findings):
            print_line(f"  {name}")
        print_line(f"written to {path}. Look into it before you send it: a name may be left")
