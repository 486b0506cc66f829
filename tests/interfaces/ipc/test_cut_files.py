"""A file that another program cuts while it is read ends no reader."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from interfaces.ipc.file_reader import FileReader

ROOT = Path(__file__).parents[3]
# In a process of its own: a mapped file would end it with SIGBUS.
_JOURNAL = """
import os, sys
from pathlib import Path
import numpy as np
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from tests.interfaces.journal.journals import append, make_writer

folder = Path(sys.argv[1])
append(make_writer(folder), 40)
reader = JournalReader(folder)
assert reader.read(0, 40)["tick"].tolist() == list(range(40))
for path in folder.glob("*.seg"):
    os.truncate(path, int(sys.argv[2]))
reader._next_check_s = float("inf")  # before it sees that the files are others
reader.refresh()
for rows in (reader.read(0, 40), reader.gather(np.array([0]), 40, ("situation", "image"))):
    lost = np.ravel(rows["situation"]) == Situation.FORGOTTEN
    assert lost.sum() > 30, lost
    assert not rows["image"].reshape(40, -1)[lost].any()
reader._next_check_s = 0.0
reader.refresh()
assert (reader.first, reader.end) == (0, 0)
"""
_WEIGHTS = """
import os, sys
from pathlib import Path
import numpy as np
from interfaces.weights import Manifest, WeightsError, WeightsReader, WeightsWriter
from interfaces.weights.slots import live_path

folder, manifest = Path(sys.argv[1]), Manifest((("w", (100_000,)),))
writer = WeightsWriter(folder, manifest)
writer.publish(np.full(manifest.size, 1, np.float32), 1, 0)
reader = WeightsReader(folder, manifest, np.copy, 10**6)
assert reader.poll() and reader.take_newer().version == 1
writer.publish(np.full(manifest.size, 2, np.float32), 2, 0)
os.truncate(live_path(folder, manifest), int(sys.argv[2]))
reader._next_look_s = float("inf")
assert not reader.poll(), "before it sees that the file is another one"
reader._next_look_s = 0.0
try:
    reader.poll()
    raise AssertionError("a cut file was read")
except WeightsError as error:
    assert "truncated" in str(error)
del writer
WeightsWriter(folder, manifest).publish(np.full(manifest.size, 3, np.float32), 3, 0)
reader._next_look_s = 0.0
assert reader.poll() and reader.take_newer().version == 3
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cuts no open file")
@pytest.mark.parametrize("size", [0, 5000])
@pytest.mark.parametrize("script", [_JOURNAL, _WEIGHTS])
def test_a_cut_file_ends_no_reader(tmp_path, script, size):
    words = [sys.executable, "-c", script, str(tmp_path), str(size)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr}"


@pytest.mark.parametrize("has_preadv", [True, False])
def test_a_short_read_states_how_much_there_is(tmp_path, monkeypatch, has_preadv):
    if not has_preadv:  # as on Windows
        monkeypatch.setattr("interfaces.ipc.file_reader._HAS_PREADV", False)
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    reader, target = FileReader(path), np.zeros(40, np.uint8)
    assert reader.read_into(30, target) == 40
    assert target.tolist() == list(range(30, 70))
    assert reader.read_into(90, target) == 10
    assert target[:10].tolist() == list(range(90, 100))
    assert reader.read_into(200, target) == 0
    assert reader.size == 100
