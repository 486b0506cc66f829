"""Changed bits in the recording of a run: found by `sessions verify`, harmless, or wrong unseen.

A run of the stand-in is recorded. Then one bit at a time is changed, in its journal or in its
session, and changed back. A change is harmless if every Step, time and metadata of the recording
is read as before. `wrong Steps read` counts the changes after which a reader gives a Step that was
not recorded; `left out` the Steps that it no longer gives, per change and before any repair.

python -m benchmarks.reliability.bit_flips [--bits 100] [--seconds 20] [--seed 0]
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger

from benchmarks.common import ROOT, publish
from configs.errors import BadInput
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.journal.segment import segment_paths
from interfaces.journal.segment_header import PAGE
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.chunks import RECORD_HEAD
from interfaces.session.format.mcap_file import open_mcap, walk_records
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.verify import verify

Place = tuple[Path, int, int]  # file, first byte, end
_CHUNK = 6  # opcode of MCAP


def record_run(folder: Path, seconds: float) -> RunFolder:
    """A run whose journal and session have several files."""
    words = ["journal.segment_steps=64", "session.minutes=0.1", "trainer.prefill=100000"]
    subprocess.run(
        [
            *(sys.executable, "main.py", "run", "tiny", *words),
            *("--seconds", str(seconds), "--out", str(folder), "--quiet"),
        ],
        cwd=ROOT,
        check=True,
    )
    return RunFolder(folder)


def journal_content(run: RunFolder) -> dict[int, str]:
    """A digest of each Step of the journal; a Step that is left out has none."""
    reader = JournalReader(run.journal)
    rows = reader.read(reader.first, reader.end - reader.first)
    return {
        int(row["index"]): hashlib.sha256(row.tobytes()).hexdigest()
        for row in rows
        if not int(row["situation"]) & Situation.FORGOTTEN
    }


def session_content(run: RunFolder) -> dict[int, str]:
    """A digest of each Step of the session, and under -1 of all that is said about them."""
    session = Session(run.session)
    said = [
        (info.first, info.end, info.gaps, info.wall_ns, info.run_metadata, str(info.codec))
        for info in session.infos
    ]
    steps = {-1: hashlib.sha256(repr(said).encode()).hexdigest()}
    for log_ns, step in session.steps():
        content = step.tobytes() + str(log_ns).encode()
        steps[int(step["index"])] = hashlib.sha256(content).hexdigest()
    return steps


def content(run: RunFolder) -> tuple[dict[int, str], dict[int, str]]:
    """What both recordings hold; an unreadable one holds nothing."""
    both: list[dict[int, str]] = []
    for read in (journal_content, session_content):
        try:
            both.append(read(run))
        except (BadInput, IndexError, ValueError):
            both.append({})
    return both[0], both[1]


@contextmanager
def changed_bit(path: Path, bit: int) -> Generator[None]:
    """One bit of a file has the other value."""
    for _ in range(2):
        with path.open("r+b") as file:
            file.seek(bit // 8)
            byte = file.read(1)[0]
            file.seek(bit // 8)
            file.write(bytes([byte ^ 1 << bit % 8]))
        if _ == 0:
            yield


def places(run: RunFolder) -> dict[str, list[Place]]:
    """Parts of the files by kind."""
    headers = [(path, 0, 2 * PAGE) for path in segment_paths(run.journal)]
    records = [(path, 2 * PAGE, path.stat().st_size) for path in segment_paths(run.journal)]
    chunks: list[Place] = []
    others: list[Place] = []
    for path in segment_files(run.session):
        with open_mcap(path) as file:
            for at, opcode, length in walk_records(path, file):
                where = (path, at, at + RECORD_HEAD.size + length)
                (chunks if opcode == _CHUNK else others).append(where)
    fixed = [(path, start, start + 400) for path, start, _ in headers]
    return {
        "journal: header": fixed,
        "journal: header pages": headers,
        "journal: records": records,
        "session: chunks": chunks,
        "session: all else": others,
    }


def measure(run: RunFolder, parts: list[Place], bits: int, some: random.Random) -> dict[str, Any]:
    """Change bits in these parts, each byte with the same chance."""
    sizes = np.array([end - start for _, start, end in parts])
    before = content(run)
    counts: Counter[str] = Counter()
    lost: list[int] = []
    for _ in range(bits):
        (path, start, end) = some.choices(parts, sizes.tolist())[0]
        bit = some.randrange(8 * start, 8 * end)
        with changed_bit(path, bit):
            try:
                is_found = any(result.trouble for result in verify(run.path))
            except BadInput:
                is_found = True
            after = content(run)
        same = [old[index] == new[index] for old, new in zip(before, after, strict=True)
                for index in old.keys() & new.keys() if index >= 0]  # fmt: skip
        is_same = after == before
        left_out = sum(len(old.keys() - new.keys()) for old, new in zip(before, after, strict=True))
        lost.append(left_out)
        if not is_found and not is_same:
            counts["wrong, unseen"] += 1
            print(f"unseen: {path.name} bit {bit}")
        else:
            counts["found" if is_found else "harmless"] += 1
        counts["wrong Steps read"] += not all(same)
    return {
        "bits": bits,
        "found": counts["found"],
        "harmless": counts["harmless"],
        "wrong, unseen": counts["wrong, unseen"],
        "wrong Steps read": counts["wrong Steps read"],
        "left out, mean": float(np.mean(lost)),
        "left out, max": max(lost),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bits", type=int, default=100, help="for each kind of place")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the run")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logger.remove()
    some = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        run = record_run(Path(folder) / "run", options.seconds)
        steps = len(journal_content(run))
        assert not any(result.trouble for result in verify(run.path))
        rows = [
            {"place": kind} | measure(run, parts, options.bits, some)
            for kind, parts in places(run).items()
        ]
    publish(
        "reliability/bit_flips",
        "One changed bit in a recording: found by `sessions verify`, harmless, or wrong and unseen",
        rows,
        steps=steps,
        seed=options.seed,
    )


if __name__ == "__main__":
    main()
