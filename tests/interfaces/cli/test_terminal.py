"""What goes to a file is to be read by other programs: lines whole, and nothing but them."""

from io import StringIO

from rich.console import Console

from interfaces.cli.terminal import passing_bar, tell


def test_a_long_path_stays_on_its_line():
    path = "/somewhere/" + "far/" * 40 + "[away]/夢 :smile:"
    out = StringIO()
    tell(f"written to {path}", Console(file=out, width=80))
    assert out.getvalue() == f"written to {path}\n"


def test_a_bar_that_passes_leaves_nothing_in_a_file():
    out = StringIO()
    with passing_bar(Console(file=out)) as bar:
        bar.advance(bar.add_task("working", total=2))
    assert out.getvalue() == ""
    shown = StringIO()
    with passing_bar(Console(file=shown, force_terminal=True)) as bar:
        bar.advance(bar.add_task("working", total=2))
    assert "working" in shown.getvalue()
