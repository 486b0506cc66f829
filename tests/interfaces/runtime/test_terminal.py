"""Output to a file or pipe can be read by other programs: whole lines, and no progress bar."""

from io import StringIO

from rich.console import Console

from interfaces.runtime.terminal import print_line, transient_progress


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
