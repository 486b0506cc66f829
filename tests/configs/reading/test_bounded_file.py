"""Whatever lies at a path: the content of an ordinary file, or one error, and never a wait."""

import os
import socket
import sys
import time

import pytest

from configs.reading.bounded_file import (
    MissingFile,
    UnreadableFile,
    last_line,
    read_bytes,
    read_text,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def refused(path, part, max_bytes=1000):
    before = time.perf_counter()
    with pytest.raises(UnreadableFile) as caught:
        read_bytes(path, max_bytes)
    assert time.perf_counter() - before < 5, "it waited"
    assert str(caught.value).startswith(f"{path}: ")
    assert part in caught.value.cause


def test_an_ordinary_file_and_a_link_to_one_are_read(tmp_path):
    file = tmp_path / "夢 の.txt"
    file.write_bytes(b"\xef\xbb\xbfa\r\nb")
    assert read_bytes(file, 8) == b"\xef\xbb\xbfa\r\nb"
    assert read_text(file) == "a\nb", "without the byte order mark"
    if sys.platform != "win32":
        (tmp_path / "link").symlink_to(file)
        assert read_text(tmp_path / "link") == "a\nb"


def test_a_missing_file_is_told_apart(tmp_path):
    for path in (tmp_path / "no", tmp_path / "no" / "inside"):
        with pytest.raises(MissingFile, match="no such file"):
            read_bytes(path)
    (tmp_path / "file").touch()
    with pytest.raises(UnreadableFile):
        read_bytes(tmp_path / "file" / "inside")


def test_a_directory_a_larger_file_and_an_impossible_name_are_refused(tmp_path):
    refused(tmp_path, "directory")
    large = tmp_path / "large"
    large.write_bytes(b"x" * 1001)
    refused(large, "larger than")
    refused(tmp_path / "a\0b", "null")
    with large.open("wb") as file:  # 8 TiB on paper; the size is checked before anything is read
        try:
            file.truncate(8 * 2**40)
        except OSError:
            return
    refused(large, "larger than")


@POSIX
def test_devices_pipes_sockets_and_loops_are_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for name, target in (("zero", "/dev/zero"), ("tty", "/dev/tty"), ("pipe", tmp_path / "fifo")):
        (tmp_path / name).symlink_to(target)
    refused(tmp_path / "zero", "not an ordinary file")
    refused(tmp_path / "pipe", "not an ordinary file")
    refused(tmp_path / "tty", "")  # without a terminal the system refuses it
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / "loop", "symbolic links")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        refused(tmp_path / "s", "")


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="Linux only")
def test_a_file_that_states_no_size_is_bounded_too():
    from pathlib import Path

    assert read_bytes(Path("/proc/self/stat"))
    refused(Path("/proc/self/maps"), "larger than", max_bytes=100)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"a\nb\xff", "line 2, byte 3"),
        (b"\xff\xfea\0b", "UTF-16, byte 4"),
        (b"\xed\xa0\x80", "not UTF-8"),
    ],
)
def test_text_that_is_not_utf_8_names_the_place(tmp_path, content, part):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UnreadableFile, match=part):
        read_text(tmp_path / "file")


def test_text_that_powershell_5_wrote_is_read(tmp_path):
    (tmp_path / "file").write_bytes("夢: 1\r\n".encode("utf-16"))
    assert read_text(tmp_path / "file") == "夢: 1\n"


def test_the_last_line_of_a_log_is_read_from_its_end(tmp_path):
    log = tmp_path / "body.log"
    assert last_line(log) == ""
    log.write_bytes(b"\n \n")
    assert last_line(log) == ""
    with log.open("wb") as file:
        file.truncate(2**33)  # a log of 8 GiB
        file.seek(0, 2)
        file.write("\nfirst\nlast \udcff".encode(errors="surrogateescape") + b"\n\n")
    assert last_line(log) == "last \ufffd"
