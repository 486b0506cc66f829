"""Sound for tests: a private PulseAudio server with two null sinks, and its only clients."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.polling import wait_until

RATE = 48000
TIMEOUT_S = 10.0
ROOT = Path(__file__).parent.parent
CHILD = """
import json, sys
import numpy as np

def send(*values):
    print(json.dumps(values), flush=True)

"""
LIST_DEVICES = """
import sounddevice
send(*[device["name"] for device in sounddevice.query_devices()])
"""


class Pulse:
    """A private PulseAudio server, and child processes that know no other."""

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
        wait_until(self._answers, "an answer of PulseAudio", TIMEOUT_S)

    def _answers(self) -> bool:
        assert self._server.poll() is None, "PulseAudio ended"
        return self.run("pactl", "info").returncode == 0

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
    """What the system lacks, in words; empty if nothing."""
    if not sys.platform.startswith("linux"):
        return "PulseAudio's null sinks are for Linux"
    absent = [name for name in ("pulseaudio", "pactl", "parec", "pacat") if not shutil.which(name)]
    if absent:
        return f"not installed: {', '.join(absent)} (packages pulseaudio and pulseaudio-utils)"
    try:
        import sounddevice  # noqa: F401
    except OSError:
        return "PortAudio is not installed (package libportaudio2)"
    return ""


def receive(child: subprocess.Popen[bytes]) -> list[Any]:
    """The values of the next line that the child sends."""
    assert child.stdout is not None
    return json.loads(child.stdout.readline() or pytest.fail("the child has ended"))


def ask(child: subprocess.Popen[bytes], line: object = "") -> list[Any]:
    """Send one line to the child and return its answer."""
    assert child.stdin is not None
    child.stdin.write(f"{line}\n".encode())
    child.stdin.flush()
    return receive(child)


def ask_until(child: subprocess.Popen[bytes], accepted: Callable[[list[Any]], bool]) -> list[Any]:
    """The first answer that is accepted."""

    def accepted_answer() -> list[Any] | None:
        answer = ask(child)
        return answer if accepted(answer) else None

    return wait_until(accepted_answer, "an accepted answer", TIMEOUT_S)


@contextlib.contextmanager
def running() -> Iterator[Pulse]:
    """A server for one test. Skips the test where the system lacks something."""
    if why := missing():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="yume-") as folder:
        pulse = Pulse(Path(folder))
        try:
            with pulse.child(LIST_DEVICES) as child:
                names = receive(child)
            if "yume_out" not in names:
                pytest.skip("ALSA has no plugin for PulseAudio (package libasound2-plugins)")
            yield pulse
        finally:
            pulse.kill()
