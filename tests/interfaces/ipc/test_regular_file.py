"""Files that are opened for reading: what they may be, and that no writer waits for them."""

import sys

import pytest

from interfaces.ipc.regular_file import NotRegularFile, open_regular

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="an open file stops nothing here")


@pytest.mark.parametrize("write", [False, True])
def test_a_file_is_read_from_any_path(awkward_path, write):
    path = awkward_path / "夢"
    path.write_bytes(b"dream")
    with open_regular(path, write=write) as file:
        assert file.read() == b"dream"
        if write:
            file.seek(0)
            file.write(b"D")
    assert path.read_bytes() == (b"Dream" if write else b"dream")


def test_other_things_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "absent")
    with pytest.raises(NotRegularFile, match="a folder"):
        open_regular(tmp_path)


@on_windows
def test_an_open_file_can_be_renamed_and_deleted(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"dream")
    with open_regular(path) as file:
        moved = path.rename(tmp_path / "b")
        moved.unlink()
        assert file.read() == b"dream"
    assert not moved.exists()
