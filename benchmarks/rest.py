"""Every input at rest, whatever ends or hangs: a whole life, a client that hears all it is told.

python -m benchmarks.rest [--trials 10] [--only NAME]

Real processes: a `run` of kind vrchat whose client is this program and whose camera is a
stand-in's stream. Measured is from the blow until the last input that was not at rest is, and
stays so for a second (a body or guard that ends by itself is back before that: a beat and a half
there). What has been measured already stands in the JSON and is not done again.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.lives import CAUSES, HZ, Life, free_port


class StandinCamera:
    """The stand-in's stream, from a process that can be killed."""

    def __init__(self) -> None:
        self._http = free_port(socket.SOCK_STREAM)
        self.url = f"http://127.0.0.1:{self._http}/camera.mjpg"
        self.come_back()

    def go(self) -> None:
        self._process.kill()
        self._process.wait()

    def come_back(self) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "main.py", "standin", "--http", str(self._http)),
                *("--osc", "0:127.0.0.1:0", "--no-oscquery"),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--only", default="", help="causes whose name holds this")
    parser.add_argument("--anew", action="store_true", help="forget the trials of earlier runs")
    asked = parser.parse_args()
    kept = RESULTS / "rest-trials.json"
    took: dict[str, dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else {}
    for cause in CAUSES:
        if asked.only not in cause.name:
            continue
        if asked.anew:
            took.pop(cause.name, None)
        # Trials are kept and gone on with, so each cause says what it was measured on.
        trials = took.setdefault(cause.name, {"commit": machine()["commit"], "ms": []})["ms"]
        while len(trials) < asked.trials:
            with tempfile.TemporaryDirectory() as folder:
                camera = StandinCamera()
                life = Life(Path(folder), camera)
                try:
                    for _ in range(min(cause.trials_per_life, asked.trials - len(trials))):
                        trials.append(round(cause.trial_ms(life), 1))
                        kept.write_text(json.dumps(took, indent=1), encoding="utf-8")
                        print(f"{cause.name}: {trials[-1]} ms", flush=True)
                        if cause.live_on is None:
                            break
                        cause.live_on(life)
                        life.client.values.clear()
                        life.wait_for_motion()
                finally:
                    life.close()
                    camera.go()
    rows = [
        {
            "what happens": cause.name,
            "ms p50": statistics.median(took[cause.name]["ms"]),
            "ms max": max(took[cause.name]["ms"]),
            "promised ms": cause.promised_ms,
            "in time": f"{sum(ms <= cause.promised_ms for ms in took[cause.name]['ms'])} "
            f"of {len(took[cause.name]['ms'])}",
            "commit": took[cause.name]["commit"],
        }
        for cause in CAUSES
        if cause.name in took
    ]
    publish("rest", f"Every input at rest ({HZ:g} Hz)", rows)


if __name__ == "__main__":
    main()
