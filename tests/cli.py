"""Runs Yume's command line in a new process (`call`) or in this one (`here`).

`here` saves the seconds that a new process takes to import torch."""

import signal
import subprocess
import sys
from typing import NamedTuple

from typer.testing import CliRunner

from tests.conftest import ROOT

MAIN = ROOT / "main.py"


class Output(NamedTuple):
    output: str
    errors: str

    @property
    def all(self) -> str:
        """Lines may be broken anywhere: as words, one space between."""
        return " ".join((self.output + self.errors).split())


def command(*words) -> list[str]:
    return [sys.executable, str(MAIN), *map(str, words)]


def call(*words, code=0, cwd=ROOT, timeout=240.0) -> Output:
    """As a process; asserts its exit code."""
    done = subprocess.run(
        command(*words),
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    assert done.returncode == code, done.stderr + done.stdout
    return Output(done.stdout, done.stderr)


def here(*words, code=0) -> Output:
    """In this process; asserts the exit code, or one of several, and that nothing was raised."""
    import main

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        done = CliRunner().invoke(main.app, [str(word) for word in words])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    allowed = code if isinstance(code, tuple) else (code,)
    assert done.exit_code in allowed, done.stderr + done.stdout
    return Output(done.stdout, done.stderr)
