"""Weights: time to publish, to copy and check in the background, and to switch in the tick.

It also counts torn reads with and without the check, and times `torch.save` and `torch.load` for
comparison. Percentiles are medians over the runs.

python -m benchmarks.realtime.weights_switch [--runs 3] [--versions 60] [--seconds 20]
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import ROOT, publish
from interfaces.weights import Manifest, WeightsReader, WeightsWriter
from interfaces.weights.slots import Slots, live_path

_PUBLISHER = """
import sys
from pathlib import Path
import numpy as np
from interfaces.weights import Manifest, WeightsWriter
manifest = Manifest((("w", (int(sys.argv[2]),)),))
writer, version = WeightsWriter(Path(sys.argv[1]), manifest), 0
print("ready", flush=True)
while True:
    version += 1
    writer.publish(np.full(manifest.size, version, np.float32), version, 0)
"""


STAGES = ("publish", "copy", "switch", "torch save and load")


def megabytes(size_mb: float) -> Manifest:
    return Manifest((("w", (int(size_mb * 250_000),)),))


def one_size(size_mb: float, versions: int, runs: int) -> dict[str, Any]:
    """Milliseconds p50 and p99 of each stage."""
    measured = [_one_run(size_mb, versions) for _ in range(runs)]
    row: dict[str, Any] = {"MB": size_mb}
    for stage in measured[0]:
        p50, p99 = np.median([np.percentile(run[stage], [50, 99]) for run in measured], axis=0)
        row |= {f"{stage} p50 ms": float(p50), f"{stage} p99 ms": float(p99)}
    return row


def _one_run(size_mb: float, versions: int) -> dict[str, list[float]]:
    """Milliseconds of each stage, for each version."""
    manifest, took = megabytes(size_mb), {stage: [] for stage in STAGES}
    with tempfile.TemporaryDirectory() as folder:
        writer = WeightsWriter(Path(folder), manifest)
        reader = WeightsReader(Path(folder), manifest, lambda flat: flat, keep_bytes=0)
        flat = np.random.default_rng(0).random(manifest.size, np.float32)
        for version in range(1, versions + 1):
            for stage, work in (
                ("publish", lambda v=version: writer.publish(flat, v, 0)),
                ("copy", reader.poll),
                ("switch", reader.take_newer),
                ("torch save and load", lambda: _through_torch(flat)),
            ):
                began = time.perf_counter()
                work()
                took[stage].append(1e3 * (time.perf_counter() - began))
    return took


def _through_torch(flat: np.ndarray) -> None:
    packed = io.BytesIO()
    torch.save(torch.from_numpy(flat), packed)
    packed.seek(0)
    torch.load(packed, weights_only=True)


def torn_reads(size_mb: float, seconds: float) -> dict[str, int]:
    """Counts torn reads, without and with the check, beside a writer at full speed."""
    manifest, counts = megabytes(size_mb), {"reads": 0, "torn_unchecked": 0, "torn_checked": 0}
    with tempfile.TemporaryDirectory() as folder:
        publisher = subprocess.Popen(
            [sys.executable, "-c", _PUBLISHER, folder, str(manifest.size)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert publisher.stdout is not None
        publisher.stdout.readline()
        try:
            slots = Slots(live_path(Path(folder), manifest), manifest)
            reader = WeightsReader(Path(folder), manifest, lambda flat: flat, keep_bytes=0)
            deadline = time.perf_counter() + seconds
            while time.perf_counter() < deadline:
                unchecked = slots.data[int(np.argmax(slots.version))].copy()
                counts["reads"] += 1
                counts["torn_unchecked"] += bool((unchecked != unchecked[0]).any())
                reader.poll()
                taken = reader.take_newer()
                if taken is not None:
                    counts["torn_checked"] += bool((taken.networks != taken.version).any())
        finally:
            publisher.kill()
            publisher.wait()
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--versions", type=int, default=60, help="published in each run")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the torn-read part")
    options = parser.parse_args()
    rows = [one_size(size, options.versions, options.runs) for size in (5.0, 20.0, 100.0)]
    torn = torn_reads(5.0, options.seconds)
    title = "Weights: time of each stage (torch.save and torch.load for comparison)"
    publish("realtime/weights_switch", title, rows, torn=torn)
    print(f"torn reads beside a writer at full speed, 5 MB: {torn}")


if __name__ == "__main__":
    main()
