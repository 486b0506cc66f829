"""What every command does alike: where it prints, how it refuses, how it is told to stop."""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import typer
from loguru import logger
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from configs.errors import BadInput

BAD_INPUT = 2
console, errors = Console(), Console(stderr=True)


def tell(what: str, to: Console | None = None) -> None:
    """Print as it is: paths and names are no markup, and no line is broken that could be copied."""
    (to or console).print(what, highlight=False, markup=False, emoji=False, soft_wrap=True)


def plain_log() -> None:
    """What a command logs is for who typed it: no place in the code."""
    logger.remove()
    logger.add(sys.stderr, format="{time:HH:mm:ss} {level}: {message}", level="INFO")


def passing_bar(console: Console, *, quiet: bool = False) -> Progress:
    """Progress that leaves no trace, in a terminal; in a pipe or a log nothing at all."""
    return Progress(console=console, transient=True, disable=quiet or not console.is_terminal)


def stop_on_signals() -> threading.Event:
    """Set by Ctrl-C, and by whatever else tells a process to end."""
    stopped = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


@contextmanager
def bad_input_exits(*, plain: bool = False, files: bool = False) -> Generator[None]:
    """A clear line and exit code 2 for what the user can mend; 1 for a fault that is named. With
    `files`, a file that cannot be read or written is the user's to mend."""
    from interfaces.runtime.supervisor import Fault

    try:
        yield
    except Fault as fault:
        _say(str(fault), plain)
        raise typer.Exit(fault.exit_code) from fault
    except BadInput as error:
        _say(str(error), plain)
        raise typer.Exit(BAD_INPUT) from error
    except OSError as error:
        if not files:
            raise
        _say(str(error), plain)
        raise typer.Exit(BAD_INPUT) from error


def _say(message: str, plain: bool) -> None:
    if plain:  # a child's last line is what its supervisor shows
        print(message.replace("\n", "; "), file=sys.stderr, flush=True)
    else:
        text = Text(message, "bold red")  # no markup in what a person typed, and no emoji
        errors.print(text, highlight=False, soft_wrap=True)
