"""Common parts of all benchmarks: the description of the machine, the printed table, the JSON."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parent.parent
SYSTEM = "_windows" if sys.platform == "win32" else ""  # in the names of results that it changes


def machine() -> dict[str, Any]:
    """The machine, its software and the commit; `+` marks a commit with uncommitted changes.

    Without git, as under Wine, the environment variable YUME_COMMIT names the commit.
    """
    commit = os.environ.get("YUME_COMMIT") or _git("rev-parse", "--short", "HEAD") or "unknown"
    changed = _git("status", "--porcelain", "--", "*.py", "configs")
    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "commit": commit + ("+" if changed else ""),
    }


def _git(*words: str) -> str:
    """The output of a git command; "" without git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def publish(name: str, title: str, rows: Sequence[dict[str, Any]], **more: Any) -> None:
    """Prints `rows` as a table and writes them, with the machine, to results/NAME.json."""
    table = Table(title=title)
    for column in rows[0]:
        table.add_column(column, justify="right" if column != next(iter(rows[0])) else "left")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console().print(table)
    content = {"title": title, "rows": list(rows), "machine": machine(), **more}
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to benchmarks/results/{name}.json")
