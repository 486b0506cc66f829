"""Nothing is written or deleted through a link of a run folder."""

import os
import subprocess
import sys

import pytest

from interfaces.ipc.atomic_files import write_bytes
from interfaces.ipc.mapped_file import allocate, map_bytes
from interfaces.ipc.no_links import (
    LinkRefused,
    is_link,
    open_descriptor,
    open_here,
    refuse_links,
    refuse_links_between,
)

HAS_SYMLINKS = sys.platform != "win32"


def hard_link(path, target):
    path.hardlink_to(target)


def symbolic_link(path, target):
    if not HAS_SYMLINKS:
        pytest.skip("symbolic links need a privilege there")
    path.symlink_to(target, target_is_directory=target.is_dir())


def folder_link(path, target):
    """A link to a folder that every user can make: a junction on Windows."""
    if HAS_SYMLINKS:
        path.symlink_to(target, target_is_directory=True)
    else:
        made = subprocess.run(["cmd", "/c", "mklink", "/J", str(path), str(target)], check=False)
        if made.returncode or not path.exists():
            pytest.skip("no junctions here")


@pytest.fixture
def mine(tmp_path):
    """A file outside the run folder, which must stay as it is."""
    file = tmp_path / "mine" / "file"
    file.parent.mkdir()
    file.write_bytes(b"mine")
    yield file
    assert file.read_bytes() == b"mine"
    assert [each.name for each in file.parent.iterdir()] == ["file"]


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("link", [symbolic_link, hard_link])
@pytest.mark.parametrize("mode", ["ab", "wb", "r+b"])
def test_a_file_is_not_opened_through_a_link(run, mine, link, mode):
    link(run / "x", mine)
    assert is_link(run / "x")
    with pytest.raises(LinkRefused, match="is a link or has a second name"):
        open_here(run / "x", mode)


@pytest.mark.parametrize("mode", ["ab", "wb"])
def test_a_link_to_nothing_creates_nothing(run, mine, mode):
    symbolic_link(run / "x", mine.with_name("new"))
    with pytest.raises(LinkRefused):
        open_here(run / "x", mode)


def test_a_file_is_not_opened_in_a_folder_behind_a_link(run, mine):
    folder_link(run / "logs", mine.parent)
    for name in ("file", "new"):
        with pytest.raises(LinkRefused):
            open_descriptor(run / "logs" / name, "ab")
    assert is_link(run / "logs")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused_and_does_not_block(run):
    os.mkfifo(run / "x")
    for mode in ("ab", "wb", "r+b"):
        with pytest.raises(OSError, match=r"."):
            open_here(run / "x", mode)


@pytest.mark.parametrize("link", [symbolic_link, hard_link])
def test_atomic_and_mapped_files_do_not_follow_links(run, mine, link):
    link(run / "x.tmp", mine)
    with pytest.raises(LinkRefused):
        write_bytes(run / "x", b"theirs")
    with pytest.raises(LinkRefused):
        allocate(run / "x", 4096)
    link(run / "y", mine)
    with pytest.raises(LinkRefused):
        map_bytes(run / "y", write=True)


def test_a_link_at_the_final_name_is_replaced_not_followed(run, mine):
    symbolic_link(run / "x", mine)
    write_bytes(run / "x", b"theirs")
    assert not is_link(run / "x")
    assert (run / "x").read_bytes() == b"theirs"


@pytest.mark.parametrize("link", [symbolic_link, hard_link, folder_link])
@pytest.mark.parametrize("place", ["x", "a/b/x"])
def test_links_are_found_at_any_depth(run, mine, link, place):
    path = run / place
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_links([run])
    link(path, mine.parent if link is folder_link else mine)
    with pytest.raises(LinkRefused, match="x is a link"):
        refuse_links([run])
    refuse_links([run / "missing", run.parent / "none" / "at all"])


def test_a_link_above_the_folder_is_the_users(run, mine):
    folder_link(run / "shortcut", mine.parent)
    refuse_links_between(run / "shortcut", run / "shortcut" / "file")
    with pytest.raises(LinkRefused, match="shortcut is a link"):
        refuse_links_between(run, run / "shortcut" / "file")


def test_ordinary_files_are_written(run):
    with open_here(run / "x", "wb") as file:
        file.write(b"12345")
    with open_here(run / "x", "ab") as file:
        file.write(b"6")
    with open_here(run / "x", "r+b") as file:
        file.write(b"0")
    assert (run / "x").read_bytes() == b"023456"
    with open_here(run / "x", "wb") as file:
        file.write(b"7")
    assert (run / "x").read_bytes() == b"7"
    with pytest.raises(FileNotFoundError) as raised:
        open_here(run / "none" / "y", "wb")
    assert raised.value.filename
    if HAS_SYMLINKS:
        assert (run / "x").stat().st_mode & 0o077 == 0
