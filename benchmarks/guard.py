"""The guard: from kill -9 of the body (and from SIGSTOP) to every input at rest, heard by a client.

python -m benchmarks.guard [--runs 20]
"""

import argparse
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import publish
from interfaces.vrchat.osc import decode
from tests.interfaces.test_guard import Stage


def rested_ms(folder: Path, number: signal.Signals) -> float:
    """Milliseconds from the signal until the client has heard rest for every input."""
    stage = Stage(folder)
    try:
        stage.flush()
        waiting = {f"/input/{action.name}" for action in stage.config.world.actions}
        stage.body.send_signal(number)
        began = time.monotonic()
        deadline = began + 5.0
        resting = set[str]()
        while resting != waiting and time.monotonic() < deadline:
            try:
                datagram = stage.client.recv(4096)
            except TimeoutError:
                continue
            for address, arguments in decode(datagram):
                if arguments[0]:
                    resting.discard(address)
                else:
                    resting.add(address)
        return 1e3 * (time.monotonic() - began)
    finally:
        stage.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    rows = []
    cases = [("kill -9", signal.SIGKILL, 200.0)]
    if sys.platform != "win32":
        cases.append(("SIGSTOP (20 Hz)", signal.SIGSTOP, 2.5 * 50.0 + 200.0))
    for name, number, promised in cases:
        took = []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                took.append(rested_ms(Path(folder), number))
        rows.append(
            {
                "body ended by": name,
                "ms p50": statistics.median(took),
                "ms max": max(took),
                "promised ms": promised,
                "runs": runs,
            }
        )
    publish("guard", "From the body's end to every input at rest", rows)


if __name__ == "__main__":
    main()
