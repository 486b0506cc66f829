"""The report fits the terminal; the JSON keeps every character."""

import dataclasses
import io
import json

import pytest
from rich.console import Console

from interfaces.doctor.check_torch_build import CUDA_INSTALL
from interfaces.doctor.findings import Check, ok, problem, warning
from interfaces.doctor.show_findings import as_json, print_report


@pytest.mark.parametrize("width", [80, 120])
def test_the_report_fits_the_terminal_and_ends_with_a_summary(width):
    findings = [ok("clock", "fine"), warning("a long name", "word " * 40, "fix " * 40)]
    findings.append(problem("device", "[bold]no markup[/bold]", CUDA_INSTALL))
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None)
    print_report(console, "vrchat", [Check("machine", "all", list)], [findings], 1.25)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "[bold]no markup[/bold]" in text
    assert text.rstrip().endswith("1 problem, 1 warning, 1 ok  in 1.2 s")
    columns = {
        line.index(word) for line in text.splitlines() for word in ("fine", "→") if word in line
    }
    assert len(columns) == 1, "a remedy starts in the column of the texts"


def test_json_keeps_characters_beyond_ascii():
    assert json.loads(as_json([ok("夢", "なで")])) == [dataclasses.asdict(ok("夢", "なで"))]
    assert "夢" in as_json([ok("夢", "")])
    assert as_json([ok("夢", "")], ascii_only=True).isascii()
