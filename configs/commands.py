"""The `config` commands: show, check, schema, docs."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.syntax import Syntax

from configs.load import ConfigError, dump_config, json_schema, load_config, presets
from configs.loading.reference import markdown_table

app = typer.Typer(no_args_is_help=True, help="Show and check the settings.")

MANUAL = Path(__file__).parent.parent / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"

Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE] [KEY=VALUE]...", help="A file or preset, then overrides."),
]
Files = Annotated[list[str] | None, typer.Argument(metavar="[FILE]... [KEY=VALUE]...")]
Out = Annotated[Path | None, typer.Option(help="Write to this file instead of printing.")]


def split_arguments(arguments: list[str] | None) -> tuple[Path, list[str]]:
    """The file or preset (`default` if none is named), and the overrides."""
    arguments = arguments or []
    if arguments and ("=" not in arguments[0] or _is_file(arguments[0])):
        return Path(arguments[0]), arguments[1:]
    return Path("default"), arguments


def _is_file(word: str) -> bool:
    """Whether a word names a file. A long override is no file name: no OSError, as pathlib has."""
    return os.path.isfile(word)


@app.command()
def show(arguments: Arguments = None) -> None:
    """Print every setting with its final value."""
    path, overrides = split_arguments(arguments)
    try:
        text = dump_config(load_config(path, overrides))
    except ConfigError as error:
        _exit_with(error)
    if sys.stdout.isatty():
        Console().print(Syntax(text, "yaml", background_color="default"))
    else:
        _print_plain(text)


@app.command()
def check(files: Files = None) -> None:
    """Check files, or all presets if none is named. Prints ok or every problem.

    KEY=VALUE changes a setting of every file before it is checked.
    """
    names = [name for name in files or [] if "=" not in name or _is_file(name)]
    overrides = [name for name in files or [] if name not in names]
    failed = False
    for name in names or presets():
        try:
            load_config(Path(name), overrides)
            typer.echo(f"ok  {name}")
        except ConfigError as error:
            typer.echo(f"{error}\n", err=True)
            failed = True
    if failed:
        raise typer.Exit(2)


@app.command()
def schema(out: Out = None) -> None:
    """Print the JSON Schema, with which editors check and complete a file."""
    if out is None:
        _print_plain(json_schema())
    else:
        _write(out, json_schema())


@app.command()
def docs(out: Out = None) -> None:
    """Update the table of settings in docs/configuration.md."""
    out = out or MANUAL
    try:
        page = with_table(out.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        typer.echo(f"{out}: {error}", err=True)
        raise typer.Exit(2) from None
    _write(out, page)


def with_table(page: str) -> str:
    """The page with a new table between its two marks. Raises ValueError without the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{markdown_table()}\n{END}{after}"


def _print_plain(text: str) -> None:
    typer.echo(text.encode(), nl=False)  # as bytes: UTF-8 in a pipe on Windows too


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(2) from None


def _exit_with(error: ConfigError) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(2)
