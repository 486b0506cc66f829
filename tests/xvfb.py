"""A private X server for tests: no other program draws or types on it."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def running(size: str) -> Iterator[str]:
    """The display's name, `:N`, set as DISPLAY of this process. Skips without Xvfb."""
    if not sys.platform.startswith("linux"):
        pytest.skip("X servers are for Linux")
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (package xvfb)")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            name = f":{int(server.stdout.readline())}"
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("DISPLAY", name)
                yield name
        finally:
            server.terminate()
