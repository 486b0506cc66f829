"""Time until every input is released after each cause that ends or hangs a run.

python -m benchmarks.realtime.input_release [--trials 10] [--only NAME] [--restart]

The processes are real: a `run` of kind vrchat. Its client is this program, and its camera is the
stream of a stand-in. The time ends when the last input is released. The inputs must then stay
released for a second, or for one and a half ticks if the process is restarted earlier. Trials that
already are in the JSON are not repeated.
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
from benchmarks.realtime.fault_injection import CAUSES, HZ, LiveRun, free_port


class StandinCamera:
    """The stream of a stand-in process that can be killed and restarted."""

    def __init__(self) -> None:
        self._http = free_port(socket.SOCK_STREAM)
        self.url = f"http://127.0.0.1:{self._http}/camera.mjpg"
        self.restart()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
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
    parser.add_argument("--only", default="", help="only causes whose name contains this")
    parser.add_argument(
        "--restart", "--anew", action="store_true", help="delete the trials of earlier runs"
    )
    options = parser.parse_args()
    path = RESULTS / "realtime/input_release_trials.json"
    results: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    for cause in CAUSES:
        if options.only not in cause.name:
            continue
        if options.restart:
            results.pop(cause.name, None)
        # Trials accumulate over several runs, so each cause records its commit.
        trials = results.setdefault(cause.name, {"commit": machine()["commit"], "ms": []})["ms"]
        while len(trials) < options.trials:
            with tempfile.TemporaryDirectory() as folder:
                camera = StandinCamera()
                run = LiveRun(Path(folder), camera)
                try:
                    for _ in range(min(cause.trials_per_run, options.trials - len(trials))):
                        trials.append(round(cause.trial_ms(run), 1))
                        path.write_text(json.dumps(results, indent=1), encoding="utf-8")
                        print(f"{cause.name}: {trials[-1]} ms", flush=True)
                        if cause.recover is None:
                            break
                        cause.recover(run)
                        run.client.values.clear()
                        run.wait_for_motion()
                finally:
                    run.close()
                    camera.stop()
    rows = [
        {
            "cause": cause.name,
            "ms p50": statistics.median(results[cause.name]["ms"]),
            "ms max": max(results[cause.name]["ms"]),
            "limit ms": cause.limit_ms,
            "in time": f"{sum(ms <= cause.limit_ms for ms in results[cause.name]['ms'])} "
            f"of {len(results[cause.name]['ms'])}",
            "commit": results[cause.name]["commit"],
        }
        for cause in CAUSES
        if cause.name in results
    ]
    publish("realtime/input_release", f"Time until every input is released ({HZ:g} Hz)", rows)


if __name__ == "__main__":
    main()
