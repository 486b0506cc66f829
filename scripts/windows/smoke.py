"""A short trial on the Windows API: install, live runs that are killed, and some tests.

python -m scripts.windows.smoke [--python PATH] [--tests FOLDER...]

Elsewhere than on Windows it sets up a Python under Wine first. The install is kept, and repeated
only after pyproject.toml or constraints.txt have changed. Exit code 1 if something failed.
"""

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.windows.suite import ROOT, default_python

TESTS = ("tests/configs", "tests/interfaces/ipc", "tests/interfaces/runtime/system")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", type=Path, default=default_python())
    parser.add_argument("--tests", nargs="*", default=list(TESTS), help="folders of tests")
    options = parser.parse_args()
    python: Path = options.python
    if not python.exists() and sys.platform != "win32":
        setup = Path(__file__).with_name("setup_wine.sh")
        subprocess.run([str(setup), str(python.parent)], check=True)
    failed = [
        name
        for name, words in (
            ("install", install_words(python)),
            ("live trial", ["-m", "scripts.windows.live_trial"]),
            ("tests", ["-m", "pytest", *options.tests, "-n", "0", "-q"]),
        )
        if words and not passes(name, [str(python), *words])
    ]
    if "install" not in failed:
        stamp(python).write_text(requirements(), encoding="utf-8")
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


def install_words(python: Path) -> list[str]:
    """The words of pip; none if these requirements are installed."""
    path = stamp(python)
    if path.exists() and path.read_text(encoding="utf-8") == requirements():
        return []
    return ["-m", "pip", "install", "-q", "--no-compile", "-e", ".[dev]", "-c", "constraints.txt"]


def stamp(python: Path) -> Path:
    """The file beside this Python that says what is installed in it."""
    return python.with_name(f"yume-{python.stem}-installed.txt")


def requirements() -> str:
    """A hash of what has to be installed, and where: the install is editable."""
    content = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return f"{hashlib.sha256(content).hexdigest()} {ROOT}"


def passes(name: str, words: Sequence[str]) -> bool:
    """Run a command with its output here. Whether it succeeded."""
    began = time.perf_counter()
    code = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    print(f"{name}: code {code} after {time.perf_counter() - began:.0f} s", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
