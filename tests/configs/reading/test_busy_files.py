"""Files that another program holds open: tried again, then named; nothing is lost."""

import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from configs.reading import busy_files
from interfaces.ipc.regular_file import open_regular

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="an open file stops nothing here")


def held_error(code):
    """The error of Windows with this number, as Python raises it."""
    error = PermissionError(13, "The process cannot access the file")
    error.winerror = code
    return error


def refuse_first(monkeypatch, name, times, code=32):
    """`Path.NAME` fails so many times, as while another program has the file open."""
    real, left = getattr(Path, name), [times]

    def call(path, *words, **named):
        if left[0]:
            left[0] -= 1
            raise held_error(code)
        return real(path, *words, **named)

    monkeypatch.setattr(Path, name, call)
    return left


@pytest.mark.parametrize("code", [5, 32, 33, 1224])
def test_a_file_that_is_let_go_is_replaced(tmp_path, monkeypatch, code):
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    left = refuse_first(monkeypatch, "replace", 3, code)
    busy_files.replace_file(new, old)
    assert left == [0]
    assert old.read_text() == "new"
    assert not new.exists()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("replace", lambda path: busy_files.replace_file(path, path.with_name("b"), 0.05)),
        ("rename", lambda path: busy_files.rename_file(path, path.with_name("b"), 0.05)),
        ("unlink", lambda path: busy_files.delete_file(path, limit_s=0.05)),
    ],
)
def test_a_file_that_stays_held_is_named_and_stays(tmp_path, monkeypatch, name, call):
    path = tmp_path / "a"
    path.write_text("a")
    refuse_first(monkeypatch, name, 10**6)
    with pytest.raises(busy_files.FileHeld, match="close the program") as raised:
        call(path)
    assert Path(raised.value.filename).parent == tmp_path
    assert path.read_text() == "a"


def test_other_errors_come_at_once(tmp_path, monkeypatch):
    began = time.perf_counter()
    with pytest.raises(FileNotFoundError):
        busy_files.delete_file(tmp_path / "absent")
    busy_files.delete_file(tmp_path / "absent", missing_ok=True)
    refuse_first(monkeypatch, "unlink", 10**6, code=1314)  # a privilege is missing
    with pytest.raises(PermissionError) as raised:
        busy_files.delete_file(tmp_path / "absent")
    assert not isinstance(raised.value, busy_files.FileHeld)
    assert time.perf_counter() - began < 1.0


def test_a_read_only_file_is_deleted(tmp_path):
    path = tmp_path / "read-only"
    path.write_text("a")
    os.chmod(path, stat.S_IREAD)
    busy_files.delete_file(path)
    assert not path.exists()


def test_a_folder_with_a_read_only_file_is_deleted(tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a").write_text("a")
    os.chmod(folder / "inner" / "a", stat.S_IREAD)
    busy_files.delete_folder(folder)
    assert not folder.exists()


def test_a_name_is_free_at_once_although_a_reader_has_the_file_open(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with open_regular(path) as reader:
        busy_files.delete_at_once(path)
        assert not path.exists()
        path.write_bytes(b"new")
        assert reader.read() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert path.read_bytes() == b"new"
    with pytest.raises(FileNotFoundError):
        busy_files.delete_at_once(tmp_path / "absent")


@on_windows
def test_an_open_file_is_deleted_when_it_is_closed(tmp_path):
    path = tmp_path / "open"
    path.write_text("a")
    file = path.open()
    with pytest.raises(busy_files.FileHeld, match="close the program"):
        busy_files.delete_file(path, limit_s=0.1)
    threading.Timer(0.3, file.close).start()
    busy_files.delete_file(path)
    assert not path.exists()
