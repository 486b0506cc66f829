"""Output to a file or pipe can be read by other programs: whole lines, and no progress bar."""

import errno
import signal
import sys
import threading
from io import StringIO

import pytest
import typer
from rich.console import Console

from interfaces.console.windows_console import close_handler
from interfaces.runtime.terminal import (
    exit_on_bad_input,
    print_line,
    stop_on_signals,
    transient_progress,
)


def test_long_path_is_not_broken_and_markup_is_kept():
    path = "/somewhere/" + "far/" * 40 + "[away]/夢 :smile:"
    out = StringIO()
    print_line(f"written to {path}", Console(file=out, width=80))
    assert out.getvalue() == f"written to {path}\n"


def test_progress_bar_writes_nothing_to_a_file():
    out = StringIO()
    with transient_progress(Console(file=out)) as bar:
        bar.advance(bar.add_task("working", total=2))
    assert out.getvalue() == ""
    shown = StringIO()
    with transient_progress(Console(file=shown, force_terminal=True)) as bar:
        bar.advance(bar.add_task("working", total=2))
    assert "working" in shown.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGHUP")
@pytest.mark.parametrize("nohup", [False, True])
def test_closed_terminal_stops_a_run_except_under_nohup(nohup):
    before = {number: signal.getsignal(number) for number in (1, 2, 15)}
    signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)
    try:
        stopped = stop_on_signals()
        signal.raise_signal(signal.SIGHUP)
        assert stopped.is_set() is not nohup
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_closed_windows_console_stops_a_run_and_keeps_the_process_until_it_has_ended():
    stopped = threading.Event()
    handle = close_handler(stopped)
    assert not handle(0), "Ctrl-C is a signal"
    assert not stopped.is_set()
    waiting = threading.Thread(target=handle, args=(2,), daemon=True)
    waiting.start()
    assert stopped.wait(5.0)
    assert waiting.is_alive(), "Windows ends the process when the handler returns"


def test_full_disk_is_one_line_in_every_command(capsys):
    with pytest.raises(typer.Exit) as exit_, exit_on_bad_input():
        raise OSError(errno.ENOSPC, "No space left on device", "RUN/x")
    assert exit_.value.exit_code == 2
    assert "No space left on device: 'RUN/x'" in capsys.readouterr().err
