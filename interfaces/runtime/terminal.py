"""Shared by all commands: printing, progress, stop signals and exit codes."""

import errno
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from loguru import logger
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from configs.errors import BadInput
from configs.visible_text import visible
from interfaces.console.windows_console import stop_on_closed_console

if TYPE_CHECKING:
    import loguru


BAD_INPUT = 2
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENAMETOOLONG)
console, errors = Console(), Console(stderr=True)


def print_line(text: str, to: Console | None = None) -> None:
    """Print the text: no markup, no emoji, no line breaks in paths; control characters escaped."""
    (to or console).print(visible(text), highlight=False, markup=False, emoji=False, soft_wrap=True)


def set_up_log() -> None:
    """Log to stderr for the user of a command: time, level and message, no place in the code.

    In this process no message has control characters, whoever logs it and to which file.
    """
    logger.remove()
    logger.configure(patcher=_escape_message)
    logger.add(sys.stderr, format="{time:HH:mm:ss} {level}: {message}", level="INFO")


def _escape_message(record: "loguru.Record") -> None:
    """Further lines are indented, so that a name with a line end in it makes no line of a log."""
    record["message"] = visible(record["message"]).replace("\n", "\n    ")


def transient_progress(console: Console, *, quiet: bool = False) -> Progress:
    """A progress bar that disappears at its end. In a pipe or a log there is none."""
    return Progress(console=console, transient=True, disable=quiet or not console.is_terminal)


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and the signals that end a process set.

    SIGHUP, a closed terminal, is one of them. Under nohup it is ignored, and stays so.
    """
    stopped = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
        if number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) == signal.SIG_IGN:
            continue
        signal.signal(number, lambda *_: stopped.set())
    stop_on_closed_console(stopped)
    return stopped


@contextmanager
def exit_on_bad_input(*, plain: bool = False, files: bool = False) -> Generator[None]:
    """Print errors as one line and exit: code 2 for BadInput, a ProcessFailure's own code.

    `plain`: print without colour and without line breaks, because the supervisor shows the last
    line of a log. `files`: treat every OSError as bad input. A full or read-only disk and a path
    that the system refuses are always one line.
    """
    from interfaces.runtime.supervisor import ProcessFailure

    try:
        yield
    except ProcessFailure as failure:
        _print_error(str(failure), plain)
        raise typer.Exit(failure.exit_code) from failure
    except BadInput as error:
        _print_error(str(error), plain)
        raise typer.Exit(BAD_INPUT) from error
    except OSError as error:
        if not files and error.errno not in _OF_THE_DISK:
            raise
        _print_error(str(error), plain)
        raise typer.Exit(BAD_INPUT) from error


def _print_error(message: str, plain: bool) -> None:
    message = visible(message)
    if plain:  # the supervisor shows the last line of a child's log
        print(message.replace("\n", "; "), file=sys.stderr, flush=True)
    else:
        text = Text(message, "bold red")  # a Text: markup and emoji in the message stay as they are
        errors.print(text, highlight=False, soft_wrap=True)
