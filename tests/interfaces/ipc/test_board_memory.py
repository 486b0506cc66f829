"""The memory of a Board: it cannot be cut, and other processes find it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interfaces.ipc.board import BOARD_BYTES, Board
from interfaces.ipc.board_memory import BoardMemory, find_memory, is_board_file, is_board_memory

linux = pytest.mark.skipif(sys.platform != "linux", reason="sealed memory is Linux's")


@linux
def test_memory_cannot_be_cut_or_replaced(tmp_path):
    memory = BoardMemory("cut", BOARD_BYTES, tmp_path)
    board = Board(memory.path)
    board["ticks"] = 7
    for size in (0, 4096, BOARD_BYTES + 1):
        with pytest.raises(PermissionError):
            os.truncate(memory.path, size)
    with pytest.raises(PermissionError):  # as cp and a shell's > do
        memory.path.write_bytes(b"")
    assert Board(memory.path)["ticks"] == 7
    assert not list(tmp_path.iterdir()), "it is no file"


@linux
def test_memory_lives_as_long_as_a_process_has_it(tmp_path):
    """As for commands after the supervisor was killed: the guard still has the Board."""
    code = (
        "import subprocess, sys\n"
        "from pathlib import Path\n"
        "from interfaces.ipc.board import BOARD_BYTES, Board\n"
        "from interfaces.ipc.board_memory import BoardMemory\n"
        "memory = BoardMemory('outlives', BOARD_BYTES, Path('.'))\n"
        "Board(memory.path)['ticks'] = 5\n"
        "child = subprocess.Popen(['sleep', '60'], stdout=2,"
        " pass_fds=memory.descriptors)\n"
        "print(child.pid, flush=True)\n"
    )
    creator = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    child = int(creator.stdout)
    try:
        path = find_memory("yume-board-outlives", [])
        assert path == Path("/proc", str(child), "fd", path.name)
        assert Board(path)["ticks"] == 5
        assert find_memory("yume-board-outlives", [child, 1]) == path
    finally:
        os.kill(child, 9)


@linux
def test_another_descriptor_is_not_taken_for_the_memory(tmp_path):
    memory = BoardMemory("own", BOARD_BYTES, tmp_path)
    assert is_board_memory(memory.path)
    with (tmp_path / "file").open("wb") as file:
        assert not is_board_memory(Path("/proc/self/fd", str(file.fileno())))
    assert not is_board_memory(Path("/proc/self/fd/99999"))


def test_without_sealed_memory_it_is_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("interfaces.ipc.board_memory._sealed_memory", lambda *_: None)
    memory = BoardMemory("file", BOARD_BYTES, tmp_path)
    assert memory.descriptors == ()
    assert memory.path.parent == tmp_path
    assert find_memory(memory.location, []) == memory.path
    Board(memory.path)["ticks"] = 3
    assert Board(find_memory(memory.location, []))["ticks"] == 3
    assert is_board_file(memory.path)
    assert not is_board_file(Path(__file__).resolve())
    memory.path.unlink()
    assert find_memory(memory.location, []) is None
