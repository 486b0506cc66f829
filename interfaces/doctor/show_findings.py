"""Print findings as a report for people or as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from configs.visible_text import visible
from interfaces.doctor.findings import Check, Finding, Level

_STYLES: dict[Level, str] = {"ok": "green", "warning": "bold yellow", "problem": "bold red"}
_LEVELS: tuple[Level, ...] = ("problem", "warning", "ok")


def as_json(findings: Sequence[Finding], *, ascii_only: bool = False) -> str:
    """A list of {name, level, text, remedy}. `ascii_only`: for an output that is not UTF-8."""
    return json.dumps([asdict(each) for each in findings], ensure_ascii=ascii_only, indent=2)


def print_report(
    console: Console,
    title: str,
    checks: Sequence[Check],
    findings: Sequence[Sequence[Finding]],
    seconds: float,
) -> None:
    """Print one table per section, all with the same columns, and a summary at the end.

    `findings` has one entry per check.
    """
    widest = max((len(each.name) for group in findings for each in group), default=0)
    console.print(Text.assemble(("Yume doctor", "bold"), (f"  {title}", "dim")))
    for section in dict.fromkeys(check.section for check in checks):
        of_section = [
            each
            for check, group in zip(checks, findings, strict=True)
            if check.section == section
            for each in group
        ]
        console.print()
        console.print(Text(section, "bold cyan"))
        console.print(Padding(_table(of_section, widest), (0, 0, 0, 2), expand=False))
    console.print()
    console.print(summary([each for group in findings for each in group], seconds))


def summary(findings: Sequence[Finding], seconds: float) -> Text:
    """The number of findings per level, problems first, and the duration."""
    words: list[tuple[str, str]] = []
    for level in _LEVELS:
        if count := sum(each.level == level for each in findings):
            plural = "s" if count > 1 and level != "ok" else ""
            words += [(f"{count} {level}{plural}", _STYLES[level]), (", ", "")]
    return Text.assemble(*words[:-1], (f"  in {seconds:.1f} s", "dim"))


def _table(findings: Sequence[Finding], widest: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=max(map(len, _LEVELS)), no_wrap=True)
    table.add_column(width=widest, no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        style = "" if each.level == "ok" else "bold"
        lines: list[RenderableType] = [Text(visible(each.text))]
        if each.remedy:
            lines.append(_remedy(each.remedy))
        table.add_row(
            Text(each.level, _STYLES[each.level]), Text(visible(each.name), style), Group(*lines)
        )
    return table


def _remedy(text: str) -> Table:
    """An arrow and the remedy; its further lines are aligned with its first."""
    remedy = Table.grid(padding=(0, 1, 0, 0))
    remedy.add_column(no_wrap=True)
    remedy.add_column(overflow="fold")
    remedy.add_row(Text("→", "cyan"), Text(visible(text), "cyan"))
    return remedy
