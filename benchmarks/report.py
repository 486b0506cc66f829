"""Writes docs/results.md from the committed JSON files of benchmarks/results.

python -m benchmarks.report            write the page, and draw the curves of living and real_run
python -m benchmarks.report --check    exit with 1 if the page differs from the files

The page depends only on the files: it has no date, and no number of the machine that writes it.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.common import RESULTS, ROOT
from benchmarks.reporting import (
    control,
    costs,
    imagination,
    living,
    real_run,
    realtime,
    recordings,
    sessions,
    standin,
)
from benchmarks.reporting.table import Machines, render

PAGE = ROOT / "docs" / "results.md"
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
SECTIONS = (
    ("Learning in the stand-in", living.tables),
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


def page(results: Path = RESULTS) -> str:
    """The text of docs/results.md."""
    known = Machines()
    body: list[str] = []
    for heading, section in SECTIONS:
        if tables := section(results):
            body += [f"## {heading}", ""]
        for table in tables:
            body += render(table, known)
    machines = ["## Machines", "", "Machines differ in their Linux build.", "", *known.legend()]
    return "\n".join([_INTRODUCTION, "", *body, *machines]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    checked = parser.parse_args().check
    text = page()
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if not checked:
        for draw in PICTURES:
            draw(RESULTS)
        PAGE.write_text(text, encoding="utf-8", newline="\n")
        print("written to docs/results.md")
    elif written != text:
        sys.exit("docs/results.md is out of date: run python -m benchmarks.report")


if __name__ == "__main__":
    main()
