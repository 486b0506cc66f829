"""A live run notices that its folder is gone, and does not forget it."""

import os
import sys

import pytest

from interfaces.runtime.live_control.folder_watch import FolderWatch


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").touch()
    return folder


@pytest.fixture
def watch(folder):
    return FolderWatch(folder, folder / "config.yaml")


def test_unchanged_folder_is_no_problem(watch):
    assert not watch.check()
    assert watch.problem == ""


def test_moved_folder_is_a_problem_even_when_it_comes_back(folder, watch):
    folder.rename(folder.with_name("moved"))
    assert watch.check()
    assert "deleted or moved" in watch.problem
    folder.with_name("moved").rename(folder)
    assert not watch.check(), "it was reported already"
    assert watch.problem


def test_another_folder_at_the_same_path_is_a_problem(folder, watch):
    folder.rename(folder.with_name("moved"))
    folder.mkdir()
    (folder / "config.yaml").touch()
    assert watch.check()
    assert "replaced" in watch.problem


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_folder_without_permission_is_a_problem(folder, watch):
    folder.chmod(0o500)
    assert watch.check()
    folder.chmod(0o700)
    assert "permission" in watch.problem
