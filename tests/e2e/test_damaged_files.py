"""Files of a live run that another program overwrites or removes: the run goes on, and no index of
a Step is used twice."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.processes import INTERRUPTIBLE, interrupt
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.journal.segment import segment_paths
from interfaces.session.format.session import Session
from tests.cli import call, command
from tests.polling import wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cuts and removes no open file"),
]
FOREIGN = b"notes of somebody else\n" * 500
SETTINGS = ("journal.segment_steps=64", "trainer.prefill=40", "world.standin.people=0")


def overwrite(path):
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(FOREIGN)


def check_session(run):
    """An index stands for the same Step in session and journal. Returns one past the newest one."""
    session, reader = Session(run / "session"), JournalReader(run / "journal")
    steps = [(int(step["index"]), int(step["wall_ns"])) for _, step in session.steps(picture=False)]
    assert (np.diff(np.array(steps), axis=0) > 0).all(), "indices and times increase"
    times, compared = dict(steps), 0
    for row in reader.read(reader.first, reader.end - reader.first):
        if not row["situation"] & Situation.FORGOTTEN and int(row["index"]) in times:
            assert times[int(row["index"])] == row["wall_ns"], row["index"]
            compared += 1
    assert compared > 60
    return session.end


def test_a_run_survives_lost_files_and_mixes_no_steps(tmp_path):
    run = tmp_path / "run"
    words = command("run", "tiny", *SETTINGS, "--seed", 0, "--quiet", "--out", run)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, **INTERRUPTIBLE)
    try:
        wait_until(lambda: (run / "journal" / "layout.json").exists(), "the journal", 60.0)
        reader = JournalReader(run / "journal")

        def end():
            reader.refresh()
            return reader.end

        wait_until(lambda: end() >= 80, "80 Steps", 60.0)
        wait_until(lambda: list(run.glob("weights/live-*.mmap")), "weights", 60.0)
        damaged = [*segment_paths(run / "journal")[-2:], *run.glob("weights/live-*.mmap")]
        steps_before = reader.end
        for path in damaged:
            overwrite(path)
        for path in damaged:
            aside = path.with_name(f"{path.name}.damaged-1")
            wait_until(aside.exists, aside.name, 60.0)
            assert aside.read_bytes().startswith(FOREIGN[:20]), "the process that mapped it writes"
        wait_until(lambda: end() >= steps_before + 20, "20 more Steps", 60.0)
    finally:
        interrupt(process)
        assert process.wait(60.0) == 0
    assert check_session(run) == JournalReader(run / "journal").end
    log = (run / "logs" / "body.log").read_text(encoding="utf-8")
    assert f"{damaged[0]} has no header of a segment: set aside as" in log
    assert "damaged Steps" in call("sessions", "verify", run, code=1).all

    before = check_session(run)
    for path in segment_paths(run / "journal")[-2:]:
        path.unlink()
    assert "the Steps between are lost" in call("sessions", "verify", run, code=1).all
    call("run", "--resume", run, "--seconds", 3, "--quiet")
    assert check_session(run) > before, "the new Steps are recorded after the old ones"
