"""One wrong bit in the small files of a run: is it reported, and does it change what is read?

python -m benchmarks.reliability.damaged_files [--bits 200] [--trials 1]

A run of `train tiny` writes the files. In each file one random bit is changed at a time. Then
`verify` reads all of them, as `sessions verify` does, and the content is read again. Each trial is
another run with other bits; the table has their sums.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load

from benchmarks.common import ROOT, publish
from configs.load import load_config
from configs.reading.json_document import OBJECT, OddNumbers, read_json
from interfaces.ipc.tensor_file import parse_tensors
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.maintain.start_time import save_start_time
from interfaces.session.maintain.verify_run_files import damaged_files
from interfaces.weights import pin
from interfaces.weights.checkpoint_files import checkpoint_files
from interfaces.weights.versions import stored_versions, version_files


def make_run(path: Path, seed: int) -> RunFolder:
    """A short lockstep run with a checkpoint, stored weights and a pin."""
    words = ["world.kind=standin", "trainer.prefill=64", f"seed={seed}"]
    command = ["train", "tiny", *words, "--steps", "300", "--out", str(path), "--quiet"]
    subprocess.run([sys.executable, "main.py", *command], cwd=ROOT, check=True)
    run = RunFolder(path)
    save_start_time(run)
    if versions := stored_versions(run.weights):
        pin(run.weights, versions[0])
    return run


def content_of(path: Path) -> object:
    """What a reader of the file gets; equal for equal content."""
    if path.suffix == ".yaml":
        return load_config(path, of_run=True)
    if path.suffix == ".json":
        return read_json(path, OBJECT, max_bytes=2**26, odd_numbers=OddNumbers.KEEP)
    tensors, metadata = parse_tensors(path.read_bytes(), path, load)
    return {k: v.tobytes() for k, v in tensors.items()}, metadata.get("manifest")


def count(run: RunFolder, path: Path, bits: int, rng: np.random.Generator) -> dict[str, Any]:
    """Changes `bits` different bits of one file, one after the other, and restores it."""
    content, before = path.read_bytes(), content_of(path)
    chosen = rng.choice(8 * len(content), min(bits, 8 * len(content)), replace=False).tolist()
    reported = unseen_and_wrong = 0
    for bit in chosen:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        if any(True for _ in damaged_files(run)):
            reported += 1
        else:
            unseen_and_wrong += not _same(before, content_of(path))
    path.write_bytes(content)
    unseen = len(chosen) - reported - unseen_and_wrong
    return {
        "file": path.relative_to(run.path).as_posix(),
        "bits": len(chosen),
        "reported": reported,
        "unseen, same content": unseen,
        "unseen and wrong": unseen_and_wrong,
    }


def _same(before: object, after: object) -> bool:
    """Whether every entry is still there, unchanged; a changed name of the checksum is one more."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {key: after.get(key) for key in before} == before
    return before == after


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--bits", type=int, default=200)
    parser.add_argument("--trials", type=int, default=1)
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    for trial in range(options.trials):
        with tempfile.TemporaryDirectory() as folder:
            run = make_run(Path(folder) / "run", seed=trial)
            assert not list(damaged_files(run)), "the intact run"
            rng = np.random.default_rng(trial)
            for path in _files(run):
                row = count(run, path, options.bits, rng)
                earlier = rows.get(row["file"], {})
                sums = {key: n + earlier.get(key, 0) for key, n in row.items() if key != "file"}
                rows[row["file"]] = {"file": row["file"]} | sums
                print(f"trial {trial + 1} of {options.trials}  {row}", flush=True)
    title = "One wrong bit in a small file of a run"
    publish("reliability/damaged_files", title, list(rows.values()), trials=options.trials)


def _files(run: RunFolder) -> list[Path]:
    newest = checkpoint_files(run.checkpoints)[-1]
    fixed = [run.config_file, run.meta, run.summary, run.start_time_file]
    others = [run.journal / "layout.json", run.weights / "pin.json", newest]
    stored = [newest.with_suffix(".safetensors"), *version_files(run.weights)[-1:]]
    return [path for path in (*fixed, *others, *stored) if path.exists()]


if __name__ == "__main__":
    main()
