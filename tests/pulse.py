"""Sound for tests: a PulseAudio of our own with two null sinks, and what hears no other."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RATE = 48000
PATIENCE_S = 10.0
ROOT = Path(__file__).parent.parent
CHILD = """
import json, sys
import numpy as np

def tell(*what):
    print(json.dumps(what), flush=True)

"""
DEVICES_SEEN = """
import sounddevice
tell(*[device["name"] for device in sounddevice.query_devices()])
"""


class Pulse:
    """A PulseAudio server of our own, and processes that see nothing else."""

    def __init__(self, folder: Path) -> None:
        address = folder / "native"
        sinks = [
            f"module-null-sink sink_name={name} rate={RATE} norewinds=1"
            for name in ("yume_out", "yume_mic")
        ]
        modules = [f"module-native-protocol-unix socket={address} auth-anonymous=1", *sinks]
        alsa = folder / "asound.conf"
        alsa.write_text(
            "</usr/share/alsa/alsa.conf>\n"
            'pcm.yume_out { type pulse device "yume_out" hint { show on description "out" } }\n'
            'pcm.yume_mic { type pulse device "yume_mic.monitor" '
            'hint { show on description "in" } }\n',
            encoding="utf-8",
        )
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{address}",
            "ALSA_CONFIG_PATH": str(alsa),
            "PYTHONPATH": str(ROOT),
        }
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += [word for module in modules for word in ("-L", module)]
        self._server = self.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while self.run("pactl", "info").returncode:
            assert time.monotonic() < deadline, "PulseAudio does not answer"
            assert self._server.poll() is None, "PulseAudio ended"
            time.sleep(0.02)

    def start(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **streams}
        return subprocess.Popen(
            command, env=self.environment, stderr=subprocess.DEVNULL, cwd=ROOT, **streams
        )

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, env=self.environment, capture_output=True, check=False)

    def child(self, code: str, *arguments: str) -> subprocess.Popen[bytes]:
        return self.start([sys.executable, "-c", CHILD + code, *arguments])

    def kill(self) -> None:
        self._server.kill()
        self._server.wait()


def missing() -> str:
    if not sys.platform.startswith("linux"):
        return "PulseAudio's null sinks are for Linux"
    gone = [name for name in ("pulseaudio", "pactl", "parec", "pacat") if not shutil.which(name)]
    if gone:
        return f"not installed: {', '.join(gone)} (packages pulseaudio and pulseaudio-utils)"
    try:
        import sounddevice  # noqa: F401
    except OSError:
        return "PortAudio is not installed (package libportaudio2)"
    return ""


def heard(child: subprocess.Popen[bytes]) -> list[Any]:
    """The next line that the child tells."""
    assert child.stdout is not None
    return json.loads(child.stdout.readline() or pytest.fail("the child is gone"))


def ask(child: subprocess.Popen[bytes], line: object = "") -> list[Any]:
    assert child.stdin is not None
    child.stdin.write(f"{line}\n".encode())
    child.stdin.flush()
    return heard(child)


def ask_until(child: subprocess.Popen[bytes], wanted: Callable[[list[Any]], bool]) -> list[Any]:
    deadline = time.monotonic() + PATIENCE_S
    while not wanted(answer := ask(child)):
        assert time.monotonic() < deadline, answer
        time.sleep(0.01)
    return answer


@contextlib.contextmanager
def running() -> Iterator[Pulse]:
    """Skips the test where the system has not what it takes."""
    if why := missing():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="yume-") as folder:
        pulse = Pulse(Path(folder))
        try:
            with pulse.child(DEVICES_SEEN) as child:
                names = heard(child)
            if "yume_out" not in names:
                pytest.skip("ALSA has no plugin for PulseAudio (package libasound2-plugins)")
            yield pulse
        finally:
            pulse.kill()
