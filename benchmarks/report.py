"""Writes docs/results.md and docs/reliability.md from the JSON files of benchmarks/results.

python -m benchmarks.report            write the pages, and draw the curves of living and real_run
python -m benchmarks.report --check    exit with 1 if a page differs from the files

The pages depend only on the files: no date, and no number of the machine that writes them.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import RESULTS, ROOT
from benchmarks.reporting import (
    control,
    costs,
    from_run,
    imagination,
    living,
    real_run,
    realtime,
    recordings,
    reliability,
    sessions,
    standin,
)
from benchmarks.reporting.table import Machines, Table, render

_INTRODUCTION = """\
# Results

What was measured, how often, and on which machine. `python -m benchmarks.report` writes this page
from the files in [benchmarks/results](../benchmarks/results). Do not edit it by hand.

**How to read it.** SD is the standard deviation of a sample. IQM is the interquartile mean, the
mean of the middle half of all episodes. "Each seed" lists single values in the order of the seeds.
A commit with `+` had changes that were not committed. "Load before" is the load average of the
machine before the measurement. Above 0.5 other programs used the machine too. The files record no
dates.

**What is missing.** Everything ran on two CPU cores: no GPU, no Windows, no real VRChat client.
Most learning results have three or four seeds, which is too few for small differences."""
_RELIABILITY = """\
# Reliability

What Yume promises when something fails, and what was measured. `python -m benchmarks.report` writes
this page from the files in [benchmarks/results](../benchmarks/results). Do not edit it by hand.
A promise that is not kept is named below its table. [results.md](results.md) explains the words.

[SECURITY.md](../SECURITY.md) says what stays impossible."""
_SECTIONS = (
    ("Learning in the stand-in", living.tables),
    ("From one client to another", from_run.tables),
    ("Learning in real time", real_run.tables),
    ("Learning from recordings", recordings.tables),
    ("Learning in small environments", control.tables),
    ("Learning in imagination", imagination.tables),
    ("Realtime", realtime.tables),
    ("Cost of the parts", costs.tables),
    ("Sessions", sessions.tables),
    ("Stand-in", standin.tables),
)
PICTURES = (living.draw, real_run.draw)


@dataclass(frozen=True)
class Page:
    """A page of docs/: its introduction, and (heading, its tables) for each section."""

    name: str
    introduction: str
    sections: Sequence[tuple[str, Callable[[Path], list[Table]]]]

    @property
    def path(self) -> Path:
        return ROOT / "docs" / self.name


PAGES = (
    Page("results.md", _INTRODUCTION, _SECTIONS),
    Page("reliability.md", _RELIABILITY, reliability.SECTIONS),
)


def text_of(page: Page, results: Path = RESULTS) -> str:
    """The text of a page."""
    known = Machines()
    body: list[str] = []
    for heading, section in page.sections:
        if tables := section(results):
            body += [f"## {heading}", ""]
        for table in tables:
            body += render(table, known)
    machines = ["## Machines", "", "Machines differ in their Linux build.", "", *known.legend()]
    return "\n".join([page.introduction, "", *body, *machines]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    checked = parser.parse_args().check
    if not checked:
        for draw in PICTURES:
            draw(RESULTS)
    for page in PAGES:
        text = text_of(page)
        written = page.path.read_text(encoding="utf-8") if page.path.exists() else ""
        if not checked:
            page.path.write_text(text, encoding="utf-8", newline="\n")
            print(f"written to docs/{page.name}")
        elif written != text:
            sys.exit(f"docs/{page.name} is out of date: run python -m benchmarks.report")


if __name__ == "__main__":
    main()
