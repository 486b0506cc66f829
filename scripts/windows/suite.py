"""Runs the whole test suite on the Windows API, and writes what passed, failed and was skipped.

python -m scripts.windows.suite [--python PATH] [--jobs 2] [--limit 600] [TEST_FILES...]

On Windows the tests run with this Python; elsewhere with that of `setup_wine.sh`. The files of a
folder share a process with a time limit. If it does not end, crashes or leaves processes behind,
each of its files gets a process of its own, so that the failure is that of one file.

Without TEST_FILES it writes docs/results/windows_suite.json and .md. Exit code 1 if a test failed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import machine

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
MARK = "YUME_SUITE_PART"  # an environment variable that the processes of one part share
ALONE = ("tests/e2e", "tests/contracts/vrchat")  # folders whose files never share a process
_LARGEST_PART = 12  # files
_CLOSING_S = 10.0  # for output and processes after the end of pytest
_SHOWN = 300  # letters of a message
# They serve all parts.
_OF_WINE = frozenset(
    (
        *("wineserver", "wineserver64", "services.exe", "explorer.exe", "plugplay.exe"),
        *("winedevice.exe", "svchost.exe", "rpcss.exe", "conhost.exe", "cat"),
    )
)


@dataclass
class Outcome:
    """Result of one test that did not pass. `kind`: "failed" or "skipped"."""

    test: str
    kind: str
    reason: str


@dataclass
class FileResult:
    """Counts of one test file, and what did not pass."""

    file: str
    passed: int = 0
    others: list[Outcome] = field(default_factory=list[Outcome])


def default_python() -> Path:
    """This Python on Windows; elsewhere that of `setup_wine.sh`."""
    if sys.platform == "win32":
        return Path(sys.executable)
    return Path(os.environ.get("YUME_WINDOWS") or Path.home() / ".cache/yume-windows") / "python"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", type=Path, default=default_python())
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for one process")
    parser.add_argument("files", nargs="*", help="test files or folders (default: all)")
    options = parser.parse_args()
    if not options.python.exists():
        parser.error(f"{options.python} is missing: run scripts/windows/setup_wine.sh first")
    files = test_files(options.files)
    began = time.perf_counter()
    results: list[FileResult] = []
    lock = threading.Lock()

    def run(part: Sequence[str]) -> None:
        for found in run_part(options.python, part, options.limit):
            with lock:
                results.append(found)
                minutes = (time.perf_counter() - began) / 60.0
                left = minutes / len(results) * (len(files) - len(results))
                show(found, f"{len(results)}/{len(files)}", f"{left:.0f} minutes left")

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(run, parts_of(files)))
    results.sort(key=lambda result: result.file)
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "commit": machine()["commit"],
        "versions": versions(options.python),
        "minutes": round((time.perf_counter() - began) / 60.0, 1),
        "files": [asdict(result) for result in results],
    }
    if not options.files:
        RESULTS.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        (RESULTS / "windows_suite.json").write_text(text, encoding="utf-8")
        (RESULTS / "windows_suite.md").write_text(markdown(report), encoding="utf-8")
    counts = totals(results)
    print(", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "failed", "skipped")))
    return 1 if counts["failed"] else 0


def show(result: FileResult, place: str, left: str) -> None:
    """Print the counts of one file, and its failures."""
    counts = Counter(each.kind for each in result.others)
    line = f"{result.passed} passed, {counts['failed']} failed, {counts['skipped']} skipped"
    print(f"{place} {result.file}: {line} ({left})", flush=True)
    for each in result.others:
        if each.kind == "failed":
            print(f"    {each.test}: {each.reason}", flush=True)


def test_files(words: Sequence[str]) -> list[str]:
    """The test files in `words`, files or folders; all without words. POSIX paths from the root."""
    found: list[Path] = []
    for place in map(ROOT.joinpath, words or ["tests"]):
        found += [place] if place.suffix == ".py" else sorted(place.rglob("test_*.py"))
    return [path.relative_to(ROOT).as_posix() for path in found]


def parts_of(files: Sequence[str]) -> Iterator[list[str]]:
    """Files that share a process: those of a folder, at most twelve."""
    for folder, group in groupby(files, lambda file: file.rpartition("/")[0]):
        own = list(group)
        size = 1 if folder in ALONE else _LARGEST_PART
        for first in range(0, len(own), size):
            yield own[first : first + size]


def run_part(python: Path, part: Sequence[str], limit_s: float) -> Iterator[FileResult]:
    """The results of the files of one part, each in a process of its own if they fail together."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = Path(folder) / "report.xml"
        trouble = run_pytest(python, part, report, limit_s)
        if trouble and len(part) > 1:
            for file in part:
                yield from run_part(python, [file], limit_s)
            return
        found = read_report(report, part) if report.exists() else {}
    for file in part:
        result = found.get(file, FileResult(file))
        if trouble:
            result.others.append(Outcome(file, "failed", trouble))
        yield result


