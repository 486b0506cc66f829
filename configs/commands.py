"""The `config` commands: show, check, schema, docs."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.syntax import Syntax

from configs.load import ConfigError, dump_config, json_schema, load_config, presets
from configs.reference import markdown_table

app = typer.Typer(no_args_is_help=True, help="Show and check the settings.")

MANUAL = Path(__file__).parent.parent / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE] [KEY=VALUE]...", help="A file or preset, then overrides."),
]
Files = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...")]
Out = Annotated[Path | None, typer.Option(help="Write there instead of printing.")]


def split_words(words: list[str] | None) -> tuple[Path, list[str]]:
    """The file (`default` where none is named) and the overrides."""
    words = words or []
    if words and ("=" not in words[0] or Path(words[0]).is_file()):
        return Path(words[0]), words[1:]
    return Path("default"), words


@app.command()
def show(words: Words = None) -> None:
    """Print every setting as it will be used."""
    path, overrides = split_words(words)
    try:
        text = dump_config(load_config(path, overrides))
    except ConfigError as error:
        _refuse(error)
    if sys.stdout.isatty():
        Console().print(Syntax(text, "yaml", background_color="default"))
    else:
        _print_plain(text)


@app.command()
def check(files: Files = None) -> None:
    """Say ok, or what is wrong; the presets where no file is named."""
    refused = False
    for name in files or presets():
        try:
            load_config(Path(name))
            typer.echo(f"ok  {name}")
        except ConfigError as error:
            typer.echo(f"{error}\n", err=True)
            refused = True
    if refused:
        raise typer.Exit(2)


@app.command()
def schema(out: Out = None) -> None:
    """Print the JSON Schema that editors check and complete a file with."""
    if out is None:
        _print_plain(json_schema())
    else:
        _write(out, json_schema())


@app.command()
def docs(out: Out = None) -> None:
    """Bring the table of settings in docs/configuration.md up to date."""
    out = out or MANUAL
    try:
        page = with_table(out.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        typer.echo(f"{out}: {error}", err=True)
        raise typer.Exit(2) from None
    _write(out, page)


def with_table(page: str) -> str:
    """The page, what stands between its two marks made anew. Raises ValueError without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{markdown_table()}\n{END}{after}"


def _print_plain(text: str) -> None:
    typer.echo(text.encode(), nl=False)  # bytes: UTF-8 in a pipe on Windows too


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(2) from None


def _refuse(error: ConfigError) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(2)