def run_pytest(python: Path, part: Sequence[str], report: Path, limit_s: float) -> str:
    """Run pytest in a new process and end what it leaves behind. Returns what went wrong, or ""."""
    words = ["-m", "pytest", *part, "-n", "0", "-q", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        [str(python), *words, f"--junitxml={report}"],
        cwd=ROOT,
        env={**os.environ, MARK: str(report), "PYTHONFAULTHANDLER": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=sys.platform != "win32",
    )
    tail: list[str] = []
    reader = threading.Thread(target=read_tail, args=(process, tail), daemon=True)
    reader.start()
    deadline = time.perf_counter() + limit_s
    while process.poll() is None and time.perf_counter() < deadline and not report.exists():
        time.sleep(0.1)
    is_late = process.poll() is None and not report.exists()
    if not is_late:  # the report is written before the interpreter ends
        reader.join(_CLOSING_S)
    own = {process.pid, *(each.pid for each in children_of(process.pid) if is_python(each, words))}
    left = [each for each in marked_processes(str(report)) if each.pid not in own]
    names = sorted({command_of(each) for each in left})
    for each in (*left, *map(psutil.Process, filter(psutil.pid_exists, own))):
        try:
            each.kill()
        except psutil.Error:
            continue
    process.wait()
    last = " | ".join(tail[-3:])
    if is_late:
        return f"did not end within {limit_s:.0f} s; last output: {last}"
    if not report.exists():
        return f"pytest ended without a report; last output: {last}"
    return f"left processes behind: {', '.join(names)}"[:_SHOWN] if names else ""


def read_tail(process: subprocess.Popen[bytes], tail: list[str]) -> None:
    """Keep the last lines of the output."""
    assert process.stdout is not None
    for line in process.stdout:
        tail.append(line.decode(errors="replace").strip())
        del tail[:-20]


def children_of(pid: int) -> list[psutil.Process]:
    """The children of a process, and theirs."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def is_python(process: psutil.Process, words: Sequence[str]) -> bool:
    """Whether this is the process of pytest itself, behind a launcher or a shell."""
    try:
        return set(words) <= set(process.cmdline())
    except (psutil.Error, OSError):
        return False


def marked_processes(mark: str) -> list[psutil.Process]:
    """The processes that carry this mark in their environment, without servers of Wine."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.name() not in _OF_WINE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def command_of(process: psutil.Process) -> str:
    """Its command line without the interpreter."""
    try:
        return " ".join(process.cmdline()[1:])[-80:] or process.name()
    except (psutil.Error, OSError):
        return "?"


def read_report(path: Path, part: Sequence[str]) -> dict[str, FileResult]:
    """The results by file, from a JUnit report of pytest."""
    results = {file: FileResult(file) for file in part}
    by_module = {file.removesuffix(".py").replace("/", "."): file for file in part}
    for case in ElementTree.parse(path).iter("testcase"):
        module = case.get("classname") or case.get("name") or ""
        while module and module not in by_module:  # a test class
            module = module.rpartition(".")[0]
        result = results[by_module.get(module, part[0])]
        for kind, tag in (("failed", "failure"), ("failed", "error"), ("skipped", "skipped")):
            if (element := case.find(tag)) is not None:
                message = " ".join((element.get("message") or "").split())[:_SHOWN]
                result.others.append(Outcome(str(case.get("name")), kind, message))
                break
        else:
            result.passed += 1
    return results


def totals(results: Sequence[FileResult]) -> Counter[str]:
    """The number of tests by outcome."""
    counts = Counter[str](passed=sum(result.passed for result in results), failed=0, skipped=0)
    counts.update(each.kind for result in results for each in result.others)
    return counts


def versions(python: Path) -> dict[str, str]:
    """Versions of the system, of Python and of the packages that touch it."""
    names = ("torch", "opencv-python", "python-osc", "sounddevice", "psutil", "panda3d", "pytest")
    code = (
        "import ctypes, json, platform, sys; from importlib.metadata import version\n"
        "wine = getattr(ctypes.WinDLL('ntdll'), 'wine_get_version', None)\n"
        "if wine: wine.restype = ctypes.c_char_p\n"
        "print(json.dumps({'system': platform.platform(), 'python': sys.version.split()[0],\n"
        "    **({'wine': wine().decode()} if wine else {}),\n"
        f"    **{{name: version(name) for name in {names!r}}}}}))"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, check=False)
    host = {} if sys.platform == "win32" else {"under": platform.platform()}
    return {**json.loads(done.stdout or "{}"), **host}


def markdown(report: dict[str, Any]) -> str:
    """The report as a page."""
    files = report["files"]
    others = [(file["file"], each) for file in files for each in file["others"]]
    counts = Counter(each["kind"] for _, each in others)
    passed = sum(file["passed"] for file in files)
    lines = [
        "# Test suite on the Windows API",
        "",
        "Written by `python -m scripts.windows.suite`. Under Wine this shows that the code works",
        "with the Windows API of Wine, not that it works on every Windows.",
        "",
        f"Commit {report['commit']}, {report['date']}, {report['minutes']} minutes: "
        f"**{passed} passed, {counts['failed']} failed, {counts['skipped']} skipped** "
        f"in {len(files)} files.",
        "",
        "Versions: " + ", ".join(f"{name} {text}" for name, text in report["versions"].items()),
        "",
    ]
    for kind in ("failed", "skipped"):
        rows = Counter((file, each["reason"]) for file, each in others if each["kind"] == kind)
        if rows:
            lines += [f"## {kind.capitalize()}", ""]
            lines += ["| tests | file | reason |", "| --- | --- | --- |"]
            for (file, reason), count in sorted(rows.items()):
                lines.append(f"| {count} | `{file}` | {reason.replace('|', '¦')} |")
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
